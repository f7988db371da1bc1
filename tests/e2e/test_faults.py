"""Services are killed in the middle of work: every acknowledged thing is there, once, and all replicas are equal."""

import asyncio
import base64
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

import rushes
from benchmarks.soak import Soak
from tests.clips import footage
from tests.product import Product, serving
from tests.web_client import Browser

KILLS = 20


@pytest.fixture
def mortal() -> Iterator[Product]:
    """A product to be killed."""
    with serving() as product:
        yield product


@pytest.mark.timeout(400)
async def test_whoever_dies_in_the_middle_of_work_takes_nothing_acknowledged_along(mortal: Product) -> None:
    said: list[str] = []
    soak = Soak(mortal.stack, mortal.studio, mortal.video_id, said.append)
    verdict = await soak.run(KILLS)
    assert verdict.kills >= KILLS + 4, "each service five times, then all at once"
    assert (verdict.missing, verdict.duplicated) == (0, 0), verdict
    assert verdict.equal, verdict
    assert verdict.replicas == 3
    assert soak.ledger.comments
    assert soak.ledger.letters
    assert soak.ledger.projects
    assert soak.ledger.videos
    output = mortal.stack.output()
    assert "starting it again in 5 s." in output, "who dies again and again waits longer"
    for name in ("svc_annotation", "svc_project", "svc_media", "gateway"):
        assert f"{name} ended (signal 9); starting it again" in output
        assert f"{name} is back." in output


async def test_it_stops_in_time_though_people_are_at_work(mortal: Product) -> None:
    data = footage().read_bytes()

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:1000]
        await asyncio.Event().wait()

    project = base64.b64encode(str(mortal.studio.project_id).encode()).decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": f"project_id {project}"}
    upload = {**tus, "Content-Type": "application/offset+octet-stream", "Content-Length": str(len(data))}
    async with (
        Browser(mortal.address, mortal.secret) as browser,
        rushes.connect(mortal.address, session=mortal.secret) as client,
        client.collaborate(mortal.video_id) as session,
    ):
        followed = session.revision
        follower = asyncio.create_task(_follow(client, mortal))
        uploader = asyncio.create_task(_post(browser, upload, slowly()))
        calls = [await browser.connect() for _ in range(5)]
        for call in calls:
            await call.open(mortal.video_id)
            await call.next("opened")
        await session.comment(1, "before the end")
        assert session.revision > followed
        process = mortal.stack.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        for call in calls:
            ended = await call.ended()
            assert (ended.code, ended.reason) == (14, "GATEWAY_DRAINING"), "told to open again"
        assert await asyncio.to_thread(process.wait, 60) == 0
        assert "did not end in time" not in mortal.stack.output()
        for task in (follower, uploader):
            task.cancel()
        await asyncio.gather(follower, uploader, return_exceptions=True)


async def _follow(client: rushes.Client, product: Product) -> None:
    async for _ in client.follow(product.video_id):
        pass


async def _post(browser: Browser, headers: dict[str, str], body: AsyncIterator[bytes]) -> None:
    async with browser.request("POST", "/uploads", headers=headers, data=body):
        pass
