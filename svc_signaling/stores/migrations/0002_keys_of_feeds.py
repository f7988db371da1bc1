"""Keys by which encoders and monitors come in."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from mesh.migration import bring_up

revision = "0002"
down_revision = "0001"

metadata = MetaData()
_key = Table(
    "feed_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("create_time_ms", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Index("feed_key_by_room", "room_id", "create_time_ms"),
)


def upgrade() -> None:
    """Made if it is not there."""
    bring_up(op.get_bind(), metadata)
