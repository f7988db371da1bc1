"""What a version holds: packed, addressed, put together again; and what is damaged is never taken for it."""

import pytest
import snappy
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.version.v1.stored_pb2 import StoredDelta, StoredEntry
from svc_version.core.content import (
    AT_ONCE,
    MAX_RAW_BYTES,
    Content,
    ContentDamaged,
    Delta,
    Entry,
    address,
    apply,
    chained,
    claimed_bytes,
    difference,
    entry_of,
    in_order,
    pack,
    pack_all,
    replay,
    unpack,
)


def entry(number: int, state: bytes = b"state") -> Entry:
    """An entry by a number."""
    return Entry(bytes([number]) * 16, state, number, 0, False)


contents = st.dictionaries(st.integers(0, 20), st.binary(max_size=40), max_size=12).map(
    lambda made: {bytes([number]) * 16: entry(number, state) for number, state in made.items()}
)


@given(contents, contents)
def test_a_difference_makes_the_one_the_other(before: Content, after: Content) -> None:
    packed = pack(difference(before, after))
    made = dict(before)
    apply(made, unpack(packed.sha256, packed.data))
    assert made == after


@given(st.lists(contents, min_size=1, max_size=6))
def test_a_chain_of_differences_is_what_a_snapshot_of_it_holds(chain: list[Content]) -> None:
    before: Content = {}
    deltas = []
    for content in chain:
        deltas.append(difference(before, content))
        before = content
    whole = pack_all(chain[-1])
    assert replay(deltas) == replay([unpack(whole.sha256, whole.data)]) == chain[-1]
    ordered = in_order(replay(deltas))
    assert ordered == chain[-1]
    assert list(ordered.values()) == sorted(chain[-1].values(), key=lambda each: each.place)


@given(contents)
def test_equal_contents_have_one_address(content: Content) -> None:
    backwards = dict(reversed(content.items()))
    assert pack_all(content) == pack_all(backwards)


def test_a_large_content_is_one_message_however_it_was_written_and_others_get_their_turn() -> None:
    entries = [
        Entry(number.to_bytes(16, "big"), b"state %d" % number, number, number % 7, bool(number % 3))
        for number in range(2 * AT_ONCE + 1)
    ]
    removed = [b"r" * 16, b"a" * 16]
    turns: list[int] = []
    packed = pack(Delta(entries[::-1], removed), lambda: turns.append(1))
    assert len(turns) == 9  # for each so many: sorted, put in order, encoded
    whole = StoredDelta(entries=[StoredEntry(**each._asdict()) for each in entries], removed=sorted(removed))
    assert snappy.decompress(packed.data) == whole.SerializeToString(deterministic=True)
    assert packed == pack(Delta(entries, removed))
    read = unpack(packed.sha256, packed.data, lambda: turns.append(1))
    assert (read.entries, read.removed, len(turns)) == (entries, sorted(removed), 12)
    mixed = {entry.annotation_id: entry for entry in sorted(entries, key=lambda each: each.order_index)}
    ordered = in_order(mixed, lambda: turns.append(1))
    assert (list(ordered.values()), len(turns)) == (entries, 18)


def test_an_entry_knows_its_place_and_its_audience() -> None:
    state = AnnotationState(annotation=Annotation(id=bytes(16)), order_revision=7, order_index=2)
    made = entry_of(state)
    assert (made.order_revision, made.order_index, made.internal) == (7, 2, True)
    assert AnnotationState.FromString(made.state) == state


def test_one_bit_changed_or_a_byte_missing_is_found() -> None:
    packed = pack(Delta([entry(1), entry(2)]))
    for at in range(len(packed.data)):
        damaged = bytearray(packed.data)
        damaged[at] ^= 1
        with pytest.raises(ContentDamaged):
            unpack(packed.sha256, bytes(damaged))
    for cut in range(len(packed.data)):
        with pytest.raises(ContentDamaged):
            unpack(packed.sha256, packed.data[:cut])


def test_a_block_that_claims_gibibytes_is_refused_before_it_is_unpacked() -> None:
    claims = b"\xff\xff\xff\xff\x0f" + b"\0" * 20
    assert claimed_bytes(claims) == 0xFFFFFFFF > MAX_RAW_BYTES
    for data in (claims, b"", b"\xff" * 9):
        with pytest.raises(ContentDamaged):
            unpack(address(data), data)


def test_what_is_whole_but_no_content_is_refused() -> None:
    for data in (snappy.compress(b"\xff\xff\xff"), b"\x05abc"):
        with pytest.raises(ContentDamaged):
            unpack(address(data), data)


def test_the_claimed_size_is_that_of_the_block() -> None:
    for size in (0, 1, 127, 128, 70_000):
        assert claimed_bytes(snappy.compress(bytes(size))) == size


def test_a_hash_is_of_all_that_a_version_is_built_on() -> None:
    first = chained(bytes(32), b"a" * 32)
    assert chained(first, b"b" * 32) != chained(bytes(32), b"b" * 32)
    assert len(StoredDelta().SerializeToString()) == 0
