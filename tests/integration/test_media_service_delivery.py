"""Files of videos over HTTP: ranges, conditions, and who gets them."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory

from mesh.auth import service_token
from mesh.rpc import to_error
from rushes.media.v1 import job_service_pb2, media_service_pb2
from rushes.media.v1 import media_service_pb2 as media_pb
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from tests import clips
from tests.integration.media_server import SECRET, Client, MediaServer, client_of, serving, token
from tests.waiting import until


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
    """A video with all its files. (After the first time the bytes are known.)"""
    video_id = await client.upload(clips.BROWSER_SAFE.path.read_bytes(), filename='clip "été".mp4')
    assert (await client.ended(video_id)).state == media_pb.VIDEO_STATE_READY
    return video_id


async def test_a_range_is_the_bytes_asked_for(client: Client, video_id: int) -> None:
    whole = clips.BROWSER_SAFE.path.read_bytes()
    size = len(whole)
    path = f"/media/{video_id}/review.mp4"
    for asked, begin, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, size),
        ("bytes=100-199", 100, 200),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes=10-{size * 9}", 10, size),
    ):
        answer = await client.request("GET", path, Range=asked)
        assert (answer.status, answer.body) == (206, whole[begin:end]), asked
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{size}"
        assert answer.headers["Content-Type"] == "video/mp4"
        head = await client.request("HEAD", path, Range=asked)
        assert (head.status, head.body) == (206, b"")
        assert head.headers["Content-Length"] == str(end - begin)
    for asked in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        answer = await client.request("GET", path, Range=asked)
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}"), asked
    for asked in (
        "bytes=5-2",
        "bytes=x-",
        "lines=1-2",
        "bytes=0-1,5-6",
        "bytes=-",
        "bytes 0-1",
        "bytes=" + "9" * 40 + "-",
    ):
        answer = await client.request("GET", path, Range=asked)
        assert (answer.status, len(answer.body)) == (200, size), asked


async def test_who_has_a_file_is_told_so_by_its_strong_etag(client: Client, video_id: int) -> None:
    path = f"/media/{video_id}/review.mp4"
    head = await client.request("HEAD", path)
    assert (head.status, head.body, head.headers["Accept-Ranges"]) == (200, b"", "bytes")
    etag = head.headers["ETag"]
    digest = hashlib.sha256(clips.BROWSER_SAFE.path.read_bytes()).hexdigest()
    assert re.fullmatch(f'"{digest}-original-[0-9a-f]+"', etag)
    for condition in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = await client.request("GET", path, If_None_Match=condition)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag), condition
    assert (await client.request("GET", path, If_None_Match='"other"')).status == 200
    assert (await client.request("GET", path, If_Match='"other"')).status == 412
    assert (await client.request("GET", path, If_Match=etag)).status == 200
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Wed, 25 Nov 2026 17:00:00 GMT", 200),
    ):
        answer = await client.request("GET", path, If_Range=condition, Range="bytes=1-2")
        assert answer.status == status, condition
    poster = await client.request("HEAD", f"/media/{video_id}/poster.jpg")
    assert poster.headers["ETag"] != etag
    # Lists of thousands ask for a poster once: it never changes.
    assert poster.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = await client.request("GET", f"/media/{video_id}/poster.jpg", If_None_Match=poster.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


async def test_the_original_is_for_those_who_may_download(client: Client, video_id: int) -> None:
    path = f"/media/{video_id}/original"
    answer = await client.as_("rita").request("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''clip%20%22%C3%A9t%C3%A9%22.mp4"
    refused = await client.as_("gus").request("GET", path)
    assert (refused.status, refused.reason) == (403, "PERMISSION_DENIED")
    for name in ("review.mp4", "poster.jpg", "filmstrip.jpg"):
        seen = await client.as_("gus").request("GET", f"/media/{video_id}/{name}")
        assert seen.status == 200, name
        assert seen.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_video_that_is_no_cut_is_there_for_those_alone_who_may_upload(client: Client, video_id: int) -> None:
    late = client.as_("late")
    for name in ("original", "review.mp4", "poster.jpg", "subtitle-1.vtt"):
        assert (await late.request("GET", f"/media/{video_id}/{name}")).status == 404, name
    assert (await client.request("GET", f"/media/{video_id}/review.mp4")).status == 200
    for method in ("GetVideo", "ListRenditions"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await late.media(method, video_id=video_id)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND, method
        await client.media(method, video_id=video_id)


async def test_another_tenants_videos_are_not_there(client: Client, video_id: int) -> None:
    for other in (client.as_("zoe", "two"), client.as_("anna", "two"), client.as_("nobody")):
        for name in ("original", "review.mp4", "poster.jpg", "filmstrip.jpg", "nothing"):
            for method in ("GET", "HEAD"):
                answer = await other.request(method, f"/media/{video_id}/{name}")
                assert answer.status == 404, (other.token, method, name)
    for name in ("nothing", "..%2Foriginal", "%00", "media.db", "x" * 300):
        assert (await client.request("GET", f"/media/{video_id}/{name}")).status == 404
    for wrong in ("999999", "-1", "x", "%2e%2e", "9" * 30, "1%00"):
        assert (await client.request("GET", f"/media/{wrong}/original")).status in (400, 404)


async def test_every_rpc_wants_a_genuine_token_of_somebody_who_may(client: Client, video_id: int) -> None:
    services = (
        media_service_pb2.DESCRIPTOR.services_by_name["MediaService"],
        job_service_pb2.DESCRIPTOR.services_by_name["JobService"],
    )
    video = await client.video(video_id)
    gateway = ("rushes-service", service_token("gateway", SECRET))
    anna = f"Bearer {token('anna')}"
    tries: tuple[tuple[list[tuple[str, str]], str], ...] = (
        ([], "UNAUTHENTICATED"),
        ([("authorization", anna)], "UNAUTHENTICATED"),
        ([("rushes-service", service_token("gateway", "x")), ("authorization", anna)], "UNAUTHENTICATED"),
        ([("rushes-service", service_token("svc_sfu", SECRET)), ("authorization", anna)], "PERMISSION_DENIED"),
        ([gateway], "UNAUTHENTICATED"),
        ([gateway, ("authorization", f"Bearer {token('anna', secret='x')}")], "UNAUTHENTICATED"),
        ([gateway, ("authorization", f"Bearer {token('anna', expires_in_s=-1)}")], "UNAUTHENTICATED"),
        ([gateway, ("authorization", f"Bearer {token('zoe', 'two')}")], "NOT_FOUND"),
        ([gateway, ("authorization", f"Bearer {token('nobody')}")], "NOT_FOUND"),
    )
    async with grpc.aio.insecure_channel(client.server.address) as channel:
        for method in (method for service in services for method in service.methods):
            fields = {"video_id": video_id, "job_id": video.job_id}
            known = {field.name for field in method.input_type.fields}
            request_class = message_factory.GetMessageClass(method.input_type)
            request = request_class(**{name: fields[name] for name in fields.keys() & known})
            path = f"/{method.containing_service.full_name}/{method.name}"
            for metadata, code in tries:
                if method.name == "LookUpVideo" and metadata[:1] == [gateway]:
                    code = "PERMISSION_DENIED"
                call: Any = channel.unary_stream(path, request_serializer=request_class.SerializeToString)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call(request, metadata=metadata, timeout=20).read()
                assert caught.value.code().name == code, (path, metadata)


async def test_services_look_videos_up_in_their_own_name(client: Client, video_id: int) -> None:
    async with grpc.aio.insecure_channel(client.server.address) as channel:
        stub = MediaServiceStub(channel)
        asked = media_pb.LookUpVideoRequest(video_id=video_id)
        metadata = [("rushes-service", service_token("svc_project", SECRET))]
        found = await stub.LookUpVideo(asked, metadata=metadata, timeout=20)
        assert (found.tenant_id, found.person_id, found.video.video_id) == ("one", "anna", video_id)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.LookUpVideo(media_pb.LookUpVideoRequest(video_id=1 << 40), metadata=metadata, timeout=20)
        assert to_error(caught.value).reason == "NOT_FOUND"


async def test_frame_times_are_told_of_variable_rate_alone(client: Client, video_id: int) -> None:
    assert not (await client.media("GetFrameTimes", video_id=video_id)).deltas
    variable = await client.upload(clips.VARIABLE.path.read_bytes())
    assert (await client.ended(variable)).variable_rate
    times = await client.media("GetFrameTimes", video_id=variable)
    assert len(times.deltas) == clips.VARIABLE.frames
    unfinished = (await client.create(100)).video_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.media("GetFrameTimes", video_id=unfinished)
    assert to_error(caught.value).reason == "VIDEO_NOT_READY"


async def test_a_player_that_goes_away_leaves_nothing_open(client: Client) -> None:
    data = clips.picture("noise.png").read_bytes()
    large = data + bytes(64 << 20)
    video_id = await client.upload(large)
    assert (await client.ended(video_id)).state == media_pb.VIDEO_STATE_READY
    process = client.server.process
    assert process is not None

    def open_originals() -> int:
        count = 0
        for path in Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                count += str(path.readlink()).endswith("original")
            except FileNotFoundError:  # closed meanwhile
                continue
        return count

    head = f"GET /media/{video_id}/original HTTP/1.1\r\nHost: media\r\n"
    head += f"rushes-service: {client.service}\r\nauthorization: Bearer {client.token}\r\n\r\n"
    for _ in range(5):
        reader, writer = await asyncio.open_unix_connection(client.server.http_socket)
        writer.write(head.encode())
        assert (await reader.readexactly(15)).startswith(b"HTTP/1.1 200 OK")
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    await until(lambda: open_originals() == 0)
