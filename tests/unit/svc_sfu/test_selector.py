"""Which frames are sent of a stream that goes on for long."""

from dataclasses import replace

from svc_sfu.core.dependency import FRAMES, Descriptor
from svc_sfu.core.selector import KEPT, Selector
from tests.unit.svc_sfu.test_layers_within import FULL, read_in_order


def takes(selector: Selector, frames: list[Descriptor], begin: int) -> list[bool]:
    """What becomes of frames that are numbered from `begin` on, with two packets each."""
    found = []
    for at, frame in enumerate(frames):
        numbered = replace(frame, number=(begin + at) % FRAMES)
        found.append(selector.takes(numbered, late=False))
        assert selector.takes(numbered, late=False) == found[-1], "all packets of a frame share its fate"
    return found


def test_what_was_decided_of_a_frame_long_ago_says_nothing_of_the_one_that_is_remembered_in_its_place() -> None:
    frames = list({frame.number: frame for frame in read_in_order(FULL).values()}.values())
    assert KEPT % len(frames)
    selector = Selector(0, 0)
    first = takes(selector, frames, 0)
    assert {True, False} <= set(first)
    for turn in range(1, 3 * KEPT // len(frames)):
        assert takes(selector, frames, turn * len(frames)) == first
