"""Uploads of svc_media in parts and through kills: nothing is lost, and nothing comes twice."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.media_server import (
    Client,
    MediaServer,
    Raw,
    client_of,
    in_place,
    noise,
    patiently,
    serving,
    sha256_of,
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


@pytest.mark.parametrize("group", ["", "vanishing1"])
async def test_a_part_that_vanished_is_asked_for_again_and_never_zeros(client: Client, group: str) -> None:
    data = noise(300_000, group)
    half = len(data) // 2
    places = [in_place(group, data, at) if group else None for at in (0, half)]
    urls = [await client.part(data[:half], places[0]), await client.part(data[half:], places[1])]
    uploads = client.server.data / "media" / "uploads"
    name = next(iter(uploads.glob("group-*"))).name if group else urls[1].rsplit("/", 1)[1]
    (uploads / name).unlink()
    refused = await client.join(urls)
    assert (refused.status, refused.reason) == (409, "PART_LOST")
    assert urls[1].rsplit("/", 1)[1] in refused.message
    assert (await client.join(urls)).status == 400
    for url, piece in zip(urls, (data[:half], data[half:]), strict=True):
        at = (await client.head(url)).offset
        assert at == (0 if group or url == urls[1] else half)
        if at < len(piece):
            assert (await client.patch(url, at, piece[at:])).status == 204
    made = await client.join(urls)
    assert made.status == 201
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


async def test_a_group_whose_file_vanished_begins_anew_with_its_next_part(client: Client) -> None:
    data = noise(200_000, "group")
    half = len(data) // 2
    front = await client.part(data[:half], in_place("vanishing2", data, 0))
    next(iter((client.server.data / "media" / "uploads").glob("group-*"))).unlink()
    back = await client.part(data[half:], in_place("vanishing2", data, half))
    assert (await client.head(front)).offset == 0
    assert (await client.join([front, back])).status == 400
    assert (await client.patch(front, 0, data[:half])).status == 204
    made = await client.join([front, back])
    assert await sha256_of(client, made.video_id) == hashlib.sha256(data).digest()


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
    with serving(RUSHES_MEDIA__UPLOAD_DAYS="0.0000001") as server:
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
