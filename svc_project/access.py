"""Use cases about rights: who may do what, and giving and taking roles."""

from collections.abc import Sequence

from svc_project.context import Context, Work
from svc_project.core import page, role, session, text
from svc_project.core.errors import LastOwner, PersonNotFound
from svc_project.core.model import (
    AssetId,
    Kind,
    Once,
    Person,
    PersonId,
    ProjectId,
    Resource,
    RoleGrant,
    SessionId,
    TenantId,
    VideoId,
    Who,
)


class Access:
    """Resolving, granting, revoking."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def resolve(self, who: Who, session_id: SessionId, resources: Sequence[Resource]) -> tuple[list[int], str]:
        """Permission masks in the order of the resources, and the person's name. A session that is not open, or not
        that person's, may do nothing.
        """

        def find(work: Work) -> tuple[list[int], str]:
            person = work.unit.people.get(who.tenant_id, who.person_id)
            if person is None:
                return [0] * len(resources), ""
            if not may_act(work, person, session_id):
                return [0] * len(resources), person.name
            return [permissions(work, person, resource) for resource in resources], person.name

        return await self._context.run(find)

    async def grant(self, who: Who, project_id: ProjectId, person_id: PersonId, role_: str, once: Once) -> RoleGrant:
        """Gives a role in the place of the one before."""
        role.check_role(role_)

        def give(work: Work) -> str:
            before = work.unit.access.role(who.tenant_id, project_id, person_id)
            if before == role_:
                return ""
            if before == role.OWNER:
                _check_other_owner(work, who.tenant_id, project_id, person_id)
            work.unit.access.put(who.tenant_id, project_id, person_id, role_, work.now_ms)
            _tell(work, who.tenant_id, project_id, person_id)
            resource = f"project/{project_id}"
            work.trail.add(
                who.tenant_id, who.person_id, "access.grant", resource, person_id=person_id, role=role_, before=before
            )
            return ""

        def grant(work: Work) -> RoleGrant:
            person = _person(work, who.tenant_id, person_id)
            work.unit.once(once, lambda: give(work))
            now = work.unit.access.role(who.tenant_id, project_id, person_id)
            return RoleGrant(project_id, person_id, person.name, text.sort_key(person.name), now)

        return await self._context.run(grant)

    async def revoke(self, who: Who, project_id: ProjectId, person_id: PersonId, once: Once) -> None:
        """Takes a role; the last owner's stays."""

        def take(work: Work) -> str:
            _person(work, who.tenant_id, person_id)
            before = work.unit.access.role(who.tenant_id, project_id, person_id)
            if not before:
                return ""
            if before == role.OWNER:
                _check_other_owner(work, who.tenant_id, project_id, person_id)
            work.unit.access.take(who.tenant_id, project_id, person_id)
            _tell(work, who.tenant_id, project_id, person_id)
            resource = f"project/{project_id}"
            work.trail.add(who.tenant_id, who.person_id, "access.revoke", resource, person_id=person_id, before=before)
            return ""

        await self._context.run(lambda work: work.unit.once(once, lambda: take(work)))

    async def limit(
        self, tenant_id: TenantId, project_id: ProjectId, room_id: str, limits: dict[PersonId, int]
    ) -> None:
        """Narrows what guests may do in a project while they are in a room of it, in the place of what was narrowed."""

        def narrow(work: Work) -> None:
            changed = work.unit.access.limit(tenant_id, project_id, room_id, limits)
            work.changes.people.update(changed)

        await self._context.run(narrow)

    async def grants(
        self, who: Who, project_id: ProjectId, page_size: int, page_token: str
    ) -> tuple[Sequence[RoleGrant], str]:
        """Roles on a project by name, and the token of the next page."""
        scope = f"grants/{who.tenant_id}/{project_id}"
        asked = page.parse(page_size, page_token, scope, (str, str))
        rows = await self._context.run(
            lambda work: work.unit.access.page(who.tenant_id, project_id, asked.after, asked.size + 1)
        )
        found = rows[: asked.size]
        last = found[-1] if len(rows) > asked.size else None
        return found, page.token(scope, (last.name_key, last.person_id)) if last else ""


def permissions(work: Work, person: Person, resource: Resource) -> int:
    """What a person may do with a resource of their tenant; 0: nothing, or there is no such thing."""
    if resource.kind is Kind.TENANT:
        return role.tenant_mask(person)
    if resource.kind is Kind.PROJECT:
        return project_permissions(work, person, ProjectId(resource.id))
    if resource.kind is Kind.ASSET:
        project_id = work.unit.access.project_of(person.tenant_id, AssetId(resource.id))
        return 0 if project_id is None else project_permissions(work, person, project_id)
    return role.video_mask(work.unit.access.video_paths(person, VideoId(resource.id)))


def project_permissions(work: Work, person: Person, project_id: ProjectId) -> int:
    """What a person may do in a project: administrators of the tenant own every one."""
    if person.administrator:
        return 0 if work.unit.projects.get(person.tenant_id, project_id) is None else role.mask(role.OWNER)
    access = work.unit.access
    return role.mask(access.role(person.tenant_id, project_id, person.person_id)) & access.most(person, project_id)


def may_act(work: Work, person: Person, session_id: SessionId) -> bool:
    """Whether the session is that person's, and open."""
    found = work.unit.sessions.get(session_id) if text.is_id(session_id) else None
    if found is None or (found.tenant_id, found.person_id) != (person.tenant_id, person.person_id):
        return False
    return session.is_open(found, work.now_ms)


def _person(work: Work, tenant_id: TenantId, person_id: PersonId) -> Person:
    person = work.unit.people.get(tenant_id, person_id) if text.is_id(person_id) else None
    if person is None:
        raise PersonNotFound
    return person


def _check_other_owner(work: Work, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> None:
    if set(work.unit.access.owners(tenant_id, project_id)) <= {person_id}:
        raise LastOwner


def _tell(work: Work, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> None:
    """The person's rights changed, and with them those on videos that they stacked elsewhere."""
    work.changes.people.add(person_id)
    for video_id in work.unit.access.lent_videos(tenant_id, project_id, person_id):
        work.changes.resources.add(Resource(Kind.VIDEO, video_id))
