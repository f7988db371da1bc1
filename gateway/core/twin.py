"""JSON for messages and back, as protobuf has it (64-bit numbers as strings), and errors as Connect has them."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.core.path import put

HTTP_STATUS: Final[dict[int, int]] = {
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNAUTHENTICATED: 401,
}
_DETAILS: Final = (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo, error_details_pb2.BadRequest)
_TRUTH: Final = {"true": True, "false": False, "1": True, "0": False}


class NotAMessage(ValueError):
    """What came is not what the method takes; the words may be shown to the sender."""


def message_of(descriptor: Descriptor, raw: bytes, *, path: Mapping[str, str] = {}) -> Message:
    """A message from JSON, and the fields that a path holds. Raises NotAMessage."""
    try:
        fields = json.loads(raw.decode("utf-8-sig")) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise NotAMessage("That is not JSON.") from error
    if not isinstance(fields, dict):
        raise NotAMessage("Send a JSON object.")
    try:
        for name, value in path.items():
            put(fields, name, value)
    except ValueError as error:
        raise NotAMessage(f"The field {error}.") from error
    return _parsed(descriptor, fields)


def queried_message(descriptor: Descriptor, query: Mapping[str, Sequence[str]], path: Mapping[str, str]) -> Message:
    """A message from a query and the fields that a path holds. Raises NotAMessage."""
    fields: dict[str, object] = {}
    for name, texts in query.items():
        put(fields, name, _value(descriptor, name, texts))
    for name, value in path.items():
        put(fields, name, value)
    return _parsed(descriptor, fields)


def _value(descriptor: Descriptor, name: str, texts: Sequence[str]) -> object:
    """A query's values as JSON of the field's type."""
    field = _field(descriptor, name)
    values = [_scalar(field, text) for text in texts]
    if field.is_repeated:
        return values
    if len(values) > 1:
        raise NotAMessage(f"The field {name} comes more than once.")
    return values[0]


def _field(descriptor: Descriptor, name: str) -> FieldDescriptor:
    inner: Descriptor | None = descriptor
    field: FieldDescriptor | None = None
    for part in name.split("."):
        field = None if inner is None else _named(inner, part)
        if field is None:
            raise NotAMessage(f"There is no field {name}.")
        inner = None if field.is_repeated else field.message_type
    assert field is not None
    if field.message_type is not None and field.message_type.full_name != "google.protobuf.FieldMask":
        raise NotAMessage(f"The field {name} is a message: name one of its fields.")
    return field


def _named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    found: FieldDescriptor | None = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
    return found


def _scalar(field: FieldDescriptor, text: str) -> object:
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text.lower() not in _TRUTH:
            raise NotAMessage(f"The field {field.name} is true or false.")
        return _TRUTH[text.lower()]
    if field.enum_type is None:
        return text
    if text.isascii() and text.isdecimal():
        return int(text)
    # STROKE and stroke stand for ANNOTATION_KIND_STROKE.
    prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
    return text if text in field.enum_type.values_by_name else prefix + text.upper().replace("-", "_")


def _parsed(descriptor: Descriptor, fields: dict[str, object]) -> Message:
    message: Message = GetMessageClass(descriptor)()
    try:
        json_format.ParseDict(fields, message)
        message.SerializeToString()
    except json_format.ParseError as error:
        raise NotAMessage(f"{str(error).splitlines()[0][:500]}") from error
    except (ValueError, TypeError, RecursionError, AttributeError, SystemError) as error:
        # The last is what protobuf has for a field's name that is half of a pair of UTF-16.
        raise NotAMessage("A field is not what it should be.") from error
    return message


def json_of(message: Message) -> bytes:
    """A message as JSON; fields that have their default are left out, as in every answer of the Connect protocol."""
    return json.dumps(json_format.MessageToDict(message), ensure_ascii=False, separators=(",", ":")).encode()


def http_status(code: int) -> int:
    """HTTP status of a google.rpc.Code, as the Connect protocol has it."""
    return HTTP_STATUS.get(code, 500)


def error_name(code: int) -> str:
    """Name of a google.rpc.Code, as the Connect protocol spells it."""
    known = code if code in code_pb2.Code.values() else code_pb2.UNKNOWN
    return code_pb2.Code.Name(known).lower().replace("cancelled", "canceled")


def refusal_text(code: int, message: str) -> str:
    """The body of a refusal in HTTP's own words, as errors of calls are said."""
    return json.dumps(error_of(status_pb2.Status(code=code, message=message)))


def error_of(status: status_pb2.Status) -> dict[str, Any]:
    """An error as the Connect protocol has it; details that are known can be read without knowing protobuf."""
    found: dict[str, Any] = {"code": error_name(status.code)}
    if status.message:
        found["message"] = status.message
    details = []
    for detail in status.details:
        entry: dict[str, Any] = {
            "type": detail.type_url.rpartition("/")[2],
            "value": base64.b64encode(detail.value).rstrip(b"=").decode(),
        }
        for kind in _DETAILS:
            message = kind()
            if detail.Unpack(message):
                entry["debug"] = json_format.MessageToDict(message)
        details.append(entry)
    if details:
        found["details"] = details
    return found
