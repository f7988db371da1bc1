"""Uploads by tus over HTTP: what is kept, what is refused, and what a cut or a kill leaves."""

import asyncio
import base64
import hashlib
import os
import random
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from mesh.auth import service_token
from rushes.media.v1 import media_service_pb2 as media_pb
from tests.integration.media_server import (
    SECRET,
    Client,
    MediaServer,
    checksum,
    client_of,
    encoded,
    patiently,
    serving,
    token,
    until,
)

MB = 1 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[MediaServer]:
    with serving() as running:
        yield running
        assert not running.errors()


@pytest.fixture
async def client(server: MediaServer) -> AsyncIterator[Client]:
    async with client_of(server) as anna:
        yield anna


def noise(size: int, seed: str = "") -> bytes:
    """Bytes without a pattern, the same each time."""
    return random.Random(f"{seed}{size}").randbytes(size)


async def sha256_of(client: Client, video_id: int) -> bytes:
    """What the service found a finished upload to consist of."""
    return bytes((await client.ended(video_id)).sha256)


class Raw:
    """A PATCH by hand, which can stop anywhere."""

    def __init__(self, client: Client, url: str, offset: int, announced: int, **headers: str) -> None:
        said = {
            "Host": "media",
            "Tus-Resumable": "1.0.0",
            "rushes-service": service_token("gateway", SECRET),
            "authorization": f"Bearer {client.token}",
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Content-Length": str(announced),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        self._head = f"PATCH {url} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._socket = client.server.http_socket

    async def send(self, data: bytes) -> "Raw":
        """The head and some bytes."""
        self._reader, self._writer = await asyncio.open_unix_connection(self._socket)
        self._writer.write(self._head.encode() + b"\r\n" + data)
        await self._writer.drain()
        return self

    async def more(self, data: bytes) -> bytes:
        """More bytes; the answer's first line."""
        self._writer.write(data)
        return await self._reader.readline()

    async def answer(self) -> bytes:
        """The answer's first line."""
        return await self._reader.readline()

    async def cut(self) -> None:
        """Ends the connection as a broken cable does."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


async def test_bytes_come_in_pieces_and_are_what_was_sent(client: Client) -> None:
    data = noise(3 * MB + 17)
    made = await client.create(len(data))
    assert (await client.head(made.url)).offset == 0
    for begin in range(0, len(data), MB):
        sent = await client.patch(made.url, begin, data[begin : begin + MB])
        assert (sent.status, sent.offset) == (204, min(begin + MB, len(data)))
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_an_upload_may_come_with_its_creation(client: Client) -> None:
    data = noise(100_000)
    headers = {"Upload_Metadata": encoded(project_id="1", filename="a.mp4"), "Upload_Length": str(len(data))}
    kind = "application/offset+octet-stream"
    made = await client.request("POST", "/uploads", data=data, Content_Type=kind, **headers)
    assert (made.status, made.offset) == (201, len(data))
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()
    refused = await client.request("POST", "/uploads", data=data, Content_Type="text/plain", **headers)
    assert refused.status == 415


async def test_a_rewind_an_overlap_and_a_gap_are_refused_and_change_nothing(client: Client) -> None:
    data = noise(300_000)
    url = (await client.create(len(data))).url
    assert (await client.patch(url, 0, data[:200_000])).status == 204
    for offset, piece in ((0, data), (100_000, data[100_000:]), (250_000, data[250_000:])):
        refused = await client.patch(url, offset, piece)
        assert (refused.status, refused.reason) == (409, "WRONG_OFFSET")
        assert "200000" in refused.message
    assert (await client.head(url)).offset == 200_000


async def test_of_two_who_write_at_once_one_is_told_to_wait(client: Client) -> None:
    data = noise(200_000)
    made = await client.create(len(data))
    before = client.server.bytes_in()
    first = await Raw(client, made.url, 0, len(data)).send(data[:100_000])
    await until(lambda: client.server.bytes_in() > before)
    refused = await client.patch(made.url, 0, data)
    assert (refused.status, refused.reason) == (423, "UPLOAD_BUSY")
    assert (await client.request("DELETE", made.url)).status == 423
    assert b" 204 " in await first.more(data[100_000:])
    await first.cut()
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_what_came_before_a_cut_is_kept(client: Client) -> None:
    data = noise(2 * MB)
    made = await client.create(len(data))
    first = await Raw(client, made.url, 0, len(data)).send(data[: MB + 5])
    await first.cut()

    async def stands() -> bool:
        return (await client.head(made.url)).offset > 0

    await until(stands)
    at = (await client.head(made.url)).offset
    assert at <= MB + 5
    sent = await patiently(lambda: client.patch(made.url, at, data[at:]))
    assert sent.status == 204
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_a_piece_with_a_checksum_counts_whole_or_not_at_all(client: Client) -> None:
    data = noise(MB)
    made = await client.create(len(data))
    wrong = await client.patch(made.url, 0, data[:-1] + b"x", Upload_Checksum=checksum(data))
    assert (wrong.status, wrong.reason) == (460, "WRONG_CHECKSUM")
    assert (await client.head(made.url)).offset == 0
    first = await Raw(client, made.url, 0, len(data), Upload_Checksum=checksum(data)).send(data[: MB // 2])
    await first.cut()
    sent = await patiently(lambda: client.patch(made.url, 0, data, Upload_Checksum=checksum(data, "sha1")))
    assert sent.status == 204
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_zeros_after_refused_bytes_are_zeros(client: Client) -> None:
    """Blocks of zeros stay holes, so what was refused before must not show through them."""
    damaged, right = noise(MB), bytes(MB)
    made = await client.create(MB)
    assert (await client.patch(made.url, 0, damaged, Upload_Checksum=checksum(right))).status == 460
    assert (await client.patch(made.url, 0, right, Upload_Checksum=checksum(right))).status == 204
    assert await sha256_of(client, made.video_id) == hashlib.sha256(right).digest()


@pytest.mark.parametrize("value", ["md5 AAAA", "sha256 ???", "sha256 AAAA", "sha1", "sha256"])
async def test_a_checksum_that_makes_no_sense_is_refused(client: Client, value: str) -> None:
    url = (await client.create(10)).url
    assert (await client.patch(url, 0, b"0123456789", Upload_Checksum=value)).status == 400


async def test_crc32c_is_a_checksum_too(client: Client) -> None:
    import google_crc32c

    data: Any = noise(2 * MB, "crc")
    crc: Any = google_crc32c
    total = base64.b64encode(crc.Checksum(data).digest()).decode()
    made = await client.create(len(data))
    assert (await client.patch(made.url, 0, data[::-1], Upload_Checksum=f"crc32c {total}")).status == 460
    assert (await client.patch(made.url, 0, data, Upload_Checksum=f"crc32c {total}")).status == 204


@pytest.mark.parametrize("length", ["", "-1", "1e3", "x", "9" * 17, "٣", "0", "1.5"])
async def test_a_wrong_length_is_refused(client: Client, length: str) -> None:
    metadata = encoded(project_id="1", filename="a.mp4")
    refused = await client.request("POST", "/uploads", Upload_Length=length, Upload_Metadata=metadata)
    assert (refused.status, refused.reason) == (400, "INVALID_ARGUMENT")


async def test_a_file_that_is_too_large_is_refused_at_once(client: Client) -> None:
    for metadata in ({}, {"group": "abcdefgh", "at": "0", "total": str(1 << 52)}):
        refused = await client.create(1 << 50, concat="partial" if metadata else "", **metadata)
        assert (refused.status, refused.reason) == (413, "UPLOAD_TOO_LARGE")


async def test_more_bytes_than_announced_are_refused(client: Client) -> None:
    data = noise(100_000)
    made = await client.create(len(data))
    refused = await client.patch(made.url, 0, data + b"x")
    assert (refused.status, refused.reason) == (400, "INVALID_ARGUMENT")
    assert (await client.head(made.url)).offset == 0

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield data

    refused = await client.patch(made.url, 0, chunks())
    assert (refused.status, refused.reason) == (400, "INVALID_ARGUMENT")
    at = (await client.head(made.url)).offset
    assert (await client.patch(made.url, at, data[at:])).status == 204
    assert (await client.patch(made.url, len(data), b"x")).status == 400
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\0b.mp4", "ab.mp4"),
        ("x" * 300 + ".mp4", "x" * 255),
        ("..", "untitled"),
        ("", "untitled"),
        ("\u202egp4.exe\r\nSet-Cookie: x", "gp4.exeSet-Cookie: x"),
        ("Ünïcode 映像.mov", "Ünïcode 映像.mov"),
    ],
)
async def test_names_are_shown_without_folders_and_tricks(client: Client, name: str, shown: str) -> None:
    made = await client.create(5, filename=name)
    assert (await client.video(made.video_id)).file_name == shown
    assert (await client.request("DELETE", made.url)).status == 204


@pytest.mark.parametrize(
    "metadata",
    ["filename", "filename ???", "filename /w==", "filename YQ==,filename YQ==", "ä YQ==", "project_id eA==", "x"],
)
async def test_metadata_that_makes_no_sense_is_refused(client: Client, metadata: str) -> None:
    refused = await client.request("POST", "/uploads", Upload_Length="5", Upload_Metadata=metadata)
    assert refused.status == 400


async def test_another_version_of_tus_is_told_which_is_spoken(client: Client) -> None:
    for method, path in (("POST", "/uploads"), ("HEAD", "/uploads/x"), ("PATCH", "/uploads/x")):
        refused = await client.request(method, path, Tus_Resumable="0.2.2")
        assert (refused.status, refused.headers["Tus-Version"]) == (412, "1.0.0")
    said = await client.request("OPTIONS", "/uploads", Tus_Resumable="")
    assert said.status == 204
    assert {"creation", "checksum", "concatenation"} <= set(said.headers["Tus-Extension"].split(","))


async def test_a_cancelled_upload_is_gone_with_its_bytes(client: Client) -> None:
    made = await client.create(MB)
    await client.patch(made.url, 0, noise(1000))
    name = made.url.rsplit("/", 1)[1]
    assert name in client.server.uploads
    post = await client.request("POST", made.url, X_HTTP_Method_Override="DELETE")
    assert post.status == 204
    assert (await client.head(made.url)).status == 404
    assert name not in client.server.uploads
    video = await client.video(made.video_id)
    assert (video.state, video.error) == (media_pb.VIDEO_STATE_FAILED, "The upload was cancelled.")


async def test_a_finished_upload_says_so_and_cannot_be_cancelled(client: Client) -> None:
    data = noise(1000, "finished")
    made = await client.create(len(data))
    await client.patch(made.url, 0, data)
    await client.ended(made.video_id)
    head = await client.head(made.url)
    assert (head.offset, head.video_id) == (len(data), made.video_id)
    assert (await client.request("DELETE", made.url)).status == 400
    assert (await client.patch(made.url, len(data), b"")).status == 204


async def test_other_peoples_uploads_are_not_there(client: Client) -> None:
    data = noise(1000)
    url = (await client.create(len(data))).url
    part = await client.part(data)
    for other in (client.as_("ben"), client.as_("anna", "two"), client.as_("zoe", "two")):
        assert (await other.head(url)).status == 404
        assert (await other.patch(url, 0, data)).status == 404
        assert (await other.request("DELETE", url)).status == 404
        project = "2" if "two" in other.token else "1"
        assert (await other.join([part], project_id=project)).status == 404
    assert (await client.head(url)).offset == 0


async def test_only_who_may_upload_to_a_project_does(client: Client) -> None:
    for person, tenant, project_id, status in (
        ("rita", "one", "1", 403),
        ("gus", "one", "1", 403),
        ("nobody", "one", "1", 404),
        ("anna", "one", "2", 404),
        ("zoe", "two", "1", 404),
        ("anna", "one", "999", 404),
        ("anna", "one", "../1", 400),
    ):
        made = await client.as_(person, tenant).create(5, project_id=project_id)
        assert made.status == status, (person, project_id, made)


# -- parts -----------------------------------------------------------------------------------------------------------


def in_place(group: str, data: bytes, begin: int) -> dict[str, str]:
    """Metadata of a part that says where it goes."""
    return {"group": group, "at": str(begin), "total": str(len(data))}


async def test_parts_in_place_become_a_whole_without_a_copy(client: Client) -> None:
    data = noise(MB + 1)
    halves = (0, MB // 2), (MB // 2, len(data))
    urls = [await client.part(data[begin:end], in_place("aaaaaaaa", data, begin)) for begin, end in halves]
    assert sum(name.startswith("group-") for name in client.server.uploads) == 1
    made = await client.join(urls)
    assert (made.status, made.offset) == (201, len(data))
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()
    assert client.server.uploads == [name for name in client.server.uploads if not name.startswith("group-")]


async def test_parts_with_files_of_their_own_are_joined_in_the_order_given(client: Client) -> None:
    data = noise(2 * MB + 3)
    back = await client.part(data[MB:])
    front = await client.part(data[:MB])
    made = await client.join([front, f"http://elsewhere{back}"])
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()
    assert not {front.rsplit("/", 1)[1], back.rsplit("/", 1)[1]} & set(client.server.uploads)


async def test_parts_of_a_group_in_another_order_are_copied_and_right(client: Client) -> None:
    data = noise(MB)
    half = len(data) // 2
    front = await client.part(data[:half], in_place("order123", data, 0))
    back = await client.part(data[half:], in_place("order123", data, half))
    alone = await client.part(b"tail")
    made = await client.join([back, front, alone])
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data[half:] + data[:half] + b"tail").digest()


async def test_joined_twice_or_by_many_at_once_it_is_one_video(client: Client) -> None:
    for group in ("", "together"):
        data = noise(3 * MB, group)
        places = [in_place(group, data, begin) if group else None for begin in (0, MB)]
        urls = [await client.part(data[:MB], places[0]), await client.part(data[MB:], places[1])]
        answers = await asyncio.gather(*(client.join(urls) for _ in range(8)))
        assert {answer.status for answer in answers} == {201}
        assert len({answer.video_id for answer in answers}) == 1
        assert await sha256_of(client, answers[0].video_id) == hashlib.sha256(data).digest()
        again = await client.join(urls)
        assert (again.status, again.video_id) == (201, answers[0].video_id)


async def test_parts_belong_to_one_whole_only(client: Client) -> None:
    parts = [await client.part(noise(10, str(number))) for number in range(3)]
    assert (await client.join(parts[:2])).status == 201
    for wanted in (parts, parts[1:], parts[1::-1]):
        refused = await client.join(wanted)
        assert (refused.status, refused.reason) == (409, "UPLOAD_JOINED")


@pytest.mark.parametrize("count", [0, 65])
async def test_no_parts_and_too_many_are_refused(client: Client, count: int) -> None:
    assert (await client.join([f"/uploads/{number}" for number in range(count)])).status == 400


async def test_parts_that_are_not_complete_or_not_there_are_not_joined(client: Client) -> None:
    complete = await client.part(b"abc")
    begun = await client.part(b"def", send=False)
    whole = (await client.create(5)).url
    assert (await client.join([complete, begun])).status == 400
    assert (await client.join([complete, "/uploads/elsewhere"])).status == 404
    assert (await client.join([complete, whole])).status == 404
    assert (await client.join([complete, complete])).status == 400
    assert (await client.join([complete])).status == 201


@pytest.mark.parametrize(
    "place",
    [
        {"group": "short", "at": "0", "total": "10"},
        {"group": "../../../../x", "at": "0", "total": "10"},
        {"group": "abcdefgh", "at": "8", "total": "10"},
        {"group": "abcdefgh", "at": "-1", "total": "10"},
        {"group": "abcdefgh", "at": "0"},
        {"group": "abcdefgh", "at": "0", "total": "x"},
    ],
)
async def test_a_place_that_makes_no_sense_is_refused(client: Client, place: dict[str, str]) -> None:
    assert (await client.create(5, concat="partial", **place)).status == 400


async def test_a_part_that_is_cancelled_takes_nothing_from_its_group(client: Client) -> None:
    """A client that never heard of its first try makes the same part again."""
    data = noise(MB)
    half = len(data) // 2
    place = in_place("cancelled", data, half)
    lost = await client.part(noise(half, "lost"), place)
    front = await client.part(data[:half], in_place("cancelled", data, 0))
    assert (await client.request("DELETE", lost)).status == 204
    back = await client.part(bytes(half), place)
    made = await client.join([front, back])
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data[:half] + bytes(half)).digest()


async def test_once_joined_nobody_writes_to_the_group_any_more(client: Client) -> None:
    data = noise(MB)
    half = len(data) // 2
    place = in_place("leftover", data, half)
    left = await client.part(data[half:], place, send=False)
    urls = [await client.part(data[:half], in_place("leftover", data, 0)), await client.part(data[half:], place)]
    before = client.server.bytes_in()
    busy = await Raw(client, left, 0, half).send(b"x" * 1000)
    await until(lambda: client.server.bytes_in() > before)
    assert (await client.join(urls)).status == 423
    await busy.cut()
    made = await patiently(lambda: client.join(urls))
    assert made.status == 201
    assert (await client.head(left)).status == 404
    late = await client.create(half, concat="partial", **place)
    video = await client.ended(made.video_id)
    assert late.status in (201, 409)
    content = client.server.data / "media" / "contents" / "one" / video.sha256.hex()[:2] / video.sha256.hex()
    assert hashlib.sha256((content / "original").read_bytes()).digest() == video.sha256


# -- a killed service ------------------------------------------------------------------------------------------------


async def test_after_a_kill_an_upload_goes_on_where_it_stood() -> None:
    data = noise(36 * MB)
    with serving() as server:
        async with client_of(server) as client:
            made = await client.create(len(data))
            raw = await Raw(client, made.url, 0, len(data)).send(data[: 34 * MB])

            async def stands() -> bool:
                return (await client.head(made.url)).offset >= 32 * MB

            await until(stands)
        server.kill()
        await raw.cut()
        server.start()
        async with client_of(server) as client:
            at = (await client.head(made.url)).offset
            assert 32 * MB <= at <= 34 * MB
            assert (await client.patch(made.url, at, data[at:])).status == 204
            assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_a_service_that_is_stopped_keeps_what_came_so_far() -> None:
    data = noise(3 * MB)
    with serving() as server:
        async with client_of(server) as client:
            made = await client.create(len(data))
            raw = await Raw(client, made.url, 0, len(data)).send(data[: MB + 7])
            await until(lambda: server.bytes_in() == MB + 7)
            assert await asyncio.to_thread(server.stop) == 0
        await raw.cut()
        server.start()
        async with client_of(server) as client:
            assert (await client.head(made.url)).offset == MB + 7
            assert (await client.patch(made.url, MB + 7, data[MB + 7 :])).status == 204
            assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_parts_survive_a_kill_and_files_of_nobody_do_not() -> None:
    data = noise(MB)
    half = len(data) // 2
    with serving() as server:
        async with client_of(server) as client:
            front = await client.part(data[:half], in_place("survivors", data, 0))
            own = await client.part(b"own")
        server.kill()
        (server.data / "media" / "uploads" / "orphan").write_bytes(b"x")
        (server.data / "media" / "scratch" / "work-1").mkdir()
        server.start()
        assert "orphan" not in server.uploads
        assert not list((server.data / "media" / "scratch").iterdir())
        async with client_of(server) as client:
            back = await client.part(data[half:], in_place("survivors", data, half))
            made = await client.join([front, back])
            assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()
            assert (await client.join([own])).status == 201
        assert server.stop() == 0


async def test_uploads_that_nobody_goes_on_with_are_forgotten() -> None:
    with serving(RUSHES_MEDIA__UPLOAD_DAYS="0.00001") as server:
        async with client_of(server) as client:
            made = await client.create(1000)
            await client.patch(made.url, 0, b"some")
        server.kill()
        server.start()
        async with client_of(server) as client:

            async def gone() -> bool:
                return (await client.head(made.url)).status == 404

            await until(gone)
            await until(lambda: not server.uploads)
            assert (await client.video(made.video_id)).error == "The upload was not finished in time."


async def test_a_connection_that_stands_still_is_ended_and_its_bytes_are_kept() -> None:
    data = noise(MB)
    with serving(RUSHES_MEDIA__IDLE_S="0.2") as server:
        async with client_of(server) as client:
            made = await client.create(len(data))
            raw = await Raw(client, made.url, 0, len(data)).send(data[:1000])
            assert b" 408 " in await raw.answer()
            await raw.cut()
            assert (await client.head(made.url)).offset == 1000
            assert (await client.patch(made.url, 1000, data[1000:])).status == 204


async def test_zeros_take_no_room_on_the_disk(client: Client) -> None:
    size = 64 * MB
    made = await client.create(size)
    assert (await client.patch(made.url, 0, bytes(size))).status == 204
    video = await client.ended(made.video_id)
    folder = client.server.data / "media" / "contents" / "one" / video.sha256.hex()[:2] / video.sha256.hex()
    assert os.stat(folder / "original").st_size == size
    assert os.stat(folder / "original").st_blocks * 512 < MB


async def test_the_http_door_lets_in_the_gateway_alone(client: Client) -> None:
    data = noise(10)
    url = (await client.create(len(data))).url
    paths = (
        ("OPTIONS", "/uploads"),
        ("POST", "/uploads"),
        ("HEAD", url),
        ("PATCH", url),
        ("DELETE", url),
        ("POST", url),
        ("GET", "/media/1/review.mp4"),
        ("HEAD", "/media/1/original"),
    )
    wrong = {
        "": 401,
        "gateway": 401,
        "gateway.00": 401,
        service_token("gateway", "another secret"): 401,
        service_token("svc_project", SECRET): 403,
        "\xff": 401,
    }
    for method, path in paths:
        for service, status in wrong.items():
            answer = await client.request(method, path, rushes_service=service, X_HTTP_Method_Override="DELETE")
            assert answer.status == status, (method, path, service)
    forged = (token("anna", secret="x"), "x" * 7000, token("anna", expires_in_s=-1), token("ended"), "x", "")
    tokens = ["", "Bearer", "Basic YTpi", *(f"Bearer {value}" for value in forged)]
    for method, path in paths[1:]:
        for value in tokens:
            answer = await client.request(method, path, authorization=value, X_HTTP_Method_Override="DELETE")
            assert answer.status == 401, (method, path, value)
    assert (await client.head(url)).offset == 0


async def test_bytes_that_are_no_http_disturb_nobody(client: Client) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(client.server.http_socket)
        raw.sendall(noise(5000))
        assert (await client.create(5)).status == 201
