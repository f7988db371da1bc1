"""Which rule each RPC carries, and which service may call which: the table of docs/architecture.md as data."""

from functools import cache
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from rushes.annotation.v1 import annotation_service_pb2, relay_service_pb2
from rushes.media.v1 import job_service_pb2, media_service_pb2
from rushes.project.v1 import access_service_pb2, audit_service_pb2, identity_service_pb2, project_service_pb2
from rushes.type.v1.access_pb2 import AccessRule, Resource, access

FILES = (
    annotation_service_pb2,
    relay_service_pb2,
    media_service_pb2,
    job_service_pb2,
    access_service_pb2,
    audit_service_pb2,
    identity_service_pb2,
    project_service_pb2,
)

_EVERYBODY = frozenset(("gateway", "svc_annotation", "svc_media", "svc_project", "svc_signaling", "svc_version"))
CALLERS: dict[str, frozenset[str]] = {
    "rushes.annotation.v1.AnnotationService": frozenset(("gateway", "svc_version", "svc_signaling", "svc_media")),
    "rushes.annotation.v1.RelayService": frozenset(("gateway",)),
    "rushes.media.v1.MediaService": frozenset(("gateway", "svc_annotation", "svc_project", "svc_signaling")),
    "rushes.media.v1.JobService": frozenset(("gateway",)),
    "rushes.project.v1.AccessService": _EVERYBODY,
    "rushes.project.v1.AuditService": _EVERYBODY,
    "rushes.project.v1.IdentityService": _EVERYBODY,
    "rushes.project.v1.ProjectService": frozenset(("gateway", "svc_signaling")),
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


def field_value(request: Message, path: str) -> str:
    """The value at a path such as "open.video_id", in decimal; empty when it is not there."""
    value: Any = request
    for name in path.split("."):
        if not isinstance(value, Message):
            return ""
        value = getattr(value, name)
    return "" if value in (0, "") else str(value)


def resource_of(rule: AccessRule, request: Message) -> Resource:
    """What a request is about, by its RPC's rule."""
    needs = rule.needs
    return Resource(kind=needs.resource, id=field_value(request, needs.field) if needs.field else "")
