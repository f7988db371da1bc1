"""Notes from an OpenTimelineIO file: markers, and the layers of OpenRV's annotations.

If a clip of the timeline shows the video, its markers and layers count, and those of the timeline where it shows the
clip; else the video is what the timeline was rendered to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.exchange import layer, otio
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.found import Found, Item, content_of
from rushes.exchange.layer import Canvas
from rushes.exchange.notes import VideoFacts, one_line
from rushes.exchange.otio_time import Clock, Placed, Span, clips, is_of, media_of, media_start, schema, source_of
from rushes.exchange.plain import Json, from_plain, list_at, number_at, object_at, parse, text_at, video_id_at
from rushes.exchange.shape import POINTED, decode, encode, resized

_NO_NAME: Final = re.compile(r"marker ?\d*", re.IGNORECASE)


def read(data: bytes, video: VideoFacts, start: int | None = None) -> Found:
    """The notes of a timeline; `start`: its time of the video's first frame, if the file does not say it.

    Raises InvalidNotesFile.
    """
    root = parse(data, "OTIO")
    try:
        timeline = _timeline(root)
        reader = _Reader(video, Clock(video.rate))
        reader.found.video_id = video_id_at(object_at(object_at(timeline.get("metadata")).get(otio.OWN)))
        reader.read(timeline, start)
    except RecursionError:
        raise InvalidNotesFile("This OTIO file cannot be read: it is nested too deeply.") from None
    except ValueError as error:
        raise InvalidNotesFile(f"This OTIO file cannot be read: it has {error}.") from None
    return reader.found


def _timeline(root: Json) -> Json:
    if schema(root) == "Timeline":
        return root
    if schema(root) in ("Stack", "Track", "Clip"):
        return {"tracks": root}
    for child in list_at(root.get("children")):
        if schema(object_at(child)) == "Timeline":
            return object_at(child)
    raise InvalidNotesFile("This is no OTIO file: it holds no timeline, track or clip.")


@dataclass(slots=True)
class _Reader:
    video: VideoFacts
    clock: Clock
    found: Found = field(default_factory=Found)

    def read(self, timeline: Json, start: int | None) -> None:
        stack = object_at(timeline.get("tracks"))
        placed = list(clips(stack, self.clock))
        ours = [each for each in placed if is_of(each.clip, self.video)] or (placed if len(placed) == 1 else [])
        if start is not None:
            ours = []
        for each in ours:
            at = media_start(each, self.video, self.clock)
            self._markers(each.clip, -at)
            self._effects(each.clip, -at)
        global_start = object_at(timeline.get("global_start_time"))
        begins = self.clock.count(global_start) if global_start else Fraction(0)
        offset = Fraction(0) if start is None else begins - start
        for owner in [stack, *(object_at(child) for child in list_at(stack.get("children")))]:
            if schema(owner) != "Clip":
                self._on_timeline(owner, ours, begins, offset)
        for each in [] if ours else placed:
            # Where the clip is on the timeline, and how far its own time is from that.
            at = each.start - each.source.start + offset
            self._markers(each.clip, at)
            self._effects(each.clip, at)

    def _on_timeline(self, owner: Json, ours: Sequence[Placed], begins: Fraction, offset: Fraction) -> None:
        """Markers of a track or of all tracks. Some programs count from zero, some from the timeline's start."""
        times = [self.clock.span(object_at(each).get("marked_range")) for each in list_at(owner.get("markers"))]
        known = [time.start for time in times if time is not None]
        if known and min(known) >= begins:
            offset -= begins
        if not ours:
            self._markers(owner, offset)
            return
        for each in ours:
            at = each.source.start - media_start(each, self.video, self.clock) - each.start
            window = Span(each.start, source_of(each.clip, self.clock).length)
            self._markers(owner, offset + at, Span(window.start - offset, window.length))

    # -- markers -----------------------------------------------------------------------------------------------------

    def _markers(self, owner: Json, offset: Fraction, window: Span | None = None) -> None:
        for value in list_at(owner.get("markers")):
            marker = object_at(value)
            span = self.clock.span(marker.get("marked_range")) or Span(Fraction(0), Fraction(0))
            if window is not None and not 0 <= span.start - window.start < window.length:
                self.found.outside += 1
                continue
            own = object_at(object_at(marker.get("metadata")).get(otio.OWN))
            text = _own_words(marker, own) if "note" in own else _words(marker)
            if not text.strip() and not own:
                continue
            shown = Annotation(kind=ANNOTATION_KIND_COMMENT, text=text)
            self._add([shown], span, offset, own, text_at(own.get("author")))

    def _add(self, shown: list[Annotation], span: Span, offset: Fraction, own: Json, author: str) -> None:
        first = self.video.frame(round(span.start + offset))
        if first is None:
            self.found.outside += len(shown)
            return
        last = self.video.frame(round(span.start + offset) + max(0, round(span.length) - 1))
        for each in shown:
            each.first_frame, each.last_frame = first, self.video.frame_count - 1 if last is None else last
        memory = from_plain(own.get("note")) if "note" in own else None
        for each in shown:
            content = content_of(each)
            made = each if memory is None else _remembered(memory, each, self.video)
            self.found.items.append(Item(made, content, author))

    # -- drawings ----------------------------------------------------------------------------------------------------

    def _effects(self, clip: Json, offset: Fraction) -> None:
        kept = object_at(object_at(clip.get("metadata")).get(otio.OWN))
        for value in [*list_at(clip.get("effects")), *list_at(kept.get("effects"))]:
            effect = object_at(value)
            if schema(effect) != "Annotation":
                continue
            canvas = _canvas(clip, self.video)
            own = object_at(object_at(object_at(effect.get("metadata")).get(otio.OWN)).get("layers"))
            for each in list_at(effect.get("layers")):
                self._layer(object_at(each), canvas, offset, own)

    def _layer(self, drawn: Json, canvas: Canvas, offset: Fraction, own: Json) -> None:
        if drawn.get("soft_deleted") is True or drawn.get("visible") is False:
            return
        name = text_at(drawn.get("OTIO_SCHEMA")) or "a layer without a schema"
        try:
            shown = layer.read(drawn, canvas)
            span = self.clock.span(drawn.get("layer_range"))
            if span is None:
                raise ValueError("no time")
        except ValueError as error:
            self.found.left_out.append(f"{name}: {error}")
            return
        if not shown:
            self.found.left_out.append(f"{name}: not a kind of drawing that is known here")
            return
        memory = object_at(own.get(text_at(drawn.get("id"))))
        if len(shown) == 1 and not memory:
            shown[0].id = layer.annotation_id(drawn.get("id"))
        self._add(shown, span, offset, memory if len(shown) == 1 else {}, text_at(memory.get("author")))


def _canvas(clip: Json, video: VideoFacts) -> Canvas:
    """The units of a clip's layers: its media's bounds say them; without bounds 16 is the picture's width."""
    box = object_at(media_of(clip).get("available_image_bounds"))
    if not box:
        return Canvas(float(16 / video.aspect))
    low, high = object_at(box.get("min")), object_at(box.get("max"))
    x0, x1 = (number_at(each.get("x"), "bounds") for each in (low, high))
    y0, y1 = (number_at(each.get("y"), "bounds") for each in (low, high))
    if y1 <= y0:
        raise ValueError("bounds of a picture without a height")
    return Canvas(y1 - y0, (x0 + x1) / 2, (y0 + y1) / 2)


def _own_words(marker: Json, own: Json) -> str:
    """What a marker says that was written here: its comment, unless the program it comes from knows only names."""
    if isinstance(marker.get("comment"), str):
        return text_at(marker.get("comment"))
    text, name = from_plain(own.get("note")).text, text_at(marker.get("name"))
    return text if name == otio.marker_name(text_at(own.get("author")), text) else name


def _words(marker: Json) -> str:
    """What a marker says: programs put it into its name, its comment, or a note of their own."""
    name = text_at(marker.get("name"))
    note = text_at(object_at(object_at(marker.get("metadata")).get("Resolve_OTIO")).get("Note"))
    said = text_at(marker.get("comment")) or note
    if not said.strip():
        return name
    flat = one_line(said)
    tail = name.partition(": ")[2]
    if _NO_NAME.fullmatch(name.strip()) or flat.startswith(name.strip()) or (tail and flat.startswith(tail)):
        return said
    return f"{name}: {said}"


def _remembered(memory: Annotation, shown: Annotation, video: VideoFacts) -> Annotation:
    """The note as it was written, with what the file shows otherwise now."""
    made = Annotation()
    made.CopyFrom(memory)
    if shown.kind == ANNOTATION_KIND_COMMENT:
        made.kind, made.text = shown.kind, shown.text
    elif not _draws(made, shown):
        for name in ("kind", "mode", "pressure", "text"):
            setattr(made, name, getattr(shown, name))
        made.position.CopyFrom(shown.position)
        made.box.CopyFrom(shown.box)
        made.style.CopyFrom(shown.style)
        made.points[:] = shown.points
    for name in ("first_frame", "last_frame"):
        frame = getattr(memory, name)
        there = frame < video.frame_count and video.frame(video.number(frame)) == getattr(shown, name)
        setattr(made, name, frame if there else getattr(shown, name))
    return made


def _draws(made: Annotation, shown: Annotation) -> bool:
    """Whether a drawing, once it has the points that a file shows, is what the file shows."""
    if made.kind in POINTED and not made.points:
        x, y = shown.position.x - made.position.x, shown.position.y - made.position.y
        made.points.extend(encode([(x + px, y + py) for px, py in decode(shown.points)]))
        if resized(made):
            return False
    drawn = layer.write(made, {}) if made.kind == shown.kind else None
    again = layer.read(drawn, Canvas()) if drawn is not None else []
    if len(again) != 1:
        return False
    again[0].first_frame, again[0].last_frame = shown.first_frame, shown.last_frame
    return content_of(again[0]) == content_of(shown)
