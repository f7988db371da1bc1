"""Numbers without holes, whatever is left out, late or lost."""

from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core.numbering import Numbering


@given(st.integers(0, 65535), st.integers(0, 65535), st.lists(st.booleans(), min_size=1, max_size=300))
def test_what_is_sent_in_order_has_no_holes(first: int, ours: int, sent: list[bool]) -> None:
    numbering = Numbering(65536)
    numbering.begin(first, ours)
    known = []
    for step, goes in enumerate(sent):
        number = (first + step) % 65536
        if goes:
            known.append(numbering.ours(number))
        else:
            numbering.leave_out(number)
    assert known == [(ours + step) % 65536 for step in range(sum(sent))]


def test_what_comes_late_has_the_place_that_was_kept_for_it() -> None:
    numbering = Numbering(65536)
    numbering.begin(65534, 10)
    assert numbering.ours(65534) == 10
    # 65535 is missing
    numbering.leave_out(0)
    assert numbering.ours(1) == 12
    numbering.leave_out(2)
    assert numbering.ours(3) == 13
    assert numbering.ours(65535) == 11


def test_what_was_left_out_long_ago_never_looks_new_again() -> None:
    numbering = Numbering(65536)
    numbering.begin(0, 0)
    numbering.leave_out(1)
    for number in range(2, 70_000):
        assert numbering.ours(number % 65536) == (number - 1) % 65536
