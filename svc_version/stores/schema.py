"""Tables of the SQL store, and rows to and from values."""

import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection

from svc_version.core.model import Kind, State, Tier, Version, Work
from svc_version.stores.dialect import ask

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS versions (
        version_id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, video_id INTEGER NOT NULL, number INTEGER NOT NULL,
        base_id INTEGER NOT NULL, merged_id INTEGER NOT NULL, revision INTEGER NOT NULL, kind INTEGER NOT NULL,
        message TEXT NOT NULL, person_id TEXT NOT NULL, created_ms INTEGER NOT NULL, hash BLOB NOT NULL,
        delta BLOB NOT NULL, snapshot BLOB, depth INTEGER NOT NULL, change INTEGER NOT NULL, tier INTEGER NOT NULL,
        read_ms INTEGER NOT NULL, UNIQUE (video_id, number))""",
    "CREATE UNIQUE INDEX IF NOT EXISTS versions_change ON versions (video_id, change)",
    "CREATE INDEX IF NOT EXISTS versions_age ON versions (tier, created_ms)",
    """CREATE TABLE IF NOT EXISTS heads (
        video_id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, version_id INTEGER NOT NULL, count INTEGER NOT NULL,
        change INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS tags (
        video_id INTEGER NOT NULL, tag TEXT NOT NULL, version_id INTEGER NOT NULL,
        PRIMARY KEY (video_id, tag)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS tags_version ON tags (version_id)",
    # No WITHOUT ROWID: contents are large, and seldom read beside each other.
    """CREATE TABLE IF NOT EXISTS contents (
        video_id INTEGER NOT NULL, sha256 BLOB NOT NULL, raw_bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL,
        uses INTEGER NOT NULL, archive_key TEXT NOT NULL, data BLOB, UNIQUE (video_id, sha256))""",
    "CREATE INDEX IF NOT EXISTS contents_archive ON contents (archive_key) WHERE archive_key != ''",
    """CREATE TABLE IF NOT EXISTS machines (
        machine_id INTEGER PRIMARY KEY, holder TEXT NOT NULL, leased_until_ms INTEGER NOT NULL,
        reserved INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS works (
        work_id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, video_id INTEGER NOT NULL, person_id TEXT NOT NULL,
        request_id TEXT NOT NULL, state INTEGER NOT NULL, work TEXT NOT NULL,
        UNIQUE (tenant_id, person_id, request_id))""",
    f"CREATE INDEX IF NOT EXISTS works_running ON works (video_id) WHERE state = {State.RUNNING.value}",
    """CREATE TABLE IF NOT EXISTS batches (
        work_id INTEGER NOT NULL, number INTEGER NOT NULL, batch BLOB NOT NULL,
        PRIMARY KEY (work_id, number)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS leases (
        name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT NULL)""",
)
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
