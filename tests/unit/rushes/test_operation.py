"""Checks before a batch is appended."""

from rushes.annotation.v1.operation_pb2 import Batch, Operation
from rushes.document import check_batch, submitted_hash
from rushes.document import limit as limits
from tests.unit.rushes.builder import A, create, fields, key, link, move


def reason(batch: Batch, *, service: bool = False) -> str:
    refused = check_batch(batch, frame_count=240, service=service)
    return refused.reason if refused is not None else ""


def test_people_send_twenty_operations_and_services_a_thousand() -> None:
    twenty = Batch(operations=[move(A, 1, 1)] * 20)
    more = Batch(operations=[move(A, 1, 1)] * 21)
    assert reason(twenty) == ""
    assert reason(more) == "INVALID_BATCH"
    assert reason(more, service=True) == ""
    assert reason(Batch(operations=[move(A, 1, 1)] * 1001), service=True) == "INVALID_BATCH"
    assert reason(Batch()) == "INVALID_BATCH"


def test_an_operation_has_at_most_sixteen_kilobytes() -> None:
    many = [link(f"a{number}", "https://example.org/" + "x" * 2000) for number in range(9)]
    large = fields(A, *many)
    assert large.ByteSize() > limits.MAX_OPERATION_BYTES
    batch = Batch(operations=[move(A, 1, 1), large])
    refused = check_batch(batch, frame_count=240, service=False)
    assert refused is not None
    assert (refused.reason, refused.index) == ("OPERATION_TOO_LARGE", 1)


def test_unknown_fields_count_against_the_size() -> None:
    operation = create(A)
    operation.MergeFromString(b"\xc2\x3e\x80\x80\x40" + bytes(1 << 20))
    assert reason(Batch(operations=[operation])) == "OPERATION_TOO_LARGE"


def test_a_batch_of_a_service_has_at_most_900_kilobytes() -> None:
    operations = [create(key(number), text="x" * 1000) for number in range(900)]
    assert reason(Batch(operations=operations), service=True) == "BATCH_TOO_LARGE"


def test_the_hash_is_of_the_batch_without_what_is_unknown() -> None:
    batch = Batch(client_seq=3, base_revision=2, operations=[create(A)])
    more = Batch.FromString(batch.SerializeToString() + b"\xc2\x3e\x01x")
    assert submitted_hash(more) == submitted_hash(batch)
    assert submitted_hash(batch) != submitted_hash(Batch(client_seq=4, base_revision=2, operations=[create(A)]))
    assert submitted_hash(Batch()) == 0x03590142F7026A78


def test_an_operation_without_kind_is_named() -> None:
    assert reason(Batch(operations=[Operation()])) == "UNKNOWN_OPERATION"
