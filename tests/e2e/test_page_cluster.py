"""The main job on several instances: two people, each at a gateway of their own, and instances that die under them."""

from collections.abc import Callable
from signal import SIGKILL, SIGTERM

import pytest
from playwright.sync_api import Playwright, expect

from benchmarks.stack import running
from tests.clips import footage
from tests.e2e.page import Reviewer, Spot, chromium
from tests.engine import BROKERS
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

STROKE: tuple[Spot, ...] = ((0.2, 0.3), (0.3, 0.35), (0.4, 0.3), (0.5, 0.4))
LATER: tuple[Spot, ...] = ((0.6, 0.6), (0.7, 0.65), (0.8, 0.6))


@pytest.mark.timeout(300)
def test_two_people_at_two_gateways_review_a_clip_while_every_instance_stops_and_dies(
    playwright: Playwright, meet: Callable[..., Reviewer], kafka_servers: str, mongo_url: str
) -> None:
    engines = {
        "RUSHES_ANNOTATION__KAFKA": kafka_servers,
        "RUSHES_ANNOTATION__KAFKA_REPLICAS": str(BROKERS),
        "RUSHES_ANNOTATION__KAFKA_TOPIC": "page",
        "RUSHES_ANNOTATION__MONGO": f"{mongo_url}page",
    }
    scale = ("--profile", "cluster", "--scale", "annotation=2,gateway=2")
    with running(None, *scale, **FAST_HASHES, **engines) as stack, chromium(playwright) as other:
        services = stack.ready()["services"]
        first, second = services["gateway"]["http"], services["gateway.2"]["http"]
        sign_in = stack.first_sign_in()
        ada = meet("ada", first)
        ada.sign_in(sign_in["email"], sign_in["password"])
        ada.drop(footage())
        ada.open_asset("bikes")
        grace = meet("grace", second, other, viewport={"width": 1100, "height": 700})
        grace.join(ada.invitation("guest").replace(first, second), "Grace")
        grace.open_asset("bikes")
        ada.audience("Client")
        for one in (ada, grace):
            one.lift()
            one.press("Escape", "v")
            one.go(40)
        ada.press("d")
        ada.begin(STROKE[:3])
        # While it is drawn: both are in the one instance that serves the clip, whichever gateway they came by.
        grace.inks(STROKE[1], 4)
        ada.along(STROKE[3:])
        ada.lift()
        grace.inks(STROKE[3], 4)
        ends = (("svc_annotation", SIGTERM), ("svc_annotation.2", SIGKILL), ("svc_annotation", SIGKILL),
                ("svc_annotation.2", SIGTERM), ("svc_annotation.projector", SIGKILL))  # fmt: skip
        for number, (name, how) in enumerate(ends):
            pid = stack.kill_service(name, how)
            grace.comment(f"While {number} is away")
            stack.wait_restarted(name, pid)
            expect(ada.note(f"While {number} is away")).to_be_visible()
        ada.press("Escape", "v")
        ada.go(40)
        ada.press("d")
        ada.drag(*LATER)
        grace.inks(LATER[1], 4)
        for one in (ada, grace):
            one.wait_status("saved", "resumed")
        grace.page.reload()
        grace.wait_ready()
        grace.go(40)
        for spot in (STROKE[1], LATER[1]):
            grace.inks(spot, 4)
        expect(grace.page.get_by_text("While 0 is away")).to_be_visible()
