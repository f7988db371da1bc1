"""Page tokens hold for the request that they were given for, and nothing else is taken for one."""

import base64

import pytest

from rushes.annotation.v1.annotation_service_pb2 import ListChangesRequest
from rushes.errors import InvalidArgument
from svc_annotation.core.token import TokenInvalid, asked_for, pack, page_size, unpack


def test_a_token_gives_back_its_numbers() -> None:
    asked = asked_for(ListChangesRequest(video_id=1, from_revision=3))
    assert unpack("c", 3, pack("c", 1, 2, 1 << 62, asked=asked), asked) == [1, 2, 1 << 62]


def test_the_page_is_no_part_of_what_is_asked() -> None:
    first = ListChangesRequest(video_id=1, from_revision=3)
    later = ListChangesRequest(video_id=1, from_revision=3, page_token="x", page_size=7)
    assert asked_for(first) == asked_for(later) != asked_for(ListChangesRequest(video_id=1, from_revision=4))


@pytest.mark.parametrize(
    "token",
    ["", "é", "====", "abc", pack("c", 1), pack("f", 1, 2), pack("c", 1, 2, asked="other"),
     base64.urlsafe_b64encode(b"c.1.-2.").decode(), base64.urlsafe_b64encode(b"c.1.\xff.").decode(),
     base64.urlsafe_b64encode(b"c.1." + b"9" * 20 + b".").decode()],
)  # fmt: skip
def test_anything_else_is_no_token(token: str) -> None:
    with pytest.raises(TokenInvalid):
        unpack("c", 2, token)


def test_a_page_has_a_size_within_reason() -> None:
    assert (page_size(0), page_size(7), page_size(1 << 30)) == (100, 7, 1_000)
    with pytest.raises(InvalidArgument):
        page_size(-1)
