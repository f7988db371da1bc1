"""Requests about media that are sent again."""

from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.answer import KEPT, Answers


def publish(number: int, offer: str = "v=0") -> pb.SignalRequest:
    return pb.SignalRequest(number=number, publish=pb.Publish(offer=offer))


def test_what_is_sent_again_is_answered_as_before_and_anything_else_is_new() -> None:
    answers = Answers()
    assert answers.of(publish(1)) is None
    answers.keep(publish(1), [b"published", b"done"])
    assert answers.of(publish(1)) == (b"published", b"done")
    assert answers.of(publish(1, "another")) is None, "of another life of the page"
    assert answers.of(publish(2)) is None


def test_only_the_last_answers_are_kept() -> None:
    answers = Answers()
    for number in range(1, 100):
        answers.keep(publish(number), [b"done"])
    assert [number for number in range(1, 100) if answers.of(publish(number)) is not None] == [*range(100 - KEPT, 100)]
