"""Videos and notes that were never there."""

from fractions import Fraction

from hypothesis import strategies as st

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange.notes import Notes, VideoFacts
from rushes.exchange.shape import bounds, decode
from rushes.timecode import parse_timecode
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL

FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)
NTSC_FAST = Fraction(60000, 1001)
ANN, BEN = "p-ann", "p-ben"
NAMES = {ANN: "Ann", BEN: "Ben Ó Séaghdha"}


def video(
    rate: Fraction = FILM,
    start: str = "",
    frame_count: int = 250,
    numbers: tuple[int, ...] = (),
    name: str = "sh010.mov",
) -> VideoFacts:
    """A video of 1920 x 1080."""
    begin = parse_timecode(start, rate) if start else None
    return VideoFacts(7, name, rate, frame_count, 1920, 1080, begin, numbers)


VIDEOS = (
    video(FILM),
    video(FILM, "01:00:00:00"),
    video(Fraction(25), "10:00:00:00"),
    video(NTSC, "00:59:58;20"),
    video(NTSC, "01:00:00:00"),
    video(NTSC_FAST, "23:59:59;00"),
)


def key(number: int) -> bytes:
    """An id."""
    return number.to_bytes(16, "big")


def comment(
    number: int, frame: int, text: str, author: str = ANN, last: int | None = None, **more: object
) -> Annotation:
    """A comment that clients may read."""
    fields: dict[str, object] = {
        "id": key(number),
        "kind": pb.ANNOTATION_KIND_COMMENT,
        "first_frame": frame,
        "last_frame": frame if last is None else last,
        "text": text,
        "author_id": author,
        "created_ms": 1_700_000_000_000 + number,
        "audience": AUDIENCE_CLIENT,
    }
    return Annotation(**(fields | more))  # type: ignore[arg-type]


def notes(facts: VideoFacts, *annotations: Annotation) -> Notes:
    """Notes of Ann and Ben."""
    return Notes(facts, annotations, NAMES)


ALL_KINDS = (
    pb.ANNOTATION_KIND_STROKE,
    pb.ANNOTATION_KIND_LINE,
    pb.ANNOTATION_KIND_ARROW,
    pb.ANNOTATION_KIND_RECT,
    pb.ANNOTATION_KIND_ELLIPSE,
    pb.ANNOTATION_KIND_TEXT,
    pb.ANNOTATION_KIND_COMMENT,
)
_near = st.integers(-40_000, 40_000)
_styles = st.builds(
    pb.Style,
    color=st.integers(0, 0xFFFFFF),
    opacity=st.integers(0, 255),
    width=st.integers(0, 4000),
    fill=st.sampled_from((0, 0x80FF8000, 0xFF000001)),
    font_size=st.integers(1, 5000),
    align=st.integers(0, 3),
)
words = st.text(st.sampled_from('ab 01:*|=/\\"<\n\r\t\x1b\u2028ä漢🎬'), max_size=12)


@st.composite
def annotations(draw: st.DrawFn, facts: VideoFacts, number: int) -> Annotation:
    """One that could be in a document."""
    kind = draw(st.sampled_from(ALL_KINDS))
    first = draw(st.integers(0, facts.frame_count - 1))
    made = Annotation(
        id=key(number),
        kind=kind,
        author_id=draw(st.sampled_from((ANN, BEN))),
        created_ms=number,
        first_frame=first,
        last_frame=draw(st.integers(first, facts.frame_count - 1)),
        position=pb.Position(x=draw(_near), y=draw(_near)),
        audience=draw(st.sampled_from((AUDIENCE_CLIENT, AUDIENCE_INTERNAL))),
        resolved=draw(st.booleans()),
        tags=draw(st.sampled_from(((), ("vfx",), ("a", "b")))),
        text=draw(words),
    )
    if number > 1 and draw(st.booleans()):
        made.parent_id = key(draw(st.integers(1, number - 1)))
    if kind == pb.ANNOTATION_KIND_COMMENT:
        return made
    if draw(st.booleans()):
        made.style.CopyFrom(draw(_styles))
    if kind == pb.ANNOTATION_KIND_TEXT:
        made.text = draw(words.filter(str.strip))
    _draw(draw, made)
    return made


def _draw(draw: st.DrawFn, made: Annotation) -> None:
    if made.kind > pb.ANNOTATION_KIND_ARROW:
        edges = [draw(_near) for _ in range(4)]
        made.box.CopyFrom(pb.Box(left=edges[0], top=edges[1], right=edges[2], bottom=edges[3]))
        return
    count = 2 if made.kind != pb.ANNOTATION_KIND_STROKE else draw(st.integers(1, 4))
    made.points.extend(draw(st.lists(_near, min_size=2 * count, max_size=2 * count)))
    box = draw(st.sampled_from(("none", "own", "other")))
    if box == "own":
        made.box.CopyFrom(bounds(decode(made.points)))
    elif box == "other":
        made.box.CopyFrom(pb.Box(left=-100, top=draw(_near), right=77, bottom=draw(_near)))
    if made.kind == pb.ANNOTATION_KIND_STROKE:
        made.mode = draw(st.sampled_from((pb.STROKE_MODE_DRAW, pb.STROKE_MODE_ERASE)))
        if draw(st.booleans()):
            made.pressure = draw(st.binary(min_size=count, max_size=count))


@st.composite
def all_notes(draw: st.DrawFn) -> Notes:
    """Notes of some video."""
    facts = draw(st.sampled_from(VIDEOS))
    count = draw(st.integers(0, 4))
    return notes(facts, *(draw(annotations(facts, number)) for number in range(1, count + 1)))
