"""Tables of rooms, keys and recordings. A change needs a migration: `scripts/migration svc_signaling WHAT`."""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from mesh.migration import Schema

_metadata = MetaData()
SCHEMA: Final = Schema(_metadata, Path(__file__).with_name("migrations"))
ROOM: Final = Table(
    "room",
    _metadata,
    Column("room_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("create_time_ms", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("room", LargeBinary, nullable=False),
    # The room that it is a breakout of; empty: of none.
    Column("parent_room_id", Text, nullable=False, server_default=""),
    # The instance that serves the room, until then; empty: none has it open.
    Column("owner", Text, nullable=False, server_default=""),
    Column("owned_until_ms", BigInteger, nullable=False, server_default="0"),
    Index("room_by_owner", "owner", "owned_until_ms"),
    Index("room_by_parent", "parent_room_id"),
    Index("room_by_project", "tenant_id", "project_id", "create_time_ms"),
)
EVENT: Final = Table(
    "room_event",
    _metadata,
    Column("room_id", Text, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("participant_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
)
FEED_KEY: Final = Table(
    "feed_key",
    _metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("create_time_ms", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Index("feed_key_by_room", "room_id", "create_time_ms"),
)
RECORDING: Final = Table(
    "recording",
    _metadata,
    Column("recording_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("state", BigInteger, nullable=False),
    Column("recording", LargeBinary, nullable=False),
    Index("recording_by_room", "tenant_id", "project_id", "room_id"),
    Index("recording_by_state", "state"),
)
