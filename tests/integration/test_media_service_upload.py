"""Uploads by tus over HTTP: what is kept, what is refused, and what a cut or a kill leaves."""

import base64
import hashlib
import os
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
    Raw,
    checksum,
    client_of,
    encoded,
    noise,
    patiently,
    serving,
    sha256_of,
    token,
)
from tests.waiting import until

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
