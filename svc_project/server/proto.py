"""Between protos and domain."""

from google.protobuf.message import Message

from mesh.auth import caller
from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import audit_service_pb2 as audit_pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.project.v1 import project_service_pb2 as project_pb
from rushes.type.v1 import access_pb2
from svc_project.core import text
from svc_project.core.change import Notice
from svc_project.core.errors import InvalidField
from svc_project.core.model import (
    Asset,
    ChainedEvent,
    Cut,
    Event,
    Folder,
    Invitation,
    Kind,
    Once,
    Person,
    PersonId,
    Project,
    Resource,
    RoleGrant,
    Session,
    Setting,
    TenantId,
    Who,
)

_KINDS = {
    access_pb2.RESOURCE_KIND_TENANT: Kind.TENANT,
    access_pb2.RESOURCE_KIND_PROJECT: Kind.PROJECT,
    access_pb2.RESOURCE_KIND_ASSET: Kind.ASSET,
    access_pb2.RESOURCE_KIND_VIDEO: Kind.VIDEO,
}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_LARGEST_ID = 2**63 - 1


def who() -> Who:
    """The person who is calling."""
    me = caller()
    return Who(TenantId(me.tenant_id), PersonId(me.person_id))


def once(method: str, request: Message, request_id: str) -> Once:
    """What makes this mutation the same as another."""
    me = who()
    content = request.SerializeToString(deterministic=True)
    return Once(me.tenant_id, me.person_id, method, text.check_request_id(request_id), content)


def from_resource(resource: access_pb2.Resource) -> Resource:
    """A resource that somebody asks about; an id that nothing can have is 0, which nothing has."""
    kind = _KINDS.get(resource.kind)
    if kind is None:
        raise InvalidField("resources.kind", "a kind is needed")
    if kind is Kind.TENANT:
        return Resource(kind)
    digits = resource.id
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        return Resource(kind, 0)
    number = int(digits)
    return Resource(kind, number if str(number) == digits and number <= _LARGEST_ID else 0)


def to_resource(resource: Resource) -> access_pb2.Resource:
    """A resource that changed."""
    return access_pb2.Resource(kind=_NUMBERS[resource.kind], id=str(resource.id) if resource.id else "")


def to_person(person: Person, *, with_email: bool) -> identity_pb.Person:
    """A person, as one may see them."""
    return identity_pb.Person(
        person_id=person.person_id,
        tenant_id=person.tenant_id,
        name=person.name,
        email=person.email if with_email else "",
        color=person.color,
        guest=person.guest,
        administrator=person.administrator,
    )


def to_session(session: Session, secret: str) -> identity_pb.Session:
    """A session; its secret is "" where it is known already."""
    return identity_pb.Session(secret=secret, expires_ms=session.expires_ms)


def to_invitation(invitation: Invitation) -> identity_pb.Invitation:
    """An invitation, without what opens it."""
    return identity_pb.Invitation(
        invitation_id=invitation.invitation_id,
        role=invitation.role,
        person_id=invitation.person_id,
        created_ms=invitation.created_ms,
        expires_ms=invitation.expires_ms,
        max_uses=invitation.max_uses,
        uses=invitation.uses,
    )


def to_grant(grant: RoleGrant) -> access_pb.RoleGrant:
    """A role."""
    return access_pb.RoleGrant(person_id=grant.person_id, name=grant.name, role=grant.role)


def to_notice(notice: Notice) -> access_pb.WatchAccessResponse:
    """What changed."""
    return access_pb.WatchAccessResponse(
        person_ids=notice.people,
        resources=[to_resource(resource) for resource in notice.resources],
        everything=notice.everything,
        ended_session_ids=notice.sessions,
    )


def to_project(project: Project, permissions: int) -> project_pb.Project:
    """A project, with what the caller may do in it."""
    return project_pb.Project(
        project_id=project.project_id,
        name=project.name,
        created_ms=project.created_ms,
        etag=str(project.version),
        permissions=permissions,
        asset_count=project.asset_count,
        statuses=project.statuses,
    )


def to_asset(asset: Asset, permissions: int) -> project_pb.Asset:
    """An asset, with what the caller may do with it."""
    return project_pb.Asset(
        asset_id=asset.asset_id,
        project_id=asset.project_id,
        name=asset.name,
        tags=asset.tags,
        status=asset.status,
        cuts=[to_cut(cut) for cut in asset.cuts],
        created_ms=asset.created_ms,
        updated_ms=asset.updated_ms,
        etag=str(asset.version),
        permissions=permissions,
        folder_id=asset.folder_id,
        deleted_ms=asset.deleted_ms,
    )


def to_folder(folder: Folder) -> project_pb.Folder:
    """A folder."""
    return project_pb.Folder(
        folder_id=folder.folder_id,
        project_id=folder.project_id,
        parent_id=folder.parent_id,
        name=folder.name,
        created_ms=folder.created_ms,
        asset_count=folder.asset_count,
        etag=str(folder.version),
    )


def to_setting(setting: Setting) -> identity_pb.Setting:
    """A setting of one's own."""
    return identity_pb.Setting(name=setting.name, value_json=setting.value_json, etag=str(setting.version))


def to_cut(cut: Cut) -> project_pb.Cut:
    """A cut."""
    return project_pb.Cut(
        number=cut.number,
        video_id=cut.video_id,
        person_id=cut.person_id,
        created_ms=cut.created_ms,
        file_name=cut.file_name,
        status=cut.status,
        status_by=cut.status_by,
        status_ms=cut.status_ms,
    )


def from_event(event: audit_pb.AuditEvent) -> Event:
    """An event of another service."""
    return Event(
        event_id=event.event_id,
        tenant_id=event.tenant_id,
        time_ms=event.time_ms,
        service=event.service,
        person_id=event.person_id,
        action=event.action,
        resource=event.resource,
        detail_json=event.detail_json,
    )


def to_event(chained: ChainedEvent) -> audit_pb.ChainedEvent:
    """An event of the chain."""
    event = chained.event
    return audit_pb.ChainedEvent(
        ordinal=chained.ordinal,
        event=audit_pb.AuditEvent(
            event_id=event.event_id,
            tenant_id=event.tenant_id,
            time_ms=event.time_ms,
            service=event.service,
            person_id=event.person_id,
            action=event.action,
            resource=event.resource,
            detail_json=event.detail_json,
        ),
        hash=chained.hash,
    )
