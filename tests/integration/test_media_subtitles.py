"""Subtitles of a running svc_media: who may add and who may read them, and what is served."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.rpc import to_error
from rushes.media.v1.subtitle_service_pb2 import Subtitle
from tests import clips
from tests.integration.media_server import Client, MediaServer, client_of, serving

SRT = b"1\n00:00:01,000 --> 00:00:02,500\n<script>Hello</script>\n"


@pytest.fixture(scope="module")
def server() -> Iterator[MediaServer]:
    with serving() as running:
        yield running
        assert not running.errors()


@pytest.fixture
async def client(server: MediaServer) -> AsyncIterator[Client]:
    async with client_of(server) as anna:
        yield anna


@pytest.fixture
async def video_id(client: Client) -> int:
    return await client.upload(clips.picture("subtitled.png").read_bytes())


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return to_error(caught.value).reason


async def test_subtitles_are_webvtt_for_everybody_who_sees_the_video(client: Client, video_id: int) -> None:
    made = (
        await client.subtitle(
            "CreateSubtitle", video_id=video_id, language="en", data=SRT, offset_ms=-500, request_id="once"
        )
    ).subtitle
    assert (made.name, made.cue_count, made.offset_ms) == ("en", 1, -500)
    guest = client.as_("gus")
    (found,) = (await guest.subtitle("ListSubtitles", video_id=video_id)).subtitles
    assert found == made
    answer = await guest.request("GET", made.path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/vtt; charset=utf-8")
    assert answer.body == b"WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nHello\n"
    again = await guest.request("GET", made.path, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    moved = Subtitle(video_id=video_id, subtitle_id=made.subtitle_id, offset_ms=1000)
    mask = FieldMask(paths=["offset_ms"])
    await client.subtitle("UpdateSubtitle", subtitle=moved, update_mask=mask)
    answer = await guest.request("GET", made.path, If_None_Match=answer.headers["ETag"])
    assert b"00:00:02.000 --> 00:00:03.500" in answer.body
    await client.subtitle("DeleteSubtitle", video_id=video_id, subtitle_id=made.subtitle_id)
    assert (await guest.request("GET", made.path)).status == 404


async def test_who_may_not_upload_changes_nothing_and_strangers_see_nothing(client: Client, video_id: int) -> None:
    made = (await client.subtitle("CreateSubtitle", video_id=video_id, language="de", data=SRT)).subtitle
    guest, stranger = client.as_("gus"), client.as_("zoe", "two")
    for method, fields in (
        ("CreateSubtitle", {"video_id": video_id, "language": "en", "data": SRT}),
        ("UpdateSubtitle", {"subtitle": made}),
        ("DeleteSubtitle", {"video_id": video_id, "subtitle_id": made.subtitle_id}),
    ):
        assert await refused(guest.subtitle(method, **fields)) == "PERMISSION_MISSING"
        assert await refused(stranger.subtitle(method, **fields)) == "NOT_FOUND"
    assert await refused(stranger.subtitle("ListSubtitles", video_id=video_id)) == "NOT_FOUND"
    assert (await stranger.request("GET", made.path)).status == 404
    other = await client.upload(clips.picture("other.png", 64, 64).read_bytes())
    assert (await client.request("GET", made.path.replace(f"/{video_id}/", f"/{other}/"))).status == 404


async def test_what_makes_no_sense_is_refused_before_it_is_kept(client: Client, video_id: int) -> None:
    for fields, reason in (
        ({"language": "en", "data": b"no subtitles"}, "SUBTITLE_BROKEN"),
        ({"language": "English!", "data": SRT}, "INVALID_ARGUMENT"),
        ({"language": "en", "data": SRT, "offset_ms": 10**12}, "INVALID_ARGUMENT"),
    ):
        assert await refused(client.subtitle("CreateSubtitle", video_id=video_id, **fields)) == reason
    assert not (await client.subtitle("ListSubtitles", video_id=video_id)).subtitles
    for name in ("subtitle-1.srt", "subtitle-x.vtt", "subtitle-99999.vtt", "subtitle-.vtt"):
        assert (await client.request("GET", f"/media/{video_id}/{name}")).status == 404
