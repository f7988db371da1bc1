"""Which instance serves what."""

from mesh.rendezvous import PARTITIONS, chosen, partition_of, ranked
from svc_annotation import stores


def shares(instances: list[str]) -> dict[int, str]:
    return {partition: chosen(partition, instances) for partition in range(PARTITIONS)}


def test_everybody_finds_the_same_one_in_whatever_order_the_instances_are_named() -> None:
    instances = [f"10.0.0.{number}:50051" for number in range(1, 6)]
    assert shares(instances) == shares(instances[::-1])


def test_who_goes_hands_over_its_own_share_and_nothing_else_moves() -> None:
    instances = [f"10.0.0.{number}:50051" for number in range(1, 6)]
    before, after = shares(instances), shares(instances[1:])
    for partition in range(PARTITIONS):
        assert after[partition] == before[partition] or before[partition] == instances[0]


def test_everyone_has_a_share_of_the_size_of_the_others() -> None:
    instances = [f"unix:/run/{number}.sock" for number in range(3)]
    counts = [list(shares(instances).values()).count(each) for each in instances]
    assert min(counts) >= PARTITIONS // 3 // 2


def test_the_partitions_are_those_of_the_log() -> None:
    assert PARTITIONS == stores.PARTITIONS
    assert [partition_of(video) for video in range(100)] == [stores.partition_of(video) for video in range(100)]


def test_who_is_asked_next_is_who_would_serve_without_the_first() -> None:
    instances = [f"10.0.0.{number}:50051" for number in range(1, 6)]
    for key in ("7", "an upload"):
        order = ranked(key, instances)
        assert sorted(order) == instances
        assert order[:2] == [chosen(key, instances), chosen(key, set(instances) - {order[0]})]
