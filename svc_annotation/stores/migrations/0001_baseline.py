"""The tables that there were when migrations began. A history from before its past could be searched gets what that
needs, taken from each change.
"""

from alembic import op
from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, inspect, text

from mesh.migration import bring_up
from svc_annotation.core.past import facts_of

revision = "0001"
down_revision = None

MOVE_AT_ONCE = 5_000

metadata = MetaData()
_landed = text("revision > 0")

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

_PLACE = (
    "INSERT INTO annotations (video_id, order_revision, order_index, annotation_id, first_frame, last_frame)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " first_frame = min(first_frame, excluded.first_frame), last_frame = max(last_frame, excluded.last_frame)"
    " WHERE excluded.first_frame < first_frame OR excluded.last_frame > last_frame"
)


def upgrade() -> None:
    """Made if they are not there."""
    connection = op.get_bind()
    inspector = inspect(connection)
    known = {each["name"] for each in inspector.get_columns("changes")} if inspector.has_table("changes") else None
    bring_up(connection, metadata)
    op.execute("DROP INDEX IF EXISTS changes_annotation")
    if known is not None and "first_frame" not in known:
        _fill(connection)


def _fill(connection: Connection) -> None:
    last: tuple[int, int, bytes] = (-1, -1, b"")
    while True:
        found = connection.exec_driver_sql(
            "SELECT video_id, revision, annotation_id, state FROM changes"
            " WHERE (video_id, revision, annotation_id) > (?, ?, ?)"
            " ORDER BY video_id, revision, annotation_id LIMIT ?",
            (*last, MOVE_AT_ONCE),
        ).all()
        if not found:
            return
        last = (found[-1][0], found[-1][1], found[-1][2])
        facts = [(row[0], row[1], row[2], facts_of(row[3])) for row in found]
        connection.exec_driver_sql(
            "UPDATE changes SET internal = ?, first_frame = ?, last_frame = ?"
            " WHERE video_id = ? AND revision = ? AND annotation_id = ?",
            [(f.internal, f.first_frame, f.last_frame, video_id, rev, name) for video_id, rev, name, f in facts],
        )
        places = [
            (video_id, f.order_revision, f.order_index, name, f.first_frame, f.last_frame)
            for video_id, _, name, f in facts
        ]
        connection.exec_driver_sql(_PLACE, places)
