"""Which rule each RPC carries, and which service may call which: the table of docs/architecture.md as data."""

from functools import cache

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from rushes.annotation.v1 import annotation_service_pb2, history_service_pb2, relay_service_pb2
from rushes.errors import InvalidArgument, NotFound
from rushes.media.v1 import (
    export_service_pb2,
    import_service_pb2,
    job_service_pb2,
    media_service_pb2,
    subtitle_service_pb2,
)
from rushes.project.v1 import access_service_pb2, audit_service_pb2, identity_service_pb2, project_service_pb2
from rushes.sfu.v1 import sfu_service_pb2
from rushes.signaling.v1 import feed_service_pb2, recording_service_pb2, room_service_pb2
from rushes.type.v1.access_pb2 import RESOURCE_KIND_TENANT, AccessRule, NeedsRule, Resource, access
from rushes.version.v1 import version_service_pb2

FILES = (
    annotation_service_pb2,
    history_service_pb2,
    relay_service_pb2,
    media_service_pb2,
    job_service_pb2,
    export_service_pb2,
    subtitle_service_pb2,
    import_service_pb2,
    access_service_pb2,
    audit_service_pb2,
    identity_service_pb2,
    project_service_pb2,
    version_service_pb2,
    room_service_pb2,
    feed_service_pb2,
    recording_service_pb2,
    sfu_service_pb2,
)

_ID_TYPES = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64, FieldDescriptor.CPPTYPE_STRING)
_EVERYBODY = frozenset(("gateway", "svc_annotation", "svc_media", "svc_project", "svc_signaling", "svc_version"))
CALLERS: dict[str, frozenset[str]] = {
    "rushes.annotation.v1.AnnotationService": frozenset(("gateway", "svc_version", "svc_signaling", "svc_media")),
    "rushes.annotation.v1.HistoryService": frozenset(("svc_version",)),
    "rushes.annotation.v1.RelayService": frozenset(("gateway",)),
    "rushes.media.v1.MediaService": frozenset(
        ("gateway", "svc_annotation", "svc_project", "svc_signaling", "svc_version")
    ),
    "rushes.media.v1.ExportService": frozenset(("gateway",)),
    "rushes.media.v1.SubtitleService": frozenset(("gateway",)),
    "rushes.media.v1.ImportService": frozenset(("svc_signaling",)),
    "rushes.media.v1.JobService": frozenset(("gateway",)),
    "rushes.project.v1.AccessService": _EVERYBODY,
    "rushes.project.v1.AuditService": _EVERYBODY,
    "rushes.project.v1.IdentityService": _EVERYBODY,
    "rushes.project.v1.ProjectService": frozenset(
        ("gateway", "svc_annotation", "svc_media", "svc_signaling", "svc_version")
    ),
    "rushes.version.v1.VersionService": frozenset(("gateway",)),
    "rushes.signaling.v1.RoomService": frozenset(("gateway",)),
    "rushes.signaling.v1.FeedService": frozenset(("gateway",)),
    "rushes.signaling.v1.RecordingService": frozenset(("gateway",)),
    "rushes.sfu.v1.SfuService": frozenset(("svc_signaling",)),
}


@cache
def methods() -> dict[str, MethodDescriptor]:
    """Every RPC of the mesh by its path."""
    return {
        f"/{service.full_name}/{method.name}": method
        for module in FILES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


@cache
def rule_of(path: str) -> AccessRule | None:
    """The rule that an RPC carries; None: there is no such RPC."""
    method = methods().get(path)
    if method is None:
        return None
    rule: AccessRule = method.GetOptions().Extensions[access]
    return rule


class FieldMissing(InvalidArgument):
    """The request does not say what it is about."""

    reason = "FIELD_MISSING"


def resource_of(rule: AccessRule, request: Message) -> Resource:
    """What a request is about, by its RPC's rule. Raises FieldMissing; NotFound for an id that nothing has."""
    needs = rule.needs
    if not needs.field:
        return Resource(kind=needs.resource)
    inner = request
    *parents, leaf = needs.field.split(".")
    for name in parents:
        if not inner.HasField(name):
            raise FieldMissing(f"{name} is needed.", field=needs.field)
        inner = getattr(inner, name)
    value = getattr(inner, leaf)
    if not value:
        raise NotFound("There is no such thing, or it is not yours to see.")
    return Resource(kind=needs.resource, id=str(value))


def problem_of(method: MethodDescriptor) -> str:
    """What is wrong with a method's rule, in words; empty: nothing."""
    rule: AccessRule = method.GetOptions().Extensions[access]
    kind = rule.WhichOneof("rule")
    name, service = method.full_name, method.containing_service.full_name
    if kind is None:
        return f"{name} has no access rule"
    if service not in CALLERS:
        return f"{service} is not in the table of callers"
    if kind == "services":
        unknown = sorted(set(rule.services.names) - CALLERS[service])
        return f"{name} lets in {unknown}, which the table of callers does not" if unknown else ""
    return _needs_problem(method, rule.needs) if kind == "needs" else ""


def _needs_problem(method: MethodDescriptor, needs: NeedsRule) -> str:
    name = method.full_name
    if not needs.permission or not needs.resource:
        return f"{name} needs no permission, or on nothing"
    if needs.resource == RESOURCE_KIND_TENANT:
        return f"{name} names a field for the tenant" if needs.field else ""
    message = method.input_type
    *parents, leaf = needs.field.split(".")
    for parent in parents:
        found = message.fields_by_name.get(parent)
        if found is None or found.message_type is None:
            return f"{name}: there is no field {needs.field}"
        message = found.message_type
    field = message.fields_by_name.get(leaf)
    if field is None or field.cpp_type not in _ID_TYPES:
        return f"{name}: {needs.field} is no id"
    return ""
