"""Services are killed in the middle of work: every acknowledged thing is there, once, and all replicas are equal."""

from collections.abc import Iterator

import pytest

from benchmarks.soak import Soak
from tests.product import Product, serving

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
    for name in ("svc_annotation", "svc_project", "svc_media", "gateway"):
        assert f"{name} ended (signal 9); starting it again" in output
        assert f"{name} is back." in output
