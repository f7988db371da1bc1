"""Which video or room a request is about, read off its bytes."""

import pytest

from gateway.spread import key_of, video_of
from mesh.ids import family, new_id, relative
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.signaling.v1 import feed_service_pb2 as feeds
from rushes.signaling.v1 import room_service_pb2 as rooms


@pytest.mark.parametrize("video_id", [1, 127, 128, 300, (1 << 53) - 1])
def test_the_video_is_found_in_a_request_and_in_the_opening_of_a_stream(video_id: int) -> None:
    request = service.GetDocumentRequest(video_id=video_id, page_token="more")
    assert video_of(request.SerializeToString()) == video_id
    opening = service.CollaborateOpen(video_id=video_id, client_id=bytes(16))
    assert video_of(service.CollaborateRequest(open=opening).SerializeToString()) == video_id


@pytest.mark.parametrize(
    "message", [b"", b"\x08", b"\x0a", b"\x0a\x05", b"\x12\x01a", b"\x0a\x02\x12\x00", b"\x08" + b"\xff" * 40]
)
def test_what_names_no_video_first_is_no_error(message: bytes) -> None:
    assert video_of(message) >= 0


def test_the_room_is_found_in_every_request_about_one() -> None:
    room, person = new_id(), new_id()
    opening = rooms.SignalOpen(project_id=300, room_id=room, participant_id=person, after=5)
    asked = (
        rooms.SignalRequest(open=opening),
        rooms.EndRoomRequest(project_id=1, room_id=room),
        feeds.StartFeedRequest(secret=f"{room}.{person}", offer=person),
        feeds.EndFeedRequest(secret=f"{room}.secret", session_id=person),
        feeds.RevokeFeedKeyRequest(project_id=1, room_id=room, key_id=person),
    )
    assert {key_of("svc_signaling", each.SerializeToString()) for each in asked} == {family(room)}
    breakout = rooms.SignalRequest(open=rooms.SignalOpen(project_id=300, room_id=relative(room, person, 1)))
    assert key_of("svc_signaling", breakout.SerializeToString()) == family(room), (
        "breakouts are served beside their room"
    )
    assert key_of("svc_signaling", b"") == ""


def test_every_request_about_a_video_has_it_as_its_first_field() -> None:
    for method in service.DESCRIPTOR.services_by_name["AnnotationService"].methods:
        first = method.input_type.fields_by_number[1]
        named = first if first.message_type is None else first.message_type.fields_by_number[1]
        assert named.name == "video_id", method.name
