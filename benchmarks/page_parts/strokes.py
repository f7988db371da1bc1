"""Drawing on a frame that has ten thousand strokes already, beside tldraw and Excalidraw with as many in the same run.

Each page is 1280 x 720 and has the same strokes. A pen draws on it for some seconds, as fast as the browser takes its
moves. `strokes_fps` are the pictures a second meanwhile, `input_to_paint_ms` (95 of 100 are quicker) the time from when
the browser received a move to after the paint that followed it; `strokes_open_ms` from going to the frame until all of
it is painted, `longest_block_ms` the longest task of the page's thread on the way. Peers are measured alike; the last
line printed for people is the ratio to the better of both.
"""

import itertools
import math
import random
import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.page_parts import Scene, alone, peers
from benchmarks.stack import Stack
from benchmarks.studio import PROJECT, Studio
from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from rushes.project.v1 import project_service_pb2
from rushes.type.v1 import access_pb2
from tests.clips import FILM
from tests.e2e.page import Reviewer

ANNOTATION = service.DESCRIPTOR.services_by_name["AnnotationService"]
STROKES = 10_000
POINTS = 16
WIDTH, HEIGHT = 1280, 720
UNIT = 32_768 / HEIGHT
"""Units of the annotation model in a pixel of a picture that fills the page."""
BATCH = 20
WRITERS = 12
"""A person may send 20 batches a second: so many people are quick enough."""
FRAME = 12

Stroke = tuple[float, ...]
"""x and y in turn, in pixels."""

# From now on: when each picture was made, and how long after a move was received the picture that follows it was there.
_WATCH = """() => {
  const seen = (window.seen = { frames: [], waits: [] });
  let received;
  const after = new MessageChannel();
  after.port1.onmessage = () => {
    if (received === undefined) return;
    seen.waits.push(performance.now() - received);
    received = undefined;
  };
  addEventListener('pointermove', (event) => (received ??= event.timeStamp), true);
  const frame = () => {
    seen.frames.push(performance.now());
    after.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_BLOCKS = """() => {
  window.blocks = [];
  new PerformanceObserver((list) => window.blocks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ type: 'longtask' });
}"""
# The pixels that are coloured stay the same for some turns of the screen.
_SETTLED = """() => new Promise((resolve) => {
  const canvas = document.querySelector('[data-testid=annotations]');
  const small = new OffscreenCanvas(64, 36).getContext('2d', { willReadFrequently: true });
  let before = '', same = 0, since = performance.now();
  const look = () => {
    small.clearRect(0, 0, 64, 36);
    small.drawImage(canvas, 0, 0, 64, 36);
    const now = small.getImageData(0, 0, 64, 36).data.join();
    if (now !== before) (same = 0), (since = performance.now());
    before = now;
    if (++same > 20 && /[1-9]/.test(now)) return resolve(since);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def scribble(count: int, seed: int = 1) -> Iterator[Stroke]:
    """Strokes all over the page, the same each time."""
    dice = random.Random(seed)
    for _ in range(count):
        x, y, turn = dice.uniform(40, WIDTH - 40), dice.uniform(40, HEIGHT - 40), dice.uniform(0, 2 * math.pi)
        flat: list[float] = []
        for _ in range(POINTS):
            flat += [x, y]
            turn += dice.uniform(-0.6, 0.6)
            x, y = x + 5 * math.cos(turn), y + 5 * math.sin(turn)
        yield tuple(flat)


def _annotation(flat: Stroke, frame: int) -> pb.Annotation:
    places = [
        (round((x - WIDTH / 2) * UNIT), round((y - HEIGHT / 2) * UNIT))
        for x, y in zip(flat[::2], flat[1::2], strict=True)
    ]
    (left, top), local = places[0], [(x - places[0][0], y - places[0][1]) for x, y in places]
    points = [*local[0]]
    for before, now in itertools.pairwise(local):
        points += [now[0] - before[0], now[1] - before[1]]
    xs, ys = [x for x, _ in local], [y for _, y in local]
    return pb.Annotation(
        id=secrets.token_bytes(16),
        kind=pb.ANNOTATION_KIND_STROKE,
        mode=pb.STROKE_MODE_DRAW,
        first_frame=frame,
        last_frame=frame,
        position=pb.Position(x=left, y=top),
        points=points,
        box=pb.Box(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys)),
        style=pb.Style(color=0xE5484D, opacity=255, width=140),
        audience=access_pb2.AUDIENCE_CLIENT,
    )


def fill(stack: Stack, writers: Sequence[str], video_id: int, frame: int, count: int = STROKES) -> None:
    """Draws so many strokes on a frame; `writers` are sessions of people who may."""
    clients = [(secret, secrets.token_bytes(16)) for secret in writers]
    strokes = [_annotation(flat, frame) for flat in scribble(count)]
    batches = [strokes[at : at + BATCH] for at in range(0, count, BATCH)]
    began, base = time.monotonic(), [0] * len(clients)
    for number, batch in enumerate(batches):
        turn, which = divmod(number, len(clients))
        # Each writer keeps to the rate that a person may have.
        time.sleep(max(0.0, began + (turn - 30) / 20 - time.monotonic()))
        secret, client_id = clients[which]
        operations = [operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=each)) for each in batch]
        sent = operation_pb2.Batch(client_seq=turn + 1, base_revision=base[which], operations=operations)
        request = service.CreateBatchAnnotationsRequest(video_id=video_id, client_id=client_id, batch=sent)
        outcome = stack.rpc(ANNOTATION, "CreateBatchAnnotations", request, secret).outcome
        if not outcome.revision:
            raise RuntimeError(f"a batch was not taken: {outcome}")
        base[which] = outcome.revision


def path(seconds: float, step_s: float = 1 / 120) -> Iterator[tuple[float, float]]:
    """Where the pen goes: a curve over all of the page."""
    for at in range(int(seconds / step_s)):
        t = at * step_s
        yield WIDTH * (0.5 + 0.36 * math.sin(1.9 * t)), HEIGHT * (0.5 + 0.32 * math.sin(2.7 * t + 1))


def draw(page: Page, seconds: float, place: Callable[[float, float], tuple[float, float]]) -> dict[str, float]:
    """Draws for so long, lifting the pen each second; gives frames a second and the waits of moves."""
    page.evaluate(_WATCH)
    began = time.monotonic()
    down = False
    lifted = began
    for x, y in path(seconds * 20):
        now = time.monotonic()
        if now - began > seconds:
            break
        page.mouse.move(*place(x, y))
        if not down:
            page.mouse.down()
            down, lifted = True, now
        elif now - lifted > 1:
            page.mouse.up()
            down = False
    page.mouse.up()
    seen = page.evaluate("() => window.seen")
    frames, waits = seen["frames"], sorted(seen["waits"])
    fps = 1000 * (len(frames) - 1) / (frames[-1] - frames[0])
    slowest = max(b - a for a, b in itertools.pairwise(frames))
    return {
        "fps": round(fps, 1),
        "paint_ms": round(waits[int(len(waits) * 0.95)], 1),
        "median_ms": round(statistics.median(waits), 1),
        "slowest_ms": round(slowest, 1),
        "moves": len(waits),
    }


def _say(name: str, figures: dict[str, float]) -> None:
    print(
        f"{name:<12} {figures['fps']:5.1f} frames/s, move to paint {figures['median_ms']} ms median, "
        f"{figures['paint_ms']} ms p95, slowest frame {figures['slowest_ms']} ms"
    )


def asset_of(stack: Stack, studio: Studio, video_id: int) -> int:
    """The asset that has a video as a cut."""
    request = project_service_pb2.ListAssetsRequest(project_id=studio.project_id, page_size=1000)
    assets: Any = stack.rpc(PROJECT, "ListAssets", request, studio.secret).assets
    (asset_id,) = [each.asset_id for each in assets if video_id in {cut.video_id for cut in each.cuts}]
    return int(asset_id)


def own(scene: Scene, seconds: float, count: int) -> dict[str, float]:
    """The page: the stage is made 1280 x 720 and the frame with the strokes is opened."""
    stack, studio = scene.stack, scene.studio
    video_id = studio.video(FILM.path).video_id
    fill(stack, studio.people(WRITERS), video_id, FRAME, count)
    # Without its bars the stage has the size of the peers' canvases.
    bare = {"width": WIDTH + 55, "height": HEIGHT + 44 + 110}
    reviewer = Reviewer.before(scene.browser, "reviewer", stack.address, viewport=bare).with_session(studio.secret)
    reviewer.open(f"/a/{asset_of(stack, studio, video_id)}?f=0")
    page = reviewer.page
    if page.get_by_role("button", name="Hide notes").count():
        page.get_by_role("button", name="Hide notes").first.click()
    page.evaluate(_BLOCKS)
    page.keyboard.press("End")
    began = page.evaluate("() => performance.now()")
    reviewer.go(FRAME)
    opened: float = page.evaluate(_SETTLED) - began
    blocks: list[float] = page.evaluate("() => window.blocks")
    page.keyboard.press("d")
    box = page.get_by_test_id("stage").bounding_box()
    assert box is not None
    print(f"stage: {box['width']:.0f} x {box['height']:.0f}")
    by = (box["width"] / WIDTH, box["height"] / HEIGHT)
    figures = draw(page, seconds, lambda x, y: (box["x"] + x * by[0], box["y"] + y * by[1]))
    _say("Rushes", figures)
    reviewer.context.close()
    return figures | {"open_ms": round(opened, 0), "block_ms": round(max(blocks, default=0), 0)}


def peer(browser: Browser, address: str, name: str, seconds: float, count: int) -> dict[str, float]:
    """A peer with the same strokes."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    page.goto(f"{address}/{name}.html")
    page.evaluate("strokes => window.peer.open(strokes)", list(scribble(count)))
    page.wait_for_timeout(3000)
    figures = draw(page, seconds, lambda x, y: (x, y))
    page.screenshot(path=str(peers.FOLDER / f"{name}.png"))
    _say(name, figures)
    context.close()
    return figures


def _beside(browser: Browser, ours: dict[str, float], seconds: float, count: int) -> dict[str, float]:
    """The peers, and how the page compares with the better one."""
    pages = peers.prepare()
    with peers.served(pages) as address:
        others = [peer(browser, address, name, seconds, count) for name in peers.NAMES]
    best = max(each["fps"] for each in others)
    soonest = min(each["paint_ms"] for each in others)
    ratio = ours["fps"] / best
    print(
        f"to the better peer: {ratio:.2f} x its frames a second, {soonest / ours['paint_ms']:.2f} x as quick to paint"
    )
    return {"peer_fps": best, "peer_input_to_paint_ms": soonest, "strokes_ratio": round(ratio, 2)}


def measure(scene: Scene, quick: bool) -> dict[str, float]:
    """All of it; quick, without the peers."""
    seconds, count = (4.0, STROKES) if quick else (12.0, STROKES)
    print(f"{count} strokes of {POINTS} points on {WIDTH} x {HEIGHT}, a pen draws for {seconds:.0f} s")
    ours = own(scene, seconds, count)
    print(f"opening the frame: {ours['open_ms']:.0f} ms, longest block {ours['block_ms']:.0f} ms")
    figures = {
        "strokes_fps": ours["fps"],
        "input_to_paint_ms": ours["paint_ms"],
        "strokes_open_ms": ours["open_ms"],
        "longest_block_ms": ours["block_ms"],
    }
    return figures if quick else figures | _beside(scene.browser, ours, seconds, count)


if __name__ == "__main__":
    alone(measure, __doc__)
