"""Does a library of five thousand assets scroll as the screen does, and are only those there that can be seen?

The assets are put into the store of a running service in one go, as cuts of a few real clips; then the page, in
Chromium, is scrolled through all of them at an even pace. `library_fps` is how many frames were drawn a second,
`library_slow_frames` how many took longer than two frames of a screen of 60; `library_cards` is the most cards that
were there at once, `library_list_ms` how long the service took to list a thousand.
"""

import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, expect

from benchmarks.page_parts import Scene, alone
from benchmarks.stack import Stack
from benchmarks.studio import PROJECT, Studio
from mesh.sql import Database
from rushes.project.v1 import project_service_pb2 as project_pb
from svc_project.core.model import FolderId, PersonId, ProjectId, TenantId, VideoFacts, VideoId
from svc_project.stores import Unit
from svc_project.stores.sql import SqlStore
from tests.clips import FILM, PAL
from tests.e2e.page import Reviewer

ASSETS = 5000
TENANT = TenantId("default")
SPEED_PX_S = 3000

# Scrolls evenly for so many milliseconds, and gives when each frame was drawn and the most cards at once.
_SCROLL = """([speed, lasts]) => new Promise((resolve) => {
  const scroller = document.querySelector('[data-testid=library-scroll]');
  const times = [];
  let most = 0, begun = 0;
  const each = (now) => {
    begun ||= now;
    times.push(now - begun);
    scroller.scrollTop = (now - begun) / 1000 * speed;
    if (times.length % 10 === 0) most = Math.max(most, document.querySelectorAll('.card').length);
    if (now - begun < lasts) requestAnimationFrame(each);
    else resolve([times, most]);
  };
  requestAnimationFrame(each);
})"""


async def _seed(stack: Stack, project_id: int, video_ids: list[int], count: int) -> None:
    store = SqlStore(Database(f"sqlite:///{stack.data / 'project' / 'project.db'}"))

    def fill(unit: Unit) -> None:
        project = unit.projects.get(TENANT, ProjectId(project_id))
        assert project is not None
        for number in range(count):
            tags = ("day" if number % 2 else "night", f"act {number % 5 + 1}")
            name = f"sh{number * 10:05d}"
            asset_id = unit.assets.add(project, name, tags, FolderId(0), 1_700_000_000_000 + number)
            asset = unit.assets.get(TENANT, asset_id)
            assert asset is not None
            video_id = VideoId(video_ids[number % len(video_ids)])
            facts = VideoFacts(video_id, TENANT, ProjectId(project_id), f"{name}.mov")
            unit.assets.add_cut(asset, facts, PersonId("seeded"), 1)

    await store.run(fill)
    await store.close()


def seed(stack: Stack, studio: Studio, count: int = ASSETS) -> int:
    """A project with so many assets, each a cut of one of two clips; gives its id."""
    made = stack.rpc(PROJECT, "CreateProject", project_pb.CreateProjectRequest(name="Film"), studio.secret)
    project_id: int = made.project.project_id
    videos = [studio.video(clip.path).video_id for clip in (FILM, PAL)]
    # In a thread: the browser's driver has a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(_seed(stack, project_id, videos, count))).result()
    return project_id


def list_ms(stack: Stack, studio: Studio, project_id: int) -> float:
    """How long a page of a thousand takes; the median over all orders and a search."""
    took = []
    asked: list[dict[str, Any]] = [{"order": order} for order in range(1, 5)]
    for wanted in [*asked, {"query": "sh", "tags": ["day"]}]:
        request = project_pb.ListAssetsRequest(project_id=project_id, page_size=1000, **wanted)
        begun = time.perf_counter()
        answer = stack.rpc(PROJECT, "ListAssets", request, studio.secret)
        took.append((time.perf_counter() - begun) * 1000)
        assert len(answer.assets) == 1000
    return statistics.median(took)


def scroll(page: Page, lasts_s: float) -> dict[str, float]:
    """Scrolls, and counts frames."""
    times, most = page.evaluate(_SCROLL, [SPEED_PX_S, lasts_s * 1000])
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "library_fps": round(1000 * len(gaps) / sum(gaps), 1),
        "library_slow_frames": sum(gap > 34 for gap in gaps),
        "library_cards": most,
    }


def measure(scene: Scene, quick: bool) -> dict[str, float]:
    """All of it."""
    stack, studio = scene.stack, scene.studio
    project_id = seed(stack, studio)
    took_ms = list_ms(stack, studio, project_id)
    reviewer = Reviewer.before(scene.browser, "reviewer", stack.address).with_session(studio.secret)
    reviewer.page.goto(f"{stack.address}/?project={project_id}&order=name")
    expect(reviewer.page.locator(".card").first).to_be_visible()
    expect(reviewer.page.locator(".library-count")).to_contain_text("5,000")
    reviewer.page.wait_for_timeout(1500)
    figures = scroll(reviewer.page, 4 if quick else 12) | {"library_list_ms": round(took_ms, 1)}
    print(f"{ASSETS} assets: {figures['library_fps']} frames a second at {SPEED_PX_S} px/s,", end=" ")
    print(f"{figures['library_cards']} cards at once, a thousand listed in {took_ms:.0f} ms")
    reviewer.context.close()
    return figures


if __name__ == "__main__":
    alone(measure, __doc__)
