"""Server time under clocks that jump."""

from hypothesis import given
from hypothesis import strategies as st

from mesh.clock import Clock


class Times:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_000.0
        self.monotonic_s = 5.0

    def clock(self) -> Clock:
        """A clock that reads these."""
        return Clock(wall=lambda: self.wall_s, monotonic=lambda: self.monotonic_s)

    def pass_s(self, seconds: float) -> None:
        """Both go on."""
        self.wall_s += seconds
        self.monotonic_s += seconds


def test_it_goes_with_the_wall_clock() -> None:
    times = Times()
    clock = times.clock()
    times.pass_s(2.5)
    assert clock.now_ms() == 1_002_500


def test_a_step_of_the_wall_clock_is_made_up_slowly() -> None:
    times = Times()
    clock = times.clock()
    times.wall_s += 10.0
    times.pass_s(100.0)
    assert clock.now_ms() == 1_100_050
    times.pass_s(100_000.0)
    assert clock.now_ms() == int(times.wall_s * 1000)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), max_size=50))
def test_it_never_goes_back_and_never_faster_than_it_may(moves: list[tuple[float, float]]) -> None:
    times = Times()
    clock = times.clock()
    last = clock.now_ms()
    for passed_s, step_s in moves:
        times.pass_s(passed_s)
        times.wall_s += step_s
        now = clock.now_ms()
        assert last <= now <= last + passed_s * 1000.5 + 2
        last = now
