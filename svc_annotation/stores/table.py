"""Tables of history in SQLite. A change of them needs a migration: `scripts/migration svc_annotation WHAT`."""

from pathlib import Path
from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

from mesh.migration import Schema

metadata: Final = MetaData()
SCHEMA: Final = Schema(metadata, Path(__file__).with_name("migrations"), requests=False)
_landed: Final = text("revision > 0")

Table(
    "metadata",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Table(
    "positions",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
)
Table(
    "records",
    metadata,
    Column("video_id", Integer, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("tenant_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("client_id", LargeBinary, nullable=False),
    Column("client_seq", Integer, nullable=False),
    Column("hash", Integer, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("time_ms", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at_revision", Integer, nullable=False),
    Column("refusal", LargeBinary, nullable=False),
    Column("commit", LargeBinary, nullable=False),
    Column("client_commit", LargeBinary),
    Index("records_revision", "video_id", "revision", unique=True, sqlite_where=_landed),
    Index("records_person", "video_id", "person_id", "revision", sqlite_where=_landed),
    sqlite_with_rowid=False,
)
Table(
    "changes",
    metadata,
    Column("video_id", Integer, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("annotation_id", LargeBinary, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("internal", Integer, nullable=False, server_default="1"),
    Column("first_frame", Integer, nullable=False, server_default="1"),
    Column("last_frame", Integer, nullable=False, server_default="1"),
    Index("changes_seek", "video_id", "annotation_id", "revision", "internal", "first_frame", "last_frame"),
    sqlite_with_rowid=False,
)
# What an annotation's place in the drawing order is, and all frames between the first and last it was ever on.
Table(
    "annotations",
    metadata,
    Column("video_id", Integer, primary_key=True),
    Column("order_revision", Integer, primary_key=True),
    Column("order_index", Integer, primary_key=True),
    Column("annotation_id", LargeBinary, nullable=False),
    Column("first_frame", Integer, nullable=False),
    Column("last_frame", Integer, nullable=False),
    sqlite_with_rowid=False,
)
