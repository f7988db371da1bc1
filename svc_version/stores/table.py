"""Tables of the SQL store. A change of them needs a migration beside them: `scripts/migration svc_version WHAT`."""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

from mesh.migration import Schema
from svc_version.core.model import State

metadata: Final = MetaData()
SCHEMA: Final = Schema(metadata, Path(__file__).with_name("migrations"))

# SQLite has one kind of whole number; a key of this name is the number of the row, and needs no index.
_Whole = BigInteger().with_variant(Integer, "sqlite")
_running = text(f"state = {State.RUNNING.value}")
_archived = text("archive_key != ''")

versions = Table(
    "versions",
    metadata,
    Column("version_id", _Whole, primary_key=True, autoincrement=False),
    Column("tenant_id", Text, nullable=False),
    Column("video_id", _Whole, nullable=False),
    Column("number", _Whole, nullable=False),
    Column("base_id", _Whole, nullable=False),
    Column("merged_id", _Whole, nullable=False),
    Column("revision", _Whole, nullable=False),
    Column("kind", _Whole, nullable=False),
    Column("message", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("created_ms", _Whole, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("delta", LargeBinary, nullable=False),
    Column("snapshot", LargeBinary),
    Column("depth", _Whole, nullable=False),
    Column("change", _Whole, nullable=False),
    Column("tier", _Whole, nullable=False),
    Column("read_ms", _Whole, nullable=False),
    UniqueConstraint("video_id", "number"),
    Index("versions_change", "video_id", "change", unique=True),
    Index("versions_age", "tier", "created_ms"),
)
heads = Table(
    "heads",
    metadata,
    Column("video_id", _Whole, primary_key=True, autoincrement=False),
    Column("tenant_id", Text, nullable=False),
    Column("version_id", _Whole, nullable=False),
    Column("count", _Whole, nullable=False),
    Column("change", _Whole, nullable=False),
)
tags = Table(
    "tags",
    metadata,
    Column("video_id", _Whole, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("version_id", _Whole, nullable=False),
    Index("tags_version", "version_id"),
    sqlite_with_rowid=False,
)
# With row ids: contents are large, and seldom read beside each other.
contents = Table(
    "contents",
    metadata,
    Column("video_id", _Whole, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("raw_bytes", _Whole, nullable=False),
    Column("stored_bytes", _Whole, nullable=False),
    Column("uses", _Whole, nullable=False),
    Column("archive_key", Text, nullable=False),
    Column("data", LargeBinary),
    UniqueConstraint("video_id", "sha256"),
    Index("contents_archive", "archive_key", sqlite_where=_archived, postgresql_where=_archived),
)
machines = Table(
    "machines",
    metadata,
    Column("machine_id", _Whole, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("leased_until_ms", _Whole, nullable=False),
    Column("reserved", _Whole, nullable=False),
)
works = Table(
    "works",
    metadata,
    Column("work_id", _Whole, primary_key=True, autoincrement=False),
    Column("tenant_id", Text, nullable=False),
    Column("video_id", _Whole, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("state", _Whole, nullable=False),
    Column("work", Text, nullable=False),
    UniqueConstraint("tenant_id", "person_id", "request_id"),
    Index("works_running", "video_id", sqlite_where=_running, postgresql_where=_running),
)
batches = Table(
    "batches",
    metadata,
    Column("work_id", _Whole, primary_key=True),
    Column("number", _Whole, primary_key=True),
    Column("batch", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
# How far what svc_project purged was removed here: one row.
removals = Table(
    "removals",
    metadata,
    Column("id", _Whole, primary_key=True, autoincrement=False),
    Column("number", _Whole, nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_ms", _Whole, nullable=False),
)
