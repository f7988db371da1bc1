"""Tables of the SQL store. A change of them needs a migration beside them: `scripts/migration svc_media WHAT`."""

from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from mesh.migration import Schema

metadata = MetaData()
SCHEMA = Schema(metadata, Path(__file__).with_name("migrations"))


def _owner_columns() -> list[Column[Any]]:
    return [
        Column("tenant_id", String, nullable=False),
        Column("person_id", String, nullable=False),
        Column("project_id", BigInteger, nullable=False),
    ]


videos = Table(
    "videos",
    metadata,
    Column("video_id", Integer, primary_key=True, autoincrement=True),
    *_owner_columns(),
    Column("state", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("display_offset", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False, default=b""),
    Column("error", Text, nullable=False, default=""),
    Column("error_reason", String, nullable=False, default=""),
    Column("job_id", Integer, nullable=False, default=0),
    Column("upload_id", String, nullable=False, default=""),
    sqlite_autoincrement=True,
)
# Beside the videos, not in them: few have one, and older data folders have no column for it.
rates = Table(
    "video_rates",
    metadata,
    Column("video_id", Integer, primary_key=True, autoincrement=False),
    Column("rate", String, nullable=False),
)
# Of videos that are made of others: fetched by whoever makes them.
compositions = Table(
    "video_compositions",
    metadata,
    Column("video_id", Integer, primary_key=True, autoincrement=False),
    Column("composition", Text, nullable=False),
)
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String, primary_key=True),
    *_owner_columns(),
    Column("file", String, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("file_name", String, nullable=False),
    Column("video_id", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Index("uploads_changed", "done", "changed_ms"),
    Index("uploads_file", "file"),
    Index("uploads_person", "tenant_id", "person_id", "done"),
)
joins = Table(
    "joins",
    metadata,
    Column("part_id", String, primary_key=True),
    Column("whole_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Index("joins_whole", "whole_id", "position"),
)
contents = Table(
    "contents",
    metadata,
    Column("tenant_id", String, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("facts", Text, nullable=False, default=""),
    Column("renditions", Text, nullable=False, default="[]"),
    Column("ready", Boolean, nullable=False, default=False),
)
jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Integer, primary_key=True, autoincrement=True),
    Column("video_id", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("step", String, nullable=False, default=""),
    Column("progress_permille", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("error_reason", String, nullable=False, default=""),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=False, default=0),
    # Which instance does it, until when if nothing is heard of it, and who asked it to stop.
    Column("holder", String, nullable=False, default="", server_default=""),
    Column("held_until_ms", BigInteger, nullable=False, default=0, server_default="0"),
    Column("cancelled_by", String, nullable=False, default="", server_default=""),
    Index("jobs_state", "state"),
    sqlite_autoincrement=True,
)
exports = Table(
    "exports",
    metadata,
    Column("export_id", String, primary_key=True),
    *_owner_columns(),
    Column("video_id", Integer, nullable=False),
    Column("format", String, nullable=False),
    Column("source", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("progress_permille", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("error_reason", String, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("content_type", String, nullable=False),
    Column("remark", Text, nullable=False),
    Column("holder", String, nullable=False, default="", server_default=""),
    Index("exports_person", "tenant_id", "person_id", "state"),
    Index("exports_expiry", "expires_ms"),
)
# How far what svc_project purged was removed here: one row.
removals = Table(
    "removals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
subtitles = Table(
    "subtitles",
    metadata,
    Column("subtitle_id", Integer, primary_key=True, autoincrement=True),
    *_owner_columns(),
    Column("video_id", Integer, nullable=False),
    Column("language", String, nullable=False),
    Column("name", String, nullable=False),
    Column("offset_ms", BigInteger, nullable=False),
    Column("cue_count", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("subtitles_video", "video_id"),
    sqlite_autoincrement=True,
)
