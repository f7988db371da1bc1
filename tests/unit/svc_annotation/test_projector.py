"""History beside people: a tenth of the time, but at once for whoever asks, and without a rest once it is late."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import pytest
import pytest_asyncio

from svc_annotation import projector as module
from svc_annotation.core.row import HistoryRow
from svc_annotation.projector import Projected, Projector

pytestmark = pytest.mark.asyncio

BULK = 4
FOR_EVER = 1e12


class Written:
    """A history in memory, and where its rows come from."""

    def __init__(self) -> None:
        self.bulks: list[int] = []
        self.told = 0

    async def write(self, positions: Mapping[int, int], rows: Sequence[HistoryRow]) -> None:
        """See History."""
        await asyncio.sleep(0)
        self.bulks.append(len(rows))

    def positions(self, written: Mapping[int, Collection[int]]) -> dict[int, int]:
        """See Origin."""
        return {}

    def written(self, rows: Sequence[Projected]) -> None:
        """See Origin."""
        self.told += len(rows)

    def diverged(self, video_id: int, offset: int) -> None:
        """See Origin."""
        raise AssertionError("nothing diverges here")


@pytest.fixture(autouse=True)
def _sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BULK", BULK)
    monkeypatch.setattr(module, "REST", FOR_EVER)


@pytest.fixture
def history() -> Written:
    """What is written."""
    return Written()


@pytest_asyncio.fixture
async def projector(history: Written) -> AsyncIterator[Projector]:
    """One that runs beside people."""
    made = Projector(history, history, rests=True)  # type: ignore[arg-type]
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


def put(projector: Projector, count: int) -> None:
    """Rows of one video."""
    for number in range(count):
        projector.put(HistoryRow(7, number, 1, number, "t", "p", b"", 1, 0, 1, 0, 0, 0, b"", b"", None, ()), 100)


async def turns() -> None:
    """The loop goes round."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_after_a_bulk_it_rests_however_much_waits(projector: Projector, history: Written) -> None:
    put(projector, 5 * BULK)
    await turns()
    assert history.bulks == [BULK]


async def test_whoever_asks_for_what_waits_does_not_wait_for_the_rest_of_it(
    projector: Projector, history: Written
) -> None:
    put(projector, 5 * BULK)
    await turns()
    await projector.wrote()
    assert history.told == 2 * BULK
    await projector.flushed()
    assert history.told == 5 * BULK


async def test_who_only_waits_to_be_told_does_not_hurry_it(projector: Projector, history: Written) -> None:
    put(projector, 3 * BULK)
    await turns()
    patient = asyncio.create_task(projector.wrote(urgent=False))
    await turns()
    assert (history.bulks, patient.done()) == ([BULK], False)
    await projector.wrote()
    await patient


async def test_with_too_many_rows_or_bytes_it_works_on_until_there_are_fewer(
    projector: Projector, history: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LATE_ROWS", 3 * BULK)
    put(projector, 6 * BULK)
    await turns()
    assert history.told == 4 * BULK, "down to less than three bulks"
    monkeypatch.setattr(module, "LATE_BYTES", 3 * BULK * 100)
    put(projector, BULK)
    await turns()
    assert history.told == 5 * BULK


async def test_behind_for_too_long_it_works_on_until_it_is_not(
    projector: Projector, history: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LATE_S", 0.0)
    put(projector, 3 * BULK)
    await turns()
    assert history.told == 3 * BULK


async def test_however_long_a_bulk_took_it_rests_no_longer_than_until_it_is_late(
    projector: Projector, history: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LATE_S", 0.02)
    put(projector, 3 * BULK)
    async with asyncio.timeout(60):
        while history.told < 3 * BULK:
            await projector.wrote(urgent=False)
    assert history.bulks == [BULK] * 3


async def test_a_time_in_which_nothing_waited_does_not_make_it_late(projector: Projector, history: Written) -> None:
    await turns()
    projector._behind_since -= 10 * module.LATE_S  # so long ago it began to wait for something
    put(projector, 3 * BULK)
    await turns()
    assert history.bulks == [BULK]


async def test_at_the_end_it_does_not_rest(projector: Projector, history: Written) -> None:
    put(projector, 3 * BULK)
    await turns()
    projector.finish()
    await turns()
    assert history.told == 3 * BULK


async def test_who_serves_nobody_never_rests(history: Written) -> None:
    projector = Projector(history, history, rests=False)  # type: ignore[arg-type]
    running = asyncio.create_task(projector.run())
    put(projector, 3 * BULK)
    await turns()
    running.cancel()
    assert history.told == 3 * BULK
