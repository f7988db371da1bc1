"""The codec of segment files never gives a record that was not written, whatever happens to the bytes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from svc_annotation.core.segment import (
    MARK_MAGIC,
    MAX_RECORD_PAYLOAD_BYTES,
    RECORD_BYTES,
    RECORD_MAGIC,
    SEGMENT_MAGIC,
    Boundary,
    Record,
    RecordScanner,
    crc32c,
    decode_boundary,
    encode_batch,
    salt_seed,
)
from svc_annotation.core.segment_index import SPACING_BYTES, SealedIndex, SegmentIndex, decode_sealed_index
from svc_annotation.stores.log import MAX_PAYLOAD_BYTES

PARTITIONS = 4
SEED = salt_seed(7)

batches = st.lists(
    st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.binary(max_size=40)), min_size=1, max_size=5),
    min_size=1,
    max_size=5,
)


def encode(groups: Sequence[Sequence[tuple[int, bytes]]]) -> bytes:
    data, sequence, ends = b"", 0, [0] * PARTITIONS
    for group in groups:
        batch = encode_batch(SEED, sequence, ends, group)
        data, sequence, ends = data + batch.data, batch.sequence, batch.ends
    return data


def decode(data: bytes, piece_bytes: int = 1 << 20, only: int | None = None, seed: int = SEED) -> list[Record]:
    scanner = RecordScanner(seed, 0, only)
    found: list[Record] = []
    for at in range(0, len(data), piece_bytes):
        found += scanner.feed(data[at : at + piece_bytes])
    return found + scanner.finish()


def test_the_port_and_the_codec_allow_the_same_payload() -> None:
    assert MAX_PAYLOAD_BYTES == MAX_RECORD_PAYLOAD_BYTES


@given(batches, st.integers(1, 200))
def test_what_is_encoded_is_decoded_in_whatever_pieces_it_is_read(
    groups: list[list[tuple[int, bytes]]], piece_bytes: int
) -> None:
    found = decode(encode(groups), piece_bytes)

    assert [(record.partition, record.payload) for record in found] == [item for group in groups for item in group]
    assert [record.sequence for record in found] == list(range(len(found)))
    starts = [sum(map(len, groups[:number])) for number, group in enumerate(groups) for _ in group]
    assert [record.batch for record in found] == starts
    for partition in range(PARTITIONS):
        offsets = [record.offset for record in found if record.partition == partition]
        assert offsets == list(range(len(offsets)))


@given(batches, st.integers(0, PARTITIONS - 1), st.integers(1, 200))
def test_one_partition_is_read_as_it_is_among_all(
    groups: list[list[tuple[int, bytes]]], partition: int, piece_bytes: int
) -> None:
    data = encode(groups)

    assert decode(data, piece_bytes, only=partition) == [r for r in decode(data) if r.partition == partition]


@given(batches, st.data())
def test_a_flipped_byte_costs_the_record_it_is_in_and_no_other(
    groups: list[list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    whole = encode(groups)
    at = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    broken = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]

    expected = [record for record in decode(whole) if not record.position <= at < record.next_position]
    assert decode(broken, data.draw(st.integers(1, 200))) == expected


@given(batches, st.data())
def test_a_cut_costs_the_record_it_is_in_and_those_behind(
    groups: list[list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    whole = encode(groups)
    at = data.draw(st.integers(0, len(whole)))

    assert decode(whole[:at]) == [record for record in decode(whole) if record.next_position <= at]


@given(batches, st.data())
def test_bytes_that_are_lost_or_added_never_make_a_wrong_record(
    groups: list[list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    whole = encode(groups)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    broken = whole[:start] + data.draw(st.binary(max_size=30)) + whole[end:]

    written = {(r.partition, r.offset, r.sequence, r.batch, r.payload) for r in decode(whole)}
    assert {(r.partition, r.offset, r.sequence, r.batch, r.payload) for r in decode(broken)} <= written


@given(st.lists(st.one_of(st.binary(max_size=60), st.just(RECORD_MAGIC)), max_size=20), st.integers(1, 100))
def test_noise_gives_no_record(pieces: list[bytes], piece_bytes: int) -> None:
    assert decode(b"".join(pieces), piece_bytes) == []


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_payload_that_holds_a_record_of_another_salt_is_never_taken_for_one(inner: bytes, cut: int) -> None:
    forged = encode_batch(salt_seed(8), 5, [0] * PARTITIONS, [(1, inner)]).data
    outer = encode_batch(SEED, 0, [0] * PARTITIONS, [(0, forged)]).data

    assert [record.payload for record in decode(outer)] == [forged]
    assert decode(outer[: RECORD_BYTES - 1] + b"\1" + outer[RECORD_BYTES:]) == []
    assert decode(outer[min(cut, RECORD_BYTES) + 1 :]) == []


def test_a_record_above_the_limit_is_not_waited_for() -> None:
    batch = encode_batch(SEED, 0, [0] * PARTITIONS, [(0, bytes(MAX_RECORD_PAYLOAD_BYTES + 1))]).data
    good = encode_batch(SEED, 1, [1] + [0] * 3, [(0, b"good")]).data

    assert [record.payload for record in decode(batch + good)] == [b"good"]


def test_a_record_of_the_greatest_size_is_read() -> None:
    payload = bytes(MAX_RECORD_PAYLOAD_BYTES)

    assert [record.payload for record in decode(encode([[(3, payload)]]))] == [payload]


counts = st.integers(0, 2**64 - 1)


@given(counts, counts, counts, st.lists(counts, min_size=1, max_size=40), st.binary(max_size=5))
def test_a_boundary_is_decoded_and_its_magic_tells_a_header_from_a_mark(
    number: int, salt: int, sequence: int, ends: list[int], behind: bytes
) -> None:
    boundary = Boundary(number, salt, sequence, tuple(ends))

    assert decode_boundary(boundary.encode(SEGMENT_MAGIC) + behind, SEGMENT_MAGIC) == boundary
    assert decode_boundary(boundary.encode(MARK_MAGIC), SEGMENT_MAGIC) is None
    assert len(boundary.encode(MARK_MAGIC)) == Boundary.encoded_size(len(ends))


def test_a_boundary_without_partitions_is_none() -> None:
    assert decode_boundary(Boundary(1, 2, 3, ()).encode(SEGMENT_MAGIC), SEGMENT_MAGIC) is None


@given(st.data())
def test_a_boundary_that_is_cut_or_flipped_is_none(data: st.DataObject) -> None:
    whole = Boundary(1, 2, 3, (1, 2)).encode(SEGMENT_MAGIC)
    at = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))

    assert decode_boundary(whole[:at], SEGMENT_MAGIC) is None
    assert decode_boundary(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :], SEGMENT_MAGIC) is None


@given(st.binary(max_size=400))
def test_noise_is_no_boundary_and_no_index(noise: bytes) -> None:
    assert decode_boundary(noise, SEGMENT_MAGIC) is None
    assert decode_boundary(SEGMENT_MAGIC + noise, SEGMENT_MAGIC) is None
    assert decode_sealed_index(noise) is None


def sealed(body: bytes) -> bytes:
    return body + crc32c(body).to_bytes(4, "little")


def test_an_index_whose_checksum_is_right_and_whose_content_is_not_is_none() -> None:
    index = SegmentIndex()
    index.add(1, 2, 3)
    body = SealedIndex(1, 2, 3, index).encode()[:-4]

    assert decode_sealed_index(sealed(body)) is not None
    assert decode_sealed_index(sealed(b"RUSHIDX2" + body[8:])) is None
    assert decode_sealed_index(sealed(body[:-1])) is None
    assert decode_sealed_index(sealed(body + b"\0")) is None


def sample_index(records: Sequence[tuple[int, int]]) -> tuple[SegmentIndex, list[tuple[int, int, int]]]:
    """Records of (partition, bytes) one after the other; their (partition, offset, position)."""
    index, position = SegmentIndex(), 0
    offsets: dict[int, int] = {}
    placed = []
    for partition, size_bytes in records:
        offset = offsets.get(partition, 10)
        offsets[partition] = offset + 1
        index.add(partition, offset, position)
        placed.append((partition, offset, position))
        position += size_bytes
    return index, placed


sizes = st.lists(st.tuples(st.integers(0, 3), st.integers(40, SPACING_BYTES)), max_size=60)


@given(sizes)
def test_the_index_leads_at_or_shortly_before_each_record(records: list[tuple[int, int]]) -> None:
    index, placed = sample_index(records)

    for partition, offset, position in placed:
        found = index.position(partition, offset)
        assert found is not None
        assert found <= position < found + SPACING_BYTES
        assert (partition, found) in {(p, at) for p, _, at in placed}
    for partition in range(4):
        following = [offset + 1 for p, offset, _ in placed if p == partition]
        assert index.next_offset(partition) == max(following, default=0)
        assert index.position(partition, index.next_offset(partition)) is None


@given(sizes, counts, counts, counts, st.data())
def test_a_sealed_index_is_decoded_whole_or_not_at_all(
    records: list[tuple[int, int]], salt: int, size_bytes: int, end_sequence: int, data: st.DataObject
) -> None:
    index, _ = sample_index(records)
    whole = SealedIndex(salt, size_bytes, end_sequence, index).encode()
    at = data.draw(st.integers(0, len(whole) - 1))

    found = decode_sealed_index(whole)
    assert found is not None
    assert (found.salt, found.size_bytes, found.end_sequence) == (salt, size_bytes, end_sequence)
    assert found.index.partitions == index.partitions
    assert decode_sealed_index(whole[:at]) is None
    assert decode_sealed_index(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]) is None
