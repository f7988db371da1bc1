"""The tables that there were when migrations of them began."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

from mesh.migration import bring_up

revision = "0001"
down_revision = None

metadata = MetaData()
_request = Table(
    "mesh_request",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("request_sha256", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Index("mesh_request_by_time", "time_ms"),
)
_outbox = Table(
    "mesh_outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("event", LargeBinary, nullable=False),
    Column("refused", Boolean, nullable=False),
    sqlite_autoincrement=True,
)


def upgrade() -> None:
    """Made if they are not there."""
    bring_up(op.get_bind(), metadata)
