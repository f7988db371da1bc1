"""Pieces of the wire format, beside what the generated classes write."""

import pytest

from rushes.annotation.v1.operation_pb2 import Commit
from rushes.document.wire import varint


@pytest.mark.parametrize("edge", [0, 0x80, 0x800, 0x4000, 0x200000, 1 << 28, 1 << 35, 1 << 52])
def test_a_number_is_written_in_as_few_bytes_as_it_takes(edge: int) -> None:
    for value in (edge - 1, edge, edge + 1):
        if value > 0:
            assert b"\x08" + varint(value) == Commit(revision=value).SerializeToString()
    assert varint(0) == b"\x00"


def test_a_number_below_zero_is_none() -> None:
    with pytest.raises(ValueError, match="range"):
        varint(-1)
