"""What each part of many viewers lacks."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.parts import BUSY_S, LEFT_S, REST, Parts

ALL = tuple(range(7))


def divided(count: int) -> Parts:
    """So many."""
    parts = Parts()
    parts.divide(count)
    return parts


def test_each_part_gets_its_own_viewers_with_all_that_it_lacks() -> None:
    parts = divided(3)
    parts.add(ALL, b"a", 0.0)
    assert parts.take(parts.next()) == [([0, 3, 6], [b"a"])]
    parts.add(ALL, b"b", 0.0)
    assert parts.take(parts.next()) == [([1, 4], [b"a", b"b"])]
    assert parts.take(parts.next()) == [([2, 5], [b"a", b"b"])]
    assert parts.waiting_bytes == 1
    assert parts.take(parts.next()) == [([0, 3, 6], [b"b"])]
    assert parts.waiting_bytes == 0


def test_frames_for_others_are_apart_from_those_before() -> None:
    parts = divided(2)
    for sessions, frame in ((ALL, b"a"), (ALL, b"b"), ((1, 3), b"c"), (ALL, b"d")):
        parts.add(sessions, frame, 0.0)
    assert parts.take(0) == [([0, 2, 4, 6], [b"a", b"b"]), ([], [b"c"]), ([0, 2, 4, 6], [b"d"])]
    assert parts.take(1) == [([1, 3, 5], [b"a", b"b"]), ([1, 3], [b"c"]), ([1, 3, 5], [b"d"])]


def test_it_is_known_for_whom_something_waits() -> None:
    parts = divided(2)
    assert not parts.lacks(1)
    parts.add((0, 1, 2), b"a", 0.0)
    assert [parts.lacks(each) for each in range(4)] == [True, True, True, False]
    parts.take(0)
    assert [parts.lacks(each) for each in range(4)] == [False, True, False, False]
    assert parts.waiting() == {1}
    parts.take(1)
    assert parts.waiting() == set()


Step = tuple[str, int]


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(["add", "turn", "take"]), st.integers(0, 6)), max_size=40),
)
def test_everybody_gets_every_frame_once_and_in_order_whoever_s_turn_it_is(count: int, steps: list[Step]) -> None:
    parts, wanted, got = divided(count), dict[int, list[bytes]](), dict[int, list[bytes]]()
    for number, (step, which) in enumerate(steps):
        if step == "add":
            sessions = tuple(range(which, 12))
            parts.add(sessions, bytes((number,)), 0.0)
            for session in sessions:
                wanted.setdefault(session, []).append(bytes((number,)))
            continue
        for members, frames in parts.take(parts.next() if step == "turn" else which % count):
            for session in members:
                got.setdefault(session, []).extend(frames)
        waiting = {session for session in wanted if got.get(session) != wanted[session]}
        assert parts.waiting() == waiting
        assert all(parts.lacks(session) == (session in waiting) for session in range(12))
    for _ in range(count):
        for members, frames in parts.take(parts.next()):
            for session in members:
                got.setdefault(session, []).extend(frames)
    assert got == wanted
    assert parts.waiting_bytes == 0


def test_after_a_quiet_time_each_turn_is_due_at_once() -> None:
    parts = divided(3)
    parts.add(ALL, b"a", 5.0)
    assert parts.due == 5.0
    for now in (5.1, 5.2):
        parts.take(parts.next())
        parts.took_turn(now - 0.1, now)
        assert parts.due == now
    parts.take(parts.next())
    parts.took_turn(5.2, 5.3)
    assert parts.due is None


def test_while_much_comes_what_comes_next_is_the_sign_and_a_turn_is_followed_by_a_rest() -> None:
    parts = divided(3)
    parts.add(ALL, b"a", 5.0)
    parts.add(ALL, b"b", 5.01)
    parts.take(parts.next())
    parts.took_turn(5.01, 5.03)
    assert parts.due == 5.01 + LEFT_S
    parts.add(ALL, b"c", 5.031)
    assert parts.due == 5.03 + REST * (5.03 - 5.01)
    parts.add(ALL, b"d", 5.04)
    assert parts.due == 5.04


def test_once_nothing_more_comes_all_that_are_left_have_their_turn() -> None:
    parts = divided(3)
    parts.add(ALL, b"a", 5.0)
    parts.add(ALL, b"b", 5.01)
    parts.take(parts.next())
    parts.took_turn(5.01, 5.02)
    assert parts.due == 5.01 + LEFT_S
    parts.take(parts.next())
    parts.took_turn(5.02 + LEFT_S, 5.03 + LEFT_S)
    assert parts.due == 5.03 + LEFT_S


def test_it_is_busy_for_a_while_after_each_frame() -> None:
    parts = Parts()
    assert not parts.busy(5.0)
    parts.add(ALL, b"a", 5.0)
    assert parts.busy(5.0 + BUSY_S / 2)
    assert not parts.busy(5.0 + 2 * BUSY_S)
