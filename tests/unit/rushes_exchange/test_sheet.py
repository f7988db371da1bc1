"""What stands on a sheet of notes."""

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.exchange.sheet import Head, sheet
from tests.unit.rushes_exchange.sample import notes, video


def comment(name: str, above: str = "", *, frame: int = 3, at_ms: int = 0) -> Annotation:
    return Annotation(
        id=name.encode(),
        kind=ANNOTATION_KIND_COMMENT,
        parent_id=above.encode(),
        first_frame=frame,
        last_frame=frame,
        text=name,
        created_ms=at_ms,
    )


def threads(*comments: Annotation) -> list[tuple[str, list[str]]]:
    made = sheet(Head(), notes(video(), *comments))
    return [
        (thread.comment.text, [reply.text for reply in thread.replies])
        for entry in made.entries
        for thread in entry.threads
    ]


def test_replies_to_replies_are_in_the_thread_by_time() -> None:
    said = [comment("c", "b", at_ms=3), comment("b", "a", at_ms=2), comment("d", "c", at_ms=4), comment("a", at_ms=1)]
    assert threads(*said, comment("e", "a", at_ms=5)) == [("a", ["b", "c", "d", "e"])]


def test_a_reply_whose_comment_is_not_there_stands_for_itself_with_its_own() -> None:
    assert threads(comment("b", "gone", at_ms=1), comment("c", "b", at_ms=2)) == [("b", ["c"])]


def test_of_replies_in_a_ring_none_is_lost() -> None:
    said = threads(comment("a", "b", at_ms=1), comment("b", "a", at_ms=2), comment("c", "b", at_ms=3))
    assert said == [("a", ["b", "c"])]
