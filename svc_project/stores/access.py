"""Roles and invitations in SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Row, and_, delete, func, insert, not_, select, tuple_, update

from svc_project.core.model import (
    AssetId,
    Invitation,
    InvitationId,
    Person,
    PersonId,
    ProjectId,
    RoleGrant,
    TenantId,
    VideoId,
    VideoPath,
)
from svc_project.core.page import Key
from svc_project.core.role import OWNER
from svc_project.stores import schema

_grant = schema.role_grant
_limit = schema.guest_limit
_person = schema.person
_cut = schema.cut
_invitation = schema.invitation
_secret = schema.invitation_secret


class SqlAccess:
    """Roles, and the ways from people to resources."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def role(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> str:
        """A person's role on a project."""
        query = select(_grant.c.role).where(
            _grant.c.tenant_id == tenant_id, _grant.c.project_id == project_id, _grant.c.person_id == person_id
        )
        return self._connection.scalar(query) or ""

    def put(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId, role: str, now_ms: int) -> None:
        """The role is this from now on."""
        changed = self._connection.execute(
            update(_grant)
            .where(_grant.c.tenant_id == tenant_id, _grant.c.project_id == project_id, _grant.c.person_id == person_id)
            .values(role=role, granted_ms=now_ms)
        )
        if not changed.rowcount:
            self._connection.execute(
                insert(_grant).values(
                    tenant_id=tenant_id, project_id=project_id, person_id=person_id, role=role, granted_ms=now_ms
                )
            )

    def take(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> None:
        """No role any more."""
        self._connection.execute(
            delete(_grant).where(
                _grant.c.tenant_id == tenant_id, _grant.c.project_id == project_id, _grant.c.person_id == person_id
            )
        )

    def owners(self, tenant_id: TenantId, project_id: ProjectId) -> Sequence[PersonId]:
        """Who owns the project."""
        project = schema.project
        lock = select(project.c.project_id).where(project.c.tenant_id == tenant_id, project.c.project_id == project_id)
        self._connection.execute(lock.with_for_update())
        query = select(_grant.c.person_id).where(
            _grant.c.tenant_id == tenant_id, _grant.c.project_id == project_id, _grant.c.role == OWNER
        )
        return list(self._connection.scalars(query.order_by(_grant.c.person_id)))

    def page(self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int) -> Sequence[RoleGrant]:
        """Roles on a project by name."""
        order = (_person.c.name_key, _person.c.person_id)
        query = (
            select(_grant.c.project_id, _grant.c.person_id, _person.c.name, _person.c.name_key, _grant.c.role)
            .join(_person, _person.c.person_id == _grant.c.person_id)
            .where(_grant.c.tenant_id == tenant_id, _grant.c.project_id == project_id)
        )
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        return [RoleGrant(row.project_id, row.person_id, row.name, row.name_key, row.role) for row in rows]

    def most(self, person: Person, project_id: ProjectId) -> int:
        """The most that a person may do in a project."""
        return self._most(person).get(project_id, -1)

    def _most(self, person: Person) -> dict[int, int]:
        """The same by project, of those where anything is narrowed: the strictest of all rooms."""
        most: dict[int, int] = {}
        if person.guest:
            query = select(_limit.c.project_id, _limit.c.permissions).where(
                _limit.c.tenant_id == person.tenant_id, _limit.c.person_id == person.person_id
            )
            for project_id, permissions in self._connection.execute(query):
                most[project_id] = most.get(project_id, -1) & permissions
        return most

    def limit(
        self, tenant_id: TenantId, project_id: ProjectId, room_id: str, limits: Mapping[PersonId, int]
    ) -> Sequence[PersonId]:
        """Narrows guests, in the place of what this room narrowed before."""
        here = (_limit.c.tenant_id == tenant_id, _limit.c.project_id == project_id, _limit.c.room_id == room_id)
        rows = self._connection.execute(select(_limit.c.person_id, _limit.c.permissions).where(*here))
        before = {row.person_id: row.permissions for row in rows}
        guests = select(_person.c.person_id).where(
            _person.c.tenant_id == tenant_id, _person.c.guest, _person.c.person_id.in_(limits)
        )
        now = {person_id: limits[person_id] for person_id in self._connection.scalars(guests)} if limits else {}
        changed = {each for each in before.keys() | now.keys() if before.get(each) != now.get(each)}
        if changed:
            self._connection.execute(delete(_limit).where(*here, _limit.c.person_id.in_(changed)))
        rest = {"tenant_id": tenant_id, "project_id": project_id, "room_id": room_id}
        added = [{**rest, "person_id": each, "permissions": now[each]} for each in changed if each in now]
        if added:
            self._connection.execute(insert(_limit), added)
        return sorted(changed)

    def project_of(self, tenant_id: TenantId, asset_id: AssetId) -> ProjectId | None:
        """The project of an asset."""
        asset = schema.asset
        query = select(asset.c.project_id).where(asset.c.tenant_id == tenant_id, asset.c.asset_id == asset_id)
        return self._connection.scalar(query)

    def video_paths(self, person: Person, video_id: VideoId) -> Sequence[VideoPath]:
        """One for each cut of the video in the person's tenant."""
        mine, adders, adder = _grant.alias(), _grant.alias(), _person.alias()
        query = (
            select(
                _cut.c.project_id,
                _cut.c.home_id,
                mine.c.role.label("mine"),
                adders.c.role.label("adders"),
                adder.c.administrator,
                schema.asset.c.deleted_ms,
            )
            .join(schema.asset, schema.asset.c.asset_id == _cut.c.asset_id)
            .outerjoin(mine, and_(mine.c.project_id == _cut.c.project_id, mine.c.person_id == person.person_id))
            .outerjoin(
                adders,
                and_(
                    adders.c.tenant_id == _cut.c.tenant_id,
                    adders.c.project_id == _cut.c.home_id,
                    adders.c.person_id == _cut.c.person_id,
                ),
            )
            .outerjoin(adder, adder.c.person_id == _cut.c.person_id)
            .where(_cut.c.tenant_id == person.tenant_id, _cut.c.video_id == video_id)
        )
        most = self._most(person)
        return [
            VideoPath(
                at_home=row.project_id == row.home_id,
                role=OWNER if person.administrator else row.mine or "",
                adder_role=OWNER if row.administrator else row.adders or "",
                in_trash=row.deleted_ms > 0,
                most=most.get(row.project_id, -1),
            )
            for row in self._connection.execute(query)
        ]

    def lent_videos(self, tenant_id: TenantId, home_id: ProjectId, person_id: PersonId) -> Sequence[VideoId]:
        """Videos of a project that this person has stacked in other projects."""
        query = select(_cut.c.video_id).where(
            _cut.c.tenant_id == tenant_id,
            _cut.c.home_id == home_id,
            _cut.c.person_id == person_id,
            _cut.c.project_id != home_id,
        )
        return list(self._connection.scalars(query.distinct().order_by(_cut.c.video_id)))


class SqlInvitations:
    """Links into projects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, invitation: Invitation) -> None:
        """A new invitation."""
        self._connection.execute(
            insert(_invitation).values(
                invitation_id=invitation.invitation_id,
                tenant_id=invitation.tenant_id,
                project_id=invitation.project_id,
                role=invitation.role,
                person_id=invitation.person_id,
                created_ms=invitation.created_ms,
                expires_ms=invitation.expires_ms,
                max_uses=invitation.max_uses,
                uses=invitation.uses,
                revoked=invitation.revoked,
            )
        )

    def add_secret(self, invitation: Invitation, secret_hash: bytes) -> int:
        """A secret that opens it."""
        self._connection.execute(
            insert(_secret).values(
                secret_hash=secret_hash, tenant_id=invitation.tenant_id, invitation_id=invitation.invitation_id
            )
        )
        count = select(func.count()).select_from(_secret).where(_secret.c.invitation_id == invitation.invitation_id)
        return self._connection.scalar(count) or 0

    def get(self, tenant_id: TenantId, project_id: ProjectId, invitation_id: InvitationId) -> Invitation | None:
        """An invitation by id."""
        query = select(_invitation).where(
            _invitation.c.tenant_id == tenant_id,
            _invitation.c.project_id == project_id,
            _invitation.c.invitation_id == invitation_id,
        )
        row = self._connection.execute(query.with_for_update()).one_or_none()
        return _to_invitation(row) if row else None

    def open(
        self, tenant_id: TenantId, project_id: ProjectId, now_ms: int, after: Key | None, limit: int
    ) -> Sequence[Invitation]:
        """Those of a project that let somebody in now, the newest first."""
        order = (_invitation.c.created_ms, _invitation.c.invitation_id)
        query = select(_invitation).where(
            _invitation.c.tenant_id == tenant_id,
            _invitation.c.project_id == project_id,
            _invitation.c.expires_ms > now_ms,
            _invitation.c.uses < _invitation.c.max_uses,
            not_(_invitation.c.revoked),
        )
        if after is not None:
            query = query.where(tuple_(*order) < tuple_(*after))
        newest = (column.desc() for column in order)
        return [_to_invitation(row) for row in self._connection.execute(query.order_by(*newest).limit(limit))]

    def by_secret(self, secret_hash: bytes) -> Invitation | None:
        """An invitation by the hash of a secret."""
        query = (
            select(_invitation)
            .join(_secret, _secret.c.invitation_id == _invitation.c.invitation_id)
            .where(_secret.c.secret_hash == secret_hash)
        )
        row = self._connection.execute(query.with_for_update()).one_or_none()
        return _to_invitation(row) if row else None

    def use(self, invitation_id: InvitationId) -> None:
        """One more has used it."""
        where = _invitation.c.invitation_id == invitation_id
        self._connection.execute(update(_invitation).where(where).values(uses=_invitation.c.uses + 1))

    def revoke(self, invitation_id: InvitationId) -> None:
        """It is withdrawn."""
        where = _invitation.c.invitation_id == invitation_id
        self._connection.execute(update(_invitation).where(where).values(revoked=True))

    def prune(self, before_ms: int) -> int:
        """Drops those that ended before then."""
        over = select(_invitation.c.invitation_id).where(_invitation.c.expires_ms < before_ms)
        self._connection.execute(delete(_secret).where(_secret.c.invitation_id.in_(over)))
        return self._connection.execute(delete(_invitation).where(_invitation.c.expires_ms < before_ms)).rowcount


def _to_invitation(row: Row[tuple[object, ...]]) -> Invitation:
    return Invitation(
        invitation_id=row.invitation_id,
        tenant_id=row.tenant_id,
        project_id=row.project_id,
        role=row.role,
        person_id=row.person_id,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        max_uses=row.max_uses,
        uses=row.uses,
        revoked=row.revoked,
    )
