"""How far a program's bytes go at once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pace import CallPace

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, DATA, RESET = 1, 0, 3


def frame(kind: int, payload: bytes) -> bytes:
    """A frame of a stream."""
    return len(payload).to_bytes(3, "big") + bytes((kind, 4)) + (1).to_bytes(4, "big") + payload


FRAMES = st.lists(st.tuples(st.sampled_from((HEADERS, DATA, RESET)), st.binary(max_size=30)), max_size=20)


def passed(pieces: list[bytes], most: int) -> tuple[bytes, list[int]]:
    """All that goes on, turn by turn, and the calls of each."""
    pace, calls, out = CallPace(len(PREFACE)), [], b""
    for piece in pieces:
        while True:
            end = pace.take(piece, most)
            calls.append(pace.calls)
            out, piece = out + piece[:end], piece[end:]
            if not piece:
                break
    return out, calls


@given(FRAMES, st.lists(st.integers(0, 400), max_size=6), st.integers(1, 3))
def test_all_goes_on_in_its_order_and_so_many_calls_at_once(
    frames: list[tuple[int, bytes]], cuts: list[int], most: int
) -> None:
    data = PREFACE + b"".join(frame(*one) for one in frames)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    out, calls = passed([data[start:end] for start, end in pairwise(places)], most)
    assert out == data
    assert max(calls) <= most
    assert sum(calls) == sum(kind == HEADERS for kind, _ in frames)


def test_bytes_stop_before_the_call_that_is_one_too_many() -> None:
    pace = CallPace(0)
    call, other = frame(HEADERS, b"x" * 5), frame(DATA, b"y")
    assert pace.take(call * 2 + other + call, 2) == len(call * 2 + other)
    assert pace.take(call, 0) == 0
    assert pace.take(call[:3], 0) == 3
    assert pace.take(call[3:] + other, 1) == len(call[3:] + other)
