"""Tables of the mesh in a service's SQL store. A change of them needs a migration: `scripts/migration mesh WHAT`."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata: Final = MetaData()

request = Table(
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
outbox = Table(
    "mesh_outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("event", LargeBinary, nullable=False),
    # svc_project will not have it, ever: kept here, for whoever looks into the error in the log.
    Column("refused", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
