"""The tables that there were when migrations began."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from mesh.migration import bring_up

revision = "0001"
down_revision = None

metadata = MetaData()
_room = Table(
    "room",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("create_time_ms", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("room", LargeBinary, nullable=False),
    Index("room_by_project", "tenant_id", "project_id", "create_time_ms"),
)
_event = Table(
    "room_event",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("participant_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
)


def upgrade() -> None:
    """Made if they are not there."""
    bring_up(op.get_bind(), metadata)
