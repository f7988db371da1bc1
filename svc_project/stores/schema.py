"""Tables of svc_project, in SQL that SQLite and PostgreSQL share. A change of them needs a migration beside them:
`scripts/migration svc_project WHAT`.
"""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from mesh.migration import Schema

metadata = MetaData()
SCHEMA = Schema(metadata, Path(__file__).with_name("migrations"))

# SQLite numbers rows by itself only where the column is INTEGER.
_Dense = BigInteger().with_variant(Integer, "sqlite")

tenant = Table(
    "tenant",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenant.tenant_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    # NULL for guests: addresses are unique, and one address is one person in all tenants, for sign-in names no tenant.
    Column("email", Text, unique=True),
    Column("color", Integer, nullable=False),
    Column("guest", Boolean, nullable=False),
    Column("administrator", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("person_by_name", "tenant_id", "name_key", "person_id"),
)

session = Table(
    "session",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("person_id", Text, ForeignKey("person.person_id"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    # 0 while it is open.
    Column("ended_ms", BigInteger, nullable=False, index=True),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("signs_ms", BigInteger, nullable=False),
    Column("retires_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

project = Table(
    "project",
    metadata,
    Column("project_id", _Dense, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, ForeignKey("tenant.tenant_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    # JSON array; empty: the usual ones.
    Column("statuses", Text, nullable=False, server_default=""),
    Index("project_by_name", "tenant_id", "name_key", "project_id"),
    sqlite_autoincrement=True,
)

role_grant = Table(
    "role_grant",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, ForeignKey("project.project_id"), primary_key=True),
    Column("person_id", Text, ForeignKey("person.person_id"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
    Column("granted_ms", BigInteger, nullable=False),
)

# What rooms narrow of guests, until they are empty or over.
guest_limit = Table(
    "guest_limit",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("person_id", Text, primary_key=True, index=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("permissions", Integer, nullable=False),
)

invitation = Table(
    "invitation",
    metadata,
    Column("invitation_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, ForeignKey("project.project_id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("max_uses", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

invitation_secret = Table(
    "invitation_secret",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("invitation_id", Text, ForeignKey("invitation.invitation_id"), nullable=False, index=True),
)

asset = Table(
    "asset",
    metadata,
    Column("asset_id", _Dense, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, ForeignKey("project.project_id"), nullable=False),
    Column("name", Text, nullable=False),
    # JSON array.
    Column("tags", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    # 0: in none. No foreign key: SQLite cannot add a column with one.
    Column("folder_id", BigInteger, nullable=False, server_default="0"),
    # 0 while it is not in the trash.
    Column("deleted_ms", BigInteger, nullable=False, server_default="0"),
    Column("name_key", Text, nullable=False, server_default=""),
    Index("asset_by_change", "project_id", "updated_ms", "asset_id"),
    Index("asset_by_name", "project_id", "name_key", "asset_id"),
    Index("asset_by_folder", "project_id", "folder_id"),
    sqlite_autoincrement=True,
)

# The tags of assets once more, to be found and counted by.
asset_tag = Table(
    "asset_tag",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("asset_id", BigInteger, ForeignKey("asset.asset_id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Index("asset_tag_by_tag", "project_id", "tag", "asset_id"),
)

folder = Table(
    "folder",
    metadata,
    Column("folder_id", _Dense, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, ForeignKey("project.project_id"), nullable=False),
    Column("parent_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("project_id", "parent_id", "name_key"),
    Index("folder_by_name", "project_id", "name_key", "folder_id"),
    sqlite_autoincrement=True,
)

# What people keep for themselves.
setting = Table(
    "setting",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("person_id", Text, ForeignKey("person.person_id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value_json", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
)

cut = Table(
    "cut",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("asset_id", BigInteger, ForeignKey("asset.asset_id"), primary_key=True),
    Column("number", Integer, CheckConstraint("number > 0"), primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, nullable=False),
    Column("video_id", BigInteger, nullable=False),
    Column("home_id", BigInteger, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=""),
    # Who chose the status, and when; "" and 0: before that was kept.
    Column("status_by", Text, nullable=False, server_default=""),
    Column("status_ms", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("asset_id", "video_id"),
    Index("cut_by_video", "video_id"),
    Index("cut_by_lender", "home_id", "person_id"),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("service", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("detail_json", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# What changed about rights, for the other instances on this store.
rights_news = Table(
    "rights_news",
    metadata,
    Column("number", _Dense, primary_key=True, autoincrement=True),
    # The instance that changed it.
    Column("origin", Text, nullable=False),
    # JSON arrays of people, resources and sessions.
    Column("changes", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False, index=True),
    sqlite_autoincrement=True,
)

# Videos of which the last cut was purged: for services that have something of them.
purged_video = Table(
    "purged_video",
    metadata,
    Column("number", _Dense, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("video_id", BigInteger, nullable=False, unique=True),
    Column("time_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
