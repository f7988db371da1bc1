"""Rows of the SQL store to and from values."""

import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection

from svc_version.core.model import Kind, State, Tier, Version, Work
from svc_version.stores.dialect import ask

VERSION_COLUMNS: Final = (
    "version_id, tenant_id, video_id, number, base_id, merged_id, revision, kind, message, person_id, created_ms, hash,"
    " delta, snapshot, depth, change, tier, read_ms"
)
_BYTES: Final = ("request_hash", "client_id")


def versions_of(connection: Connection, rows: Iterable[Any]) -> list[Version]:
    """Versions with their tags."""
    found = list(rows)
    tags: dict[int, list[str]] = {}
    for at in range(0, len(found), 500):
        ids = [row[0] for row in found[at : at + 500]]
        query = f"SELECT version_id, tag FROM tags WHERE version_id IN ({', '.join('?' * len(ids))})"
        for version_id, tag in ask(connection, query, tuple(ids)):
            tags.setdefault(version_id, []).append(tag)
    return [_version(row, sorted(tags.get(row[0], ()))) for row in found]


def _version(row: Any, tags: list[str]) -> Version:
    values = list(row)
    values[7], values[16] = Kind(values[7]), Tier(values[16])
    values.append(tuple(tags))
    return Version(*values)


def encode_work(work: Work) -> str:
    """Work as text."""
    values = {name: getattr(work, name) for name in Work.__slots__}
    return json.dumps(values | {name: values[name].hex() for name in _BYTES})


def decode_work(text: str) -> Work:
    """Work from text."""
    values = json.loads(text)
    values |= {name: bytes.fromhex(values[name]) for name in _BYTES}
    values["kind"], values["state"] = Kind(values["kind"]), State(values["state"])
    values["frames"] = tuple(values["frames"])
    return Work(**values)
