"""Which RPCs are open to the outside, and which service answers them."""

from dataclasses import dataclass

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from rushes.annotation.v1 import annotation_service_pb2
from rushes.media.v1 import export_service_pb2, job_service_pb2, media_service_pb2, subtitle_service_pb2
from rushes.project.v1 import access_service_pb2, audit_service_pb2, identity_service_pb2, project_service_pb2
from rushes.signaling.v1 import feed_service_pb2, recording_service_pb2, room_service_pb2
from rushes.type.v1 import access_pb2
from rushes.version.v1 import version_service_pb2

_FILES: tuple[tuple[str, FileDescriptor], ...] = (
    ("svc_annotation", annotation_service_pb2.DESCRIPTOR),
    ("svc_media", media_service_pb2.DESCRIPTOR),
    ("svc_media", job_service_pb2.DESCRIPTOR),
    ("svc_media", export_service_pb2.DESCRIPTOR),
    ("svc_media", subtitle_service_pb2.DESCRIPTOR),
    ("svc_project", identity_service_pb2.DESCRIPTOR),
    ("svc_project", access_service_pb2.DESCRIPTOR),
    ("svc_project", project_service_pb2.DESCRIPTOR),
    ("svc_project", audit_service_pb2.DESCRIPTOR),
    ("svc_version", version_service_pb2.DESCRIPTOR),
    ("svc_signaling", room_service_pb2.DESCRIPTOR),
    ("svc_signaling", feed_service_pb2.DESCRIPTOR),
    ("svc_signaling", recording_service_pb2.DESCRIPTOR),
)
_NAMES = ("request_id", "client_id")
"""Fields that name a request; the second of batches, which have a number besides."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where an RPC goes and how it streams."""

    path: str
    service: str
    client_streaming: bool
    server_streaming: bool
    public: bool
    """Anyone may call, without a token."""
    method: MethodDescriptor

    @property
    def streams(self) -> bool:
        """It has many messages, one way or the other."""
        return self.client_streaming or self.server_streaming

    @property
    def reads(self) -> bool:
        """It changes nothing."""
        return bool(self.method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)

    def repeatable(self, message: bytes) -> bool:
        """Whether a request may be sent twice: it only reads, or has a name that the service knows it by again."""
        if self.reads:
            return True
        names = [name for name in _NAMES if name in self.method.input_type.fields_by_name]
        try:
            request = GetMessageClass(self.method.input_type).FromString(message) if names else None
        except DecodeError:
            return False
        return any(getattr(request, name) for name in names)


def _rule(method: MethodDescriptor) -> str | None:
    kind: str | None = method.GetOptions().Extensions[access_pb2.access].WhichOneof("rule")
    return kind


def _routes() -> dict[str, Route]:
    routes = {}
    for name, file in _FILES:
        for service in file.services_by_name.values():
            for method in service.methods:
                path, rule = f"/{service.full_name}/{method.name}", _rule(method)
                if rule not in (None, "services"):
                    streams = (method.client_streaming, method.server_streaming)
                    routes[path] = Route(path, name, *streams, public=rule == "public", method=method)
    return routes


ROUTES = _routes()
COLLABORATE = "/rushes.annotation.v1.AnnotationService/Collaborate"
