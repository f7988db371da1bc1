"""The store of record in SQL: every call is one durable transaction, in SQLite (WAL, synchronous=FULL) or PostgreSQL.

Several instances may share a PostgreSQL: what they write about one video they write one after the other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from mesh import audit
from mesh.migration import migrate
from mesh.sql import Database, StoreBusy, idempotent
from svc_version.core.model import Draft, Hash, Kind, Once, Packed, Tier, Version
from svc_version.core.sonyflake import MACHINES, Reservation, reserve
from svc_version.errors import HeadMoved, VersionUnknown
from svc_version.stores import LEASE_MS, Head, Stored
from svc_version.stores.dialect import ask, lock
from svc_version.stores.row import VERSION_COLUMNS, versions_of
from svc_version.stores.sql_removal import SqlRemovals
from svc_version.stores.table import SCHEMA

SERVICE: Final = "svc_version"
NAMED_AT_ONCE: Final = 500
T = TypeVar("T")

_GET: Final = f"SELECT {VERSION_COLUMNS} FROM versions WHERE version_id = ?"
_CHAIN: Final = """
    WITH RECURSIVE chain (version_id, base_id, delta, snapshot, step) AS (
        SELECT version_id, base_id, delta, snapshot, 0 FROM versions WHERE version_id = ? AND video_id = ?
        UNION ALL
        SELECT v.version_id, v.base_id, v.delta, v.snapshot, step + 1 FROM versions v
        JOIN chain ON v.version_id = chain.base_id WHERE chain.snapshot IS NULL)
    SELECT coalesce(snapshot, delta) FROM chain ORDER BY step DESC"""


async def open_sql_store(url: str) -> "SqlStore":
    """Opens a database; its tables are made or brought up."""
    database = Database(url)
    try:
        await database.run(lambda connection: migrate(connection, SCHEMA))
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)


class SqlStore(SqlRemovals):
    """See `Store`."""

    @property
    def outbox(self) -> audit.Outbox:
        """See `Store`."""
        return audit.SqlOutbox(self._database)

    async def reserve(self, holder: str, now_ms: int) -> Reservation:
        """See `Store`."""

        def work(connection: Connection) -> Reservation:
            row = ask(
                connection,
                "SELECT machine_id, reserved FROM machines WHERE holder = ? OR leased_until_ms < ?"
                " ORDER BY holder != ?, machine_id LIMIT 1",
                (holder, now_ms, holder),
            ).first()
            count = ask(connection, "SELECT count(*) FROM machines").scalar_one()
            if row is None and count >= MACHINES:
                raise StoreBusy("No machine id is free; try again in a moment.")
            machine_id, reserved = (count, 0) if row is None else row
            made = reserve(machine_id, reserved, now_ms)
            ask(
                connection,
                "INSERT INTO machines (machine_id, holder, leased_until_ms, reserved) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (machine_id) DO UPDATE SET"
                " holder = excluded.holder, leased_until_ms = excluded.leased_until_ms, reserved = excluded.reserved",
                (made.machine_id, holder, now_ms + LEASE_MS, made.end),
            )
            return made

        return await self.write(0, work)

    async def lease(self, name: str, holder: str, now_ms: int, until_ms: int) -> bool:
        """See `Store`."""

        def work(connection: Connection) -> bool:
            taken = ask(
                connection,
                "INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                " until_ms = excluded.until_ms WHERE leases.holder = excluded.holder OR leases.until_ms < ?",
                (name, holder, until_ms, now_ms),
            )
            return bool(taken.rowcount == 1)

        return await self.write(0, work)

    async def commit(self, draft: Draft, expected_head: int | None, once: Once) -> Version:
        """See `Store`."""

        def work(connection: Connection) -> Version:
            def store() -> bytes:
                return str(_store(connection, draft, expected_head, once)).encode()

            return _get(connection, int(_once(connection, once, store)))

        return await self.write(draft.video_id, work)

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
            rows = ask(connection, query, (video_id, tenant_id))
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

        return await self.write(video_id, work)

    async def chain(self, video_id: int, version_id: int) -> Sequence[Hash]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Hash]:
            return [row[0] for row in ask(connection, _CHAIN, (version_id, video_id))]

        return await self._database.run(work)

    async def contents(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Stored]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Stored]:
            rows = _contents(connection, "sha256, data, archive_key", video_id, addresses)
            found = {row[0]: Stored(*row) for row in rows}
            return [found[each] for each in addresses if each in found]

        return await self._database.run(work)

    async def stored_bytes(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, int]:
        """See `Store`."""

        def work(connection: Connection) -> Mapping[Hash, int]:
            return {row[0]: row[1] for row in _contents(connection, "sha256, stored_bytes", video_id, addresses)}

        return await self._database.run(work)

    async def put_snapshot(self, video_id: int, version_id: int, packed: Packed) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            _put(connection, video_id, packed)
            ask(
                connection,
                "UPDATE versions SET snapshot = ?, depth = 0 WHERE version_id = ?",
                (packed.sha256, version_id),
            )

        await self.write(video_id, work)

    async def older(self, tier: Tier, before_ms: int, limit: int) -> Sequence[Version]:
        """See `Store`. Tier by tier, so that each comes out of the index in its order."""

        def work(connection: Connection) -> Sequence[Version]:
            query = (
                f"SELECT {VERSION_COLUMNS} FROM versions WHERE tier = ? AND created_ms < ? AND read_ms < ?"
                " ORDER BY created_ms LIMIT ?"
            )
            found: list[Version] = []
            for each in Tier:
                if each < tier:
                    rows = ask(connection, query, (each.value, before_ms, before_ms, limit))
                    found += versions_of(connection, rows)
            return sorted(found, key=lambda version: version.created_ms)[:limit]

        return await self._database.run(work)

    async def cooled(self, versions: Sequence[Version]) -> None:
        """See `Store`."""
        await self._colder(versions, Tier.WARM, [])

    async def archived(self, moved: Sequence[tuple[Version, Mapping[Hash, str]]]) -> None:
        """See `Store`."""
        copied = [(key, version.video_id, sha256) for version, keys in moved for sha256, key in keys.items()]
        await self._colder([version for version, _ in moved], Tier.COLD, copied)

    async def _colder(self, versions: Sequence[Version], tier: Tier, copied: Sequence[tuple[str, int, Hash]]) -> None:
        """One transaction, and one statement for all of a kind: what moves old versions must not hold up those who
        commit new ones.
        """
        videos: dict[int, list[int]] = {}
        for version in versions:
            videos.setdefault(version.video_id, []).append(version.version_id)

        def work(connection: Connection) -> None:
            for video_id in sorted(videos):  # whoever locks several does it in this order
                lock(connection, video_id)
            if copied:
                archive = "UPDATE contents SET archive_key = ?, data = NULL WHERE video_id = ? AND sha256 = ?"
                ask(connection, archive, list(copied))
            for video_id, version_ids in videos.items():
                _set_tiers(connection, video_id, version_ids, tier)

        if videos:
            await self.write(min(videos), work)

    async def brought_back(self, video_id: int, contents: Sequence[Packed], now_ms: int) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            for packed in contents:
                ask(
                    connection,
                    "UPDATE contents SET data = ?, archive_key = '' WHERE video_id = ? AND sha256 = ?",
                    (packed.data, video_id, packed.sha256),
                )
                of = ask(
                    connection,
                    "SELECT version_id FROM versions WHERE video_id = ? AND tier = ? AND (delta = ? OR snapshot = ?)",
                    (video_id, Tier.COLD.value, packed.sha256, packed.sha256),
                ).all()
                for (version_id,) in of:
                    _set_tier(connection, version_id, Tier.WARM, now_ms)

        await self.write(video_id, work)

    async def shared(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Hash]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[Hash]:
            return [row[0] for row in _contents(connection, "sha256, uses", video_id, addresses) if row[1] > 1]

        return await self._database.run(work)

    async def tenants(self) -> Sequence[str]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[str]:
            return [row[0] for row in ask(connection, "SELECT DISTINCT tenant_id FROM heads")]

        return await self._database.run(work)

    async def archive_keys(self) -> Sequence[str]:
        """See `Store`."""

        def work(connection: Connection) -> Sequence[str]:
            return [row[0] for row in ask(connection, "SELECT archive_key FROM contents WHERE archive_key != ''")]

        return await self._database.run(work)

    async def sizes(self, video_id: int) -> Mapping[str, int]:
        """See `Store`."""

        def work(connection: Connection) -> Mapping[str, int]:
            row = ask(
                connection,
                "SELECT count(*), coalesce(sum(stored_bytes), 0), coalesce(sum(raw_bytes), 0),"
                " coalesce(sum(stored_bytes * uses), 0) FROM contents WHERE video_id = ?",
                (video_id,),
            ).one()
            names = ("count", "stored_bytes", "raw_bytes", "undeduplicated_bytes")
            return {name: int(value) for name, value in zip(names, row, strict=True)}

        return await self._database.run(work)

    async def sweep(self, before_ms: int) -> int:
        """See `Store`. A transaction leaves nothing behind."""
        return 0

    async def _select(self, condition: str, tenant_id: str, video_id: int, *values: Any) -> list[Version]:
        def work(connection: Connection) -> list[Version]:
            query = f"SELECT {VERSION_COLUMNS} FROM versions WHERE tenant_id = ? AND video_id = ? AND {condition}"
            return versions_of(connection, ask(connection, query, (tenant_id, video_id, *values)))

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
    found = versions_of(connection, ask(connection, _GET, (version_id,)))
    if not found:
        raise _unknown()
    return found[0]


def _head(connection: Connection, tenant_id: str, video_id: int) -> Head:
    row = ask(
        connection, "SELECT version_id, change FROM heads WHERE video_id = ? AND tenant_id = ?", (video_id, tenant_id)
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
    number, change = ask(
        connection,
        "INSERT INTO heads (video_id, tenant_id, version_id, count, change) VALUES (?, ?, ?, 1, 1)"
        " ON CONFLICT (video_id) DO UPDATE SET count = heads.count + 1,"
        " change = heads.change + 1, version_id = ? RETURNING count, change",
        (draft.video_id, draft.tenant_id, draft.version_id, draft.version_id if moved else head.version_id),
    ).one()
    snapshot = draft.delta.sha256 if not draft.base_id else None
    ask(
        connection,
        f"INSERT INTO versions ({VERSION_COLUMNS}) VALUES ({', '.join('?' * 18)})",
        (draft.version_id, draft.tenant_id, draft.video_id, number, draft.base_id, draft.merged_id, draft.revision,
         draft.kind.value, draft.message, draft.person_id, draft.created_ms, draft.hash, draft.delta.sha256, snapshot,
         draft.depth, change, Tier.HOT.value, 0),
    )  # fmt: skip
    _tell(connection, once, f"version.{Kind(draft.kind).name.lower()}", draft.version_id, draft.created_ms, draft)
    return draft.version_id


def _put(connection: Connection, video_id: int, packed: Packed) -> None:
    """Keeps a content, once."""
    ask(
        connection,
        "INSERT INTO contents (video_id, sha256, raw_bytes, stored_bytes, uses, archive_key, data)"
        " VALUES (?, ?, ?, ?, 1, '', ?) ON CONFLICT (video_id, sha256) DO UPDATE SET"
        " uses = contents.uses + 1,"
        " data = excluded.data, archive_key = ''",
        (video_id, packed.sha256, packed.raw_bytes, len(packed.data), packed.data),
    )


def _tag(connection: Connection, version: Version, tag: str, remove: bool, once: Once) -> bytes:
    row = ask(connection, "SELECT version_id FROM tags WHERE video_id = ? AND tag = ?", (version.video_id, tag)).first()
    before = row[0] if row is not None else 0
    if remove and before == version.version_id:
        ask(connection, "DELETE FROM tags WHERE video_id = ? AND tag = ?", (version.video_id, tag))
        _set_change(connection, version.video_id, version.version_id)
    elif not remove and before != version.version_id:
        ask(
            connection,
            "INSERT INTO tags (video_id, tag, version_id) VALUES (?, ?, ?) ON CONFLICT (video_id, tag) DO UPDATE SET"
            " version_id = excluded.version_id",
            (version.video_id, tag, version.version_id),
        )
        for each in filter(None, (before, version.version_id)):
            _set_change(connection, version.video_id, each)
    _tell(connection, once, "version.untag" if remove else "version.tag", version.version_id, version.created_ms, None)
    return b""


def _set_change(connection: Connection, video_id: int, version_id: int) -> None:
    change = ask(
        connection, "UPDATE heads SET change = change + 1 WHERE video_id = ? RETURNING change", (video_id,)
    ).scalar_one()
    ask(connection, "UPDATE versions SET change = ? WHERE version_id = ?", (change, version_id))


def _set_tier(connection: Connection, version_id: int, tier: Tier, read_ms: int | None = None) -> None:
    video_id = ask(
        connection,
        "UPDATE versions SET tier = ?, read_ms = coalesce(?, read_ms) WHERE version_id = ? RETURNING video_id",
        (tier.value, read_ms, version_id),
    ).scalar_one()
    _set_change(connection, video_id, version_id)


def _set_tiers(connection: Connection, video_id: int, version_ids: Sequence[int], tier: Tier) -> None:
    """As `_set_tier`, of several versions of a video."""
    change = ask(
        connection,
        "UPDATE heads SET change = change + ? WHERE video_id = ? RETURNING change",
        (len(version_ids), video_id),
    ).scalar_one()
    changed = [(tier.value, change - at, version_id) for at, version_id in enumerate(reversed(version_ids))]
    ask(connection, "UPDATE versions SET tier = ?, change = ? WHERE version_id = ?", changed)


def _contents(connection: Connection, columns: str, video_id: int, addresses: Sequence[Hash]) -> Iterator[Any]:
    """Rows of contents, in any order."""
    for at in range(0, len(addresses), NAMED_AT_ONCE):
        some = addresses[at : at + NAMED_AT_ONCE]
        named = ", ".join("?" * len(some))
        query = f"SELECT {columns} FROM contents WHERE video_id = ? AND sha256 IN ({named})"
        yield from ask(connection, query, (video_id, *some)).all()


def _tell(connection: Connection, once: Once, action: str, version_id: int, time_ms: int, draft: Draft | None) -> None:
    detail: dict[str, str | int] = {}
    if draft is not None:
        detail = {"video_id": draft.video_id, "revision": draft.revision}
    event = audit.Event(once.tenant_id, once.person_id, action, f"version/{version_id}", time_ms, detail)
    audit.record(connection, SERVICE, event)
