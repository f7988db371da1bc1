"""Which of several instances serves what: by rendezvous hashing, so that who comes or goes moves only its share."""

from collections.abc import Iterable
from hashlib import blake2b

PARTITIONS = 32
"""Of the log of notes, as its service has them: a video's is video_id modulo this."""


def partition_of(video_id: int) -> int:
    """The partition of a video."""
    return video_id % PARTITIONS


def chosen(key: int | str, instances: Iterable[str]) -> str:
    """The instance that serves a partition, or a room: everybody who knows the same instances finds the same one."""
    return max(instances, key=lambda instance: (_weight(key, instance), instance))


def ranked(key: int | str, instances: Iterable[str]) -> list[str]:
    """All instances, the one that serves first, then whoever would without it."""
    return sorted(instances, key=lambda instance: (_weight(key, instance), instance), reverse=True)


def _weight(key: int | str, instance: str) -> bytes:
    return blake2b(f"{key}/{instance}".encode(), digest_size=8).digest()
