"""People, sessions and keys in SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from svc_project.core import text
from svc_project.core.errors import EmailTaken
from svc_project.core.model import Person, PersonId, Session, SessionId, SigningKey, TenantId
from svc_project.core.page import Key
from svc_project.stores import schema

_person = schema.person
_session = schema.session
_key = schema.signing_key


class SqlPeople:
    """Tenants and people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tenants(self) -> Sequence[TenantId]:
        """All tenants."""
        return list(self._connection.scalars(select(schema.tenant.c.tenant_id).order_by(schema.tenant.c.tenant_id)))

    def add_tenant(self, tenant_id: TenantId, name: str, now_ms: int) -> None:
        """A new tenant."""
        self._connection.execute(insert(schema.tenant).values(tenant_id=tenant_id, name=name, created_ms=now_ms))

    def add(self, person: Person) -> None:
        """A new person."""
        if person.email and self.by_email(person.email):
            raise EmailTaken
        values = {
            "person_id": person.person_id,
            "tenant_id": person.tenant_id,
            "name": person.name,
            "name_key": text.sort_key(person.name),
            "email": person.email or None,
            "color": person.color,
            "guest": person.guest,
            "administrator": person.administrator,
            "password_hash": person.password_hash,
            "created_ms": person.created_ms,
        }
        try:
            self._connection.execute(insert(_person).values(values))
        except IntegrityError as error:
            # Another instance was first: the address is all that can be taken, ids being random.
            raise EmailTaken from error

    def get(self, tenant_id: TenantId, person_id: PersonId) -> Person | None:
        """A person of the tenant."""
        where = and_(_person.c.tenant_id == tenant_id, _person.c.person_id == person_id)
        row = self._connection.execute(select(_person).where(where)).one_or_none()
        return _to_person(row) if row else None

    def count(self, tenant_id: TenantId) -> int:
        """How many people the tenant has."""
        query = select(func.count()).select_from(_person).where(_person.c.tenant_id == tenant_id)
        return self._connection.execute(query).scalar_one()

    def by_email(self, email: str) -> Person | None:
        """Who signs in with this address."""
        row = self._connection.execute(select(_person).where(_person.c.email == email)).one_or_none()
        return _to_person(row) if row else None

    def save(self, person: Person) -> None:
        """Name, colour and password as they are now."""
        self._connection.execute(
            update(_person)
            .where(_person.c.tenant_id == person.tenant_id, _person.c.person_id == person.person_id)
            .values(
                name=person.name,
                name_key=text.sort_key(person.name),
                color=person.color,
                password_hash=person.password_hash,
            )
        )

    def named(self, tenant_id: TenantId, person_ids: Sequence[PersonId]) -> Sequence[Person]:
        """Those who are of the tenant."""
        where = and_(_person.c.tenant_id == tenant_id, _person.c.person_id.in_(person_ids))
        rows = self._connection.execute(select(_person).where(where).order_by(_person.c.name_key, _person.c.person_id))
        return [_to_person(row) for row in rows]

    def page(
        self, tenant_id: TenantId, sharing_with: PersonId | None, after: Key | None, limit: int
    ) -> Sequence[Person]:
        """People of the tenant by name."""
        query = select(_person).where(_person.c.tenant_id == tenant_id)
        if sharing_with is not None:
            mine, theirs = schema.role_grant.alias(), schema.role_grant.alias()
            shared = (
                select(theirs.c.person_id)
                .join(mine, mine.c.project_id == theirs.c.project_id)
                .where(mine.c.tenant_id == tenant_id, mine.c.person_id == sharing_with)
            )
            query = query.where(or_(_person.c.person_id.in_(shared), _person.c.person_id == sharing_with))
        order = (_person.c.name_key, _person.c.person_id)
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        return [_to_person(row) for row in rows]


class SqlSessions:
    """Sign-ins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, session: Session, secret_hash: bytes) -> None:
        """A new session."""
        self._connection.execute(
            insert(_session).values(
                session_id=session.session_id,
                tenant_id=session.tenant_id,
                person_id=session.person_id,
                secret_hash=secret_hash,
                created_ms=session.created_ms,
                expires_ms=session.expires_ms,
                ended_ms=session.ended_ms,
            )
        )

    def get(self, session_id: SessionId) -> Session | None:
        """A session by id."""
        row = self._connection.execute(select(_session).where(_session.c.session_id == session_id)).one_or_none()
        return _to_session(row) if row else None

    def by_secret(self, secret_hash: bytes) -> Session | None:
        """A session by the hash of its secret."""
        row = self._connection.execute(select(_session).where(_session.c.secret_hash == secret_hash)).one_or_none()
        return _to_session(row) if row else None

    def extend(self, session_id: SessionId, expires_ms: int) -> None:
        """It lasts until then."""
        self._connection.execute(
            update(_session).where(_session.c.session_id == session_id).values(expires_ms=expires_ms)
        )

    def end(self, session_id: SessionId, now_ms: int) -> None:
        """It has ended."""
        self._connection.execute(update(_session).where(_session.c.session_id == session_id).values(ended_ms=now_ms))

    def end_others(self, tenant_id: TenantId, person_id: PersonId, keep: SessionId, now_ms: int) -> Sequence[SessionId]:
        """All open sessions of a person but one end."""
        open_ones = and_(
            _session.c.tenant_id == tenant_id,
            _session.c.person_id == person_id,
            _session.c.session_id != keep,
            _session.c.ended_ms == 0,
        )
        ended = list(self._connection.scalars(select(_session.c.session_id).where(open_ones)))
        self._connection.execute(update(_session).where(open_ones).values(ended_ms=now_ms))
        return ended

    def ended_since(self, since_ms: int) -> Sequence[tuple[SessionId, int]]:
        """Sessions that ended at `since_ms` or later."""
        query = select(_session.c.session_id, _session.c.ended_ms).where(_session.c.ended_ms >= since_ms)
        return [
            (row.session_id, row.ended_ms) for row in self._connection.execute(query.where(_session.c.ended_ms > 0))
        ]

    def prune(self, before_ms: int) -> int:
        """Drops sessions that ended or ran out before then."""
        over = or_(
            and_(_session.c.ended_ms > 0, _session.c.ended_ms < before_ms),
            _session.c.expires_ms < before_ms,
        )
        return self._connection.execute(delete(_session).where(over)).rowcount


class SqlKeys:
    """Signing keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[SigningKey]:
        """All keys, the oldest first."""
        rows = self._connection.execute(select(_key).order_by(_key.c.signs_ms, _key.c.kid))
        return [
            SigningKey(row.kid, row.private, row.created_ms, row.signs_ms, row.retires_ms, row.expires_ms)
            for row in rows
        ]

    def add(self, key: SigningKey) -> None:
        """A new key."""
        self._connection.execute(
            insert(_key).values(
                kid=key.kid,
                private=key.private,
                created_ms=key.created_ms,
                signs_ms=key.signs_ms,
                retires_ms=key.retires_ms,
                expires_ms=key.expires_ms,
            )
        )

    def drop(self, kids: Sequence[str]) -> None:
        """These are forgotten."""
        self._connection.execute(delete(_key).where(_key.c.kid.in_(kids)))


def _to_person(row: Row[tuple[object, ...]]) -> Person:
    return Person(
        person_id=row.person_id,
        tenant_id=row.tenant_id,
        name=row.name,
        email=row.email or "",
        color=row.color,
        guest=row.guest,
        administrator=row.administrator,
        password_hash=row.password_hash,
        created_ms=row.created_ms,
    )


def _to_session(row: Row[tuple[object, ...]]) -> Session:
    return Session(
        session_id=row.session_id,
        tenant_id=row.tenant_id,
        person_id=row.person_id,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        ended_ms=row.ended_ms,
    )
