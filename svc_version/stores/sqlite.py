"""The store of record in one SQLite file (WAL, synchronous=FULL): every call is one durable transaction."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from mesh import audit
from mesh.sql import Database, idempotent
from svc_version.core.model import Draft, Hash, Kind, Once, Packed, Tier, Version
from svc_version.core.sonyflake import MACHINES, Reservation, reserve
from svc_version.errors import HeadMoved, VersionUnknown
from svc_version.stores import Head, Stored
from svc_version.stores.schema import SCHEMA, VERSION_COLUMNS, versions_of
from svc_version.stores.sqlite_work import SqliteWork

LEASE_MS: Final = 120_000
SERVICE: Final = "svc_version"
T = TypeVar("T")

_GET: Final = f"SELECT {VERSION_COLUMNS} FROM versions WHERE version_id = ?"
_CHAIN: Final = """
    WITH RECURSIVE chain (version_id, base_id, delta, snapshot, step) AS (
        SELECT version_id, base_id, delta, snapshot, 0 FROM versions WHERE version_id = ? AND video_id = ?
        UNION ALL
        SELECT v.version_id, v.base_id, v.delta, v.snapshot, step + 1 FROM versions v
        JOIN chain ON v.version_id = chain.base_id WHERE chain.snapshot IS NULL)
    SELECT coalesce(snapshot, delta) FROM chain ORDER BY step DESC"""


async def open_sqlite_store(path: Path) -> "SqliteStore":
    """Opens the file, made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{path}")

    def make(connection: Connection) -> None:
        for statement in SCHEMA:
            connection.exec_driver_sql(statement)

    try:
        await database.run(make)
    except BaseException:
        await database.close()
        raise
    return SqliteStore(database)


class SqliteStore(SqliteWork):
    """See `Store`."""

    @property
    def database(self) -> Database:
        """What the audit trail is shipped from."""
        return self._database

    async def reserve(self, holder: str, now_ms: int) -> Reservation:
        """See `Store`."""

        def work(connection: Connection) -> Reservation:
            row = connection.exec_driver_sql(
                "SELECT machine_id, reserved FROM machines WHERE holder = ? OR leased_until_ms < ?"
                " ORDER BY holder != ?, machine_id LIMIT 1",
                (holder, now_ms, holder),
            ).first()
            count = connection.exec_driver_sql("SELECT count(*) FROM machines").scalar_one()
            machine_id, reserved = (count % MACHINES, 0) if row is None else row
            made = reserve(machine_id, reserved, now_ms)
            connection.exec_driver_sql(
                "INSERT OR REPLACE INTO machines VALUES (?, ?, ?, ?)",
                (made.machine_id, holder, now_ms + LEASE_MS, made.end),
            )
            return made

        return await self._database.run(work)

    async def commit(self, draft: Draft, expected_head: int | None, once: Once) -> Version:
        """See `Store`."""

        def work(connection: Connection) -> Version:
            def store() -> bytes:
                return str(_store(connection, draft, expected_head, once)).encode()

            return _get(connection, int(_once(connection, once, store)))

        return await self._database.run(work)

    async def done(self, once: Once) -> Version | None:
        """See `Store`."""

        def work(connection: Connection) -> Version | None:
            try:
                return _get(connection, int(_once(connection, once, _never)))
            except _NotDone:
                return None

        return await self._database.run(work) if once.request_id else None

    async def head(self, tenant_id: str, video_id: int) -> Head:
        """See `Store`."""
        return await self._database.run(lambda connection: _head(connection, tenant_id, video_id))

    async def get(self, tenant_id: str, video_id: int, version_id: int) -> Version | None:
        """See `Store`."""
        found = await self._select("version_id = ?", tenant_id, video_id, version_id)
        return found[0] if found else None

    async def tagged(self, tenant_id: str, video_id: int, tag: str) -> Version | None:
        """See `Store`."""
        inside = "version_id = (SELECT version_id FROM tags WHERE video_id = ? AND tag = ?)"
        found = await self._select(inside, tenant_id, video_id, video_id, tag)
        return found[0] if found else None

    async def newest(self, tenant_id: str, video_id: int, before_number: int, limit: int) -> Sequence[Version]:
        """See `Store`."""
        return await self._select("number < ? ORDER BY number DESC LIMIT ?", tenant_id, video_id, before_number, limit)

    async def changed(self, tenant_id: str, video_id: int, after_change: int, limit: int) -> Sequence[Version]:
        """See `Store`."""
        return await self._select("change > ? ORDER BY change LIMIT ?", tenant_id, video_id, after_change, limit)

    async def parents(self, tenant_id: str, video_id: int) -> Mapping[int, tuple[int, ...]]:
        """See `Store`."""

        def work(connection: Connection) -> dict[int, tuple[int, ...]]:
            query = (
                "SELECT version_id, base_id, merged_id FROM versions WHERE video_id = ? AND tenant_id = ?"
                " ORDER BY number"
            )
            rows = connection.exec_driver_sql(query, (video_id, tenant_id))
            return {row[0]: tuple(each for each in row[1:] if each) for row in rows}

        return await self._database.run(work)

    async def tag(self, tenant_id: str, video_id: int, version_id: int, tag: str, remove: bool, once: Once) -> Version:
        """See `Store`."""

        def work(connection: Connection) -> Version:
            version = _get(connection, version_id)
            if (version.tenant_id, version.video_id) != (tenant_id, video_id):
                raise _unknown()
            _once(connection, once, lambda: _tag(connection, version, tag, remove, once))
            return _get(connection, version_id)

        return await self._database.run(work)

    async def chain(self, video_id: int, version_id: int) -> Sequence[Hash]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Hash]:
            return [row[0] for row in connection.exec_driver_sql(_CHAIN, (version_id, video_id))]

        return await self._database.run(work)

    async def contents(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Stored]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Stored]:
            found = []
            query = "SELECT sha256, data, archive_key FROM contents WHERE video_id = ? AND sha256 = ?"
            for sha256 in addresses:
                row = connection.exec_driver_sql(query, (video_id, sha256)).first()
                if row is not None:
                    found.append(Stored(*row))
            return found

        return await self._database.run(work)

    async def put_snapshot(self, video_id: int, version_id: int, packed: Packed) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            _put(connection, video_id, packed)
            connection.exec_driver_sql(
                "UPDATE versions SET snapshot = ?, depth = 0 WHERE version_id = ?", (packed.sha256, version_id)
            )

        await self._database.run(work)

    async def older(self, tier: Tier, before_ms: int, limit: int) -> Sequence[Version]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Version]:
            query = (
                f"SELECT {VERSION_COLUMNS} FROM versions WHERE tier < ? AND created_ms < ? AND read_ms < ?"
                " ORDER BY created_ms LIMIT ?"
            )
            return versions_of(connection, connection.exec_driver_sql(query, (tier.value, before_ms, before_ms, limit)))

        return await self._database.run(work)

    async def cooled(self, version: Version) -> None:
        """See `Store`."""
        await self._database.run(lambda connection: _set_tier(connection, version.version_id, Tier.WARM))

    async def archived(self, version: Version, keys: Mapping[Hash, str]) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            for sha256, key in keys.items():
                connection.exec_driver_sql(
                    "UPDATE contents SET archive_key = ?, data = NULL WHERE video_id = ? AND sha256 = ?",
                    (key, version.video_id, sha256),
                )
            _set_tier(connection, version.version_id, Tier.COLD)

        await self._database.run(work)

    async def brought_back(self, video_id: int, contents: Sequence[Packed], now_ms: int) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            for packed in contents:
                connection.exec_driver_sql(
                    "UPDATE contents SET data = ?, archive_key = '' WHERE video_id = ? AND sha256 = ?",
                    (packed.data, video_id, packed.sha256),
                )
                of = connection.exec_driver_sql(
                    "SELECT version_id FROM versions WHERE video_id = ? AND tier = ? AND (delta = ? OR snapshot = ?)",
                    (video_id, Tier.COLD.value, packed.sha256, packed.sha256),
                ).all()
                for (version_id,) in of:
                    _set_tier(connection, version_id, Tier.WARM, now_ms)

        await self._database.run(work)

    async def shared(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Hash]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Hash]:
            query = "SELECT sha256 FROM contents WHERE video_id = ? AND sha256 = ? AND uses > 1"
            found = (connection.exec_driver_sql(query, (video_id, each)).first() for each in addresses)
            return [row[0] for row in found if row is not None]

        return await self._database.run(work)

    async def tenants(self) -> Sequence[str]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[str]:
            return [row[0] for row in connection.exec_driver_sql("SELECT DISTINCT tenant_id FROM heads")]

        return await self._database.run(work)

    async def archive_keys(self) -> Sequence[str]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[str]:
            return [
                row[0] for row in connection.exec_driver_sql("SELECT archive_key FROM contents WHERE archive_key != ''")
            ]

        return await self._database.run(work)

    async def sizes(self, video_id: int) -> Mapping[str, int]:
        """See `Store`."""

        def work(connection: Connection) -> Mapping[str, int]:
            row = connection.exec_driver_sql(
                "SELECT count(*), coalesce(sum(stored_bytes), 0), coalesce(sum(raw_bytes), 0),"
                " coalesce(sum(stored_bytes * uses), 0) FROM contents WHERE video_id = ?",
                (video_id,),
            ).one()
            return dict(zip(("count", "stored_bytes", "raw_bytes", "undeduplicated_bytes"), row, strict=True))

        return await self._database.run(work)

    async def _select(self, condition: str, tenant_id: str, video_id: int, *values: Any) -> list[Version]:
        def work(connection: Connection) -> list[Version]:
            query = f"SELECT {VERSION_COLUMNS} FROM versions WHERE tenant_id = ? AND video_id = ? AND {condition}"
            return versions_of(connection, connection.exec_driver_sql(query, (tenant_id, video_id, *values)))

        return await self._database.run(work)


class _NotDone(Exception):
    """There was no such request."""


def _never() -> bytes:
    raise _NotDone


def _unknown() -> VersionUnknown:
    return VersionUnknown("there is no such version of this video")


def _once(connection: Connection, once: Once, answer: Callable[[], bytes]) -> bytes:
    return idempotent(
        connection,
        tenant=once.tenant_id,
        person=once.person_id,
        method=once.method,
        request_id=once.request_id,
        request=once.request,
        answer=answer,
    )


def _get(connection: Connection, version_id: int) -> Version:
    found = versions_of(connection, connection.exec_driver_sql(_GET, (version_id,)))
    if not found:
        raise _unknown()
    return found[0]


def _head(connection: Connection, tenant_id: str, video_id: int) -> Head:
    row = connection.exec_driver_sql(
        "SELECT version_id, change FROM heads WHERE video_id = ? AND tenant_id = ?", (video_id, tenant_id)
    ).first()
    return Head(0, 0) if row is None else Head(*row)


def _store(connection: Connection, draft: Draft, expected_head: int | None, once: Once) -> int:
    """Puts a version in; gives its id."""
    head = _head(connection, draft.tenant_id, draft.video_id)
    if expected_head is not None and expected_head != head.version_id:
        raise HeadMoved("the head is another version by now", head_version_id=str(head.version_id))
    if draft.base_id:
        base = _get(connection, draft.base_id)
        if (base.tenant_id, base.video_id) != (draft.tenant_id, draft.video_id):
            raise _unknown()
    elif head.version_id:
        # The first one was committed meanwhile by somebody else.
        raise HeadMoved("there is a version by now: commit on it", head_version_id=str(head.version_id))
    _put(connection, draft.video_id, draft.delta)
    moved = draft.base_id == head.version_id
    number, change = connection.exec_driver_sql(
        "INSERT INTO heads VALUES (?, ?, ?, 1, 1) ON CONFLICT DO UPDATE SET count = count + 1, change = change + 1,"
        " version_id = ? RETURNING count, change",
        (draft.video_id, draft.tenant_id, draft.version_id, draft.version_id if moved else head.version_id),
    ).one()
    snapshot = draft.delta.sha256 if not draft.base_id else None
    connection.exec_driver_sql(
        f"INSERT INTO versions ({VERSION_COLUMNS}) VALUES ({', '.join('?' * 18)})",
        (draft.version_id, draft.tenant_id, draft.video_id, number, draft.base_id, draft.merged_id, draft.revision,
         draft.kind.value, draft.message, draft.person_id, draft.created_ms, draft.hash, draft.delta.sha256, snapshot,
         draft.depth, change, Tier.HOT.value, 0),
    )  # fmt: skip
    _tell(connection, once, f"version.{Kind(draft.kind).name.lower()}", draft.version_id, draft.created_ms, draft)
    return draft.version_id


def _put(connection: Connection, video_id: int, packed: Packed) -> None:
    """Keeps a content, once."""
    connection.exec_driver_sql(
        "INSERT INTO contents VALUES (?, ?, ?, ?, 1, '', ?) ON CONFLICT DO UPDATE SET uses = uses + 1,"
        " data = excluded.data, archive_key = ''",
        (video_id, packed.sha256, packed.raw_bytes, len(packed.data), packed.data),
    )


def _tag(connection: Connection, version: Version, tag: str, remove: bool, once: Once) -> bytes:
    row = connection.exec_driver_sql(
        "SELECT version_id FROM tags WHERE video_id = ? AND tag = ?", (version.video_id, tag)
    ).first()
    before = row[0] if row is not None else 0
    if remove and before == version.version_id:
        connection.exec_driver_sql("DELETE FROM tags WHERE video_id = ? AND tag = ?", (version.video_id, tag))
        _set_change(connection, version.video_id, version.version_id)
    elif not remove and before != version.version_id:
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (version.video_id, tag, version.version_id)
        )
        for each in filter(None, (before, version.version_id)):
            _set_change(connection, version.video_id, each)
    _tell(connection, once, "version.untag" if remove else "version.tag", version.version_id, version.created_ms, None)
    return b""


def _set_change(connection: Connection, video_id: int, version_id: int) -> None:
    change = connection.exec_driver_sql(
        "UPDATE heads SET change = change + 1 WHERE video_id = ? RETURNING change", (video_id,)
    ).scalar_one()
    connection.exec_driver_sql("UPDATE versions SET change = ? WHERE version_id = ?", (change, version_id))


def _set_tier(connection: Connection, version_id: int, tier: Tier, read_ms: int | None = None) -> None:
    video_id = connection.exec_driver_sql(
        "UPDATE versions SET tier = ?, read_ms = coalesce(?, read_ms) WHERE version_id = ? RETURNING video_id",
        (tier.value, read_ms, version_id),
    ).scalar_one()
    _set_change(connection, video_id, version_id)


def _tell(connection: Connection, once: Once, action: str, version_id: int, time_ms: int, draft: Draft | None) -> None:
    detail: dict[str, str | int] = {}
    if draft is not None:
        detail = {"video_id": draft.video_id, "revision": draft.revision}
    event = audit.Event(once.tenant_id, once.person_id, action, f"version/{version_id}", time_ms, detail)
    audit.record(connection, SERVICE, event)
