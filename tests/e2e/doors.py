"""Calls through the gateway's doors, any RPC by its descriptor, to see how they end."""

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.route import ROUTES
from mesh.auth.rule import methods, rule_of
from mesh.rpc import to_error

WAIT_S = 30.0


def paths(*kinds: str) -> list[str]:
    """RPCs that are open to the outside and whose rule is of one of these kinds."""
    return [path for path in ROUTES if _kind(path) in kinds]


def _kind(path: str) -> str:
    rule = rule_of(path)
    return (rule.WhichOneof("rule") or "") if rule is not None else ""


def needed_field(path: str) -> str:
    """The field whose thing the RPC's rule is about; empty: none."""
    rule = rule_of(path)
    return rule.needs.field if rule is not None else ""


def id_fields(path: str) -> list[str]:
    """Paths of all fields of an RPC's request that name a thing, such as "asset.asset_id"."""
    # What is later on a stream, or another way to say where to, is left out: one thing is named at a time.
    but = (
        "asset.cuts.",
        "asset.project_id",
        "asset.folder_id",
        "commit.",
        "target.rollback_id",
        "playback.",
        "mark.",
        "split.",
        "regroup.",
        "cut.",
    )
    return [name for name in _ids(methods()[path]) if not name.startswith(but)]


def _ids(method: MethodDescriptor) -> Iterator[str]:
    yield from _ids_of(method.input_type, "")


def _ids_of(message: Any, prefix: str) -> Iterator[str]:
    for field in message.fields:
        name = f"{prefix}{field.name}"
        inner = field.message_type
        if (
            field.type == FieldDescriptor.TYPE_MESSAGE
            and inner.full_name.startswith("rushes.")
            and prefix.count(".") < 2
        ):
            if not inner.full_name.startswith(("rushes.annotation.v1.Batch", "rushes.annotation.v1.Presence")):
                yield from _ids_of(inner, f"{name}.")
        elif field.name in _NAMED:
            yield name


_NAMED = frozenset(
    ("person_id", "person_ids", "project_id", "asset_id", "video_id", "job_id", "invitation_id", "from_video_id",
     "to_video_id", "version_id", "base_version_id", "from_version_id", "to_version_id", "into_version_id",
     "rollback_id", "folder_id", "room_id")
)  # fmt: skip


def request(path: str, values: dict[str, Any]) -> Message:
    """A request of an RPC with these fields, by their paths."""
    made: Message = GetMessageClass(methods()[path].input_type)()
    for name, value in values.items():
        *parents, leaf = name.split(".")
        inner = made
        for parent in parents:
            inner = getattr(inner, parent)
        if isinstance(value, list):
            getattr(inner, leaf).extend(value)
        else:
            setattr(inner, leaf, value)
    return made


async def native(channel: Any, path: str, message: Message, token: str | None) -> tuple[int, str, bytes]:
    """How a call through the native door ends, or begins: code, reason, and its first message."""
    while (outcome := await _attempt(channel, path, message, token)) is None:
        pass
    return outcome


async def _attempt(channel: Any, path: str, message: Message, token: str | None) -> tuple[int, str, bytes] | None:
    """None: the call had ended when its message was to be sent, and gRPC tells no more than that."""
    metadata = [("authorization", f"Bearer {token}")] if token is not None else []
    call = channel.stream_stream(path)(metadata=metadata, timeout=WAIT_S)
    try:
        await call.write(message.SerializeToString())
        if not ROUTES[path].client_streaming:
            await call.done_writing()
        payload = await call.read()
        if payload is grpc.aio.EOF:
            return int((await call.code()).value[0]), "", b""
        return 0, "", payload
    except grpc.aio.AioRpcError as error:
        if error.details() == "Internal error from Core":
            return None
        return int(error.code().value[0]), to_error(error).reason, b""
    finally:
        call.cancel()
