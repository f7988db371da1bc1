"""Ids are unique and grow, whatever the clock does and whoever believes to be which machine."""

from hypothesis import given
from hypothesis import strategies as st

from svc_version.core.sonyflake import EPOCH_MS, RESERVED_TICKS, TICK_MS, Reservation, Source, reserve, tick_of

NOW_MS = EPOCH_MS + 200_000_000_000


class Store:
    """Gives out ticks as the store does: each once, for each machine."""

    def __init__(self) -> None:
        self.reserved: dict[int, int] = {}

    def reserve(self, machine_id: int, now_ms: int) -> Reservation:
        made = reserve(machine_id, self.reserved.get(machine_id, 0), now_ms)
        self.reserved[machine_id] = made.end
        return made


def ids(store: Store, machine_id: int, times_ms: list[int]) -> list[int]:
    """An id at each of these times."""
    source: Source | None = None
    made = []
    for now_ms in times_ms:
        one = None if source is None else source.next(now_ms)
        while one is None:
            source = Source(store.reserve(machine_id, now_ms))
            one = source.next(now_ms)
        made.append(one)
    return made


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.lists(st.integers(-3_600_000, 3_600_000), min_size=1, max_size=300),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_ids_are_unique_over_steps_of_the_clock_crashes_and_two_processes(runs: list[tuple[int, list[int]]]) -> None:
    store = Store()
    made = [ids(store, machine, [NOW_MS + step for step in steps]) for machine, steps in runs]
    everything = [one for run in made for one in run]
    assert len(set(everything)) == len(everything)
    for run in made:
        assert run == sorted(run)
    assert all(0 < one < 1 << 63 for one in everything)


def test_an_id_says_when_and_where_it_was_made() -> None:
    (one,) = ids(Store(), 513, [NOW_MS])
    assert one & 0xFFFF == 513
    assert one >> 24 == tick_of(NOW_MS)
    assert (one >> 24) * TICK_MS + EPOCH_MS == NOW_MS


def test_a_full_count_borrows_from_the_next_tick() -> None:
    made = ids(Store(), 1, [NOW_MS] * 600)
    assert [one >> 24 for one in (made[0], made[255], made[256], made[599])] == [
        tick_of(NOW_MS) + step for step in (0, 0, 1, 2)
    ]


def test_a_used_up_reservation_gives_nothing() -> None:
    source = Source(reserve(1, 0, NOW_MS))
    assert source.next(NOW_MS) is not None
    assert source.next(NOW_MS + RESERVED_TICKS * TICK_MS) is None
