"""OpenAPI 3.1 of everything that can be asked for by JSON, out of the descriptors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from gateway.core.path import Rule
from gateway.core.twin import HTTP_STATUS, error_name
from rushes.type.v1 import access_pb2

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_WELL_KNOWN: Final[dict[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "examples": ["1.5s"]},
    "google.protobuf.FieldMask": {"type": "string", "description": "Names of fields with commas between."},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": _TEXT}},
}
_ABOUT: Final = """Every call with one answer as JSON: by its name, and many by a readable path.

Sign in first; what follows has the session's cookie:
```
curl -c session.txt -H "content-type: application/json" \\
  -d '{"email": "ada@example.com", "password": "correct horse"}' https://review.example.com/auth/sign-in
curl -b session.txt https://review.example.com/api/v1/me
curl -b session.txt https://review.example.com/api/v1/projects
curl -b session.txt -H "content-type: application/json" -d '{"name": "Autumn"}' https://review.example.com/api/v1/projects
curl -b session.txt "https://review.example.com/api/v1/annotations/12?q=frame:1234"
curl -b session.txt -H "content-type: application/json" \\
  -d '{"projectId": "7"}' https://review.example.com/rushes.project.v1.ProjectService/GetProject
```
Programs may send `authorization: Bearer TOKEN` instead, with a token of IssueToken for the session's secret.

Numbers of 64 bits are strings. Fields of a query may have their proto or JSON names, and `q` stands for `query`. What
has a `requestId` may be sent twice with the same one, and is done once. An error has a `code`, words for people, and
its reason in `details`; one with `Retry-After` may be tried again then.
"""
_SCALARS: Final[dict[int, Schema]] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
}
_STATUSES: Final = {
    400: "What came is not what the call takes, or not as things are now.",
    401: "Sign in first, or the token has ended.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is not the caller's to see.",
    409: "Somebody else has changed it, or it is there already.",
    415: "The body is of another type.",
    429: "More than is taken: too often, or too large.",
    499: "The call was cancelled.",
    500: "Something went wrong here; the message names the entry of the log.",
    501: "There is no such method.",
    503: "That part of the server does not answer right now.",
    504: "The call took longer than it may.",
}
_ERROR: Final[Schema] = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "code": {"type": "string", "enum": sorted({error_name(code) for code in HTTP_STATUS})},
        "message": {"type": "string", "description": "For people."},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "value"],
                "properties": {
                    "type": {"type": "string", "description": "Name of the message, such as google.rpc.ErrorInfo."},
                    "value": {"type": "string", "description": "The message in base64, without padding."},
                    "debug": {"type": "object", "description": "The message as JSON, if it is one of google.rpc."},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
_RETRY: Final[Schema] = {
    "description": "Seconds after which to try again.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}


def _responses() -> dict[str, Schema]:
    """Errors by their HTTP status."""
    found: dict[str, Schema] = {}
    for status, words in _STATUSES.items():
        schema = {"$ref": "#/components/schemas/Error"}
        found[str(status)] = {"description": words, "content": {"application/json": {"schema": schema}}}
        if status in (429, 503):
            found[str(status)]["headers"] = {"Retry-After": _RETRY}
    return found


class Document:
    """Gathers paths, and the schemas that they need."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self._schemas: dict[str, Schema] = {"Error": _ERROR}
        self._paths: dict[str, dict[str, Schema]] = {}
        self._services: dict[str, str] = {}
        """Full names of services by the names that calls are gathered under."""

    def add_method(self, path: str, method: MethodDescriptor) -> None:
        """POST of JSON by the method's full name."""
        operation = self._operation(method, method.full_name)
        operation["requestBody"] = self._body(method.input_type)
        self._paths.setdefault(path, {})["post"] = operation

    def add_rule(self, rule: Rule, method: MethodDescriptor, number: int) -> None:
        """A readable path. Its fields go by the last part of their names, so that one path has one name."""
        operation = self._operation(method, f"{method.full_name}.{number}")
        parameters = [self._parameter(method.input_type, name, "path") for name in rule.fields]
        if rule.body:
            operation["requestBody"] = self._body(method.input_type)
        else:
            parameters += [
                self._parameter(method.input_type, name, "query")
                for name in _queryable(method.input_type)
                if name not in rule.fields
            ]
        operation["parameters"] = parameters
        path = "".join("{" + _last(part[1:-1]) + "}" if part[:1] == "{" else part for part in rule.parts)
        self._paths.setdefault(path, {})[rule.verb.lower()] = operation

    def _operation(self, method: MethodDescriptor, name: str) -> Schema:
        success = {"description": "The answer.", "content": {"application/json": self._ref(method.output_type)}}
        service = method.containing_service
        self._services[service.name] = service.full_name
        failures = {str(status): {"$ref": f"#/components/responses/{status}"} for status in _STATUSES}
        operation: Schema = {
            "operationId": name,
            "tags": [service.name],
            "summary": _words(method.name),
            **self._said(method.full_name),
            "responses": {"200": success, **failures},
        }
        if method.GetOptions().Extensions[access_pb2.access].HasField("public"):
            operation["security"] = []
        return operation

    def _body(self, message: Descriptor) -> Schema:
        return {"required": True, "content": {"application/json": self._ref(message)}}

    def _ref(self, message: Descriptor) -> Schema:
        return {"schema": self._message(message)}

    def _parameter(self, message: Descriptor, name: str, where: str) -> Schema:
        field = _find(message, name)
        schema = _TEXT if field is None else self._field(field)
        said = {} if field is None else self._said(field.full_name)
        if where == "path":
            return {"name": _last(name), "in": where, "required": True, "schema": schema, **said}
        return {"name": name, "in": where, "required": False, "schema": schema, **said}

    def _said(self, name: str) -> Schema:
        """What the protos say of it."""
        text = self._comments.get(name)
        return {"description": text} if text else {}

    def _message(self, message: Descriptor) -> Schema:
        known = _WELL_KNOWN.get(message.full_name)
        if known is not None:
            return known
        if message.full_name not in self._schemas:
            schema: Schema = {"type": "object", "additionalProperties": False, **self._said(message.full_name)}
            self._schemas[message.full_name] = schema  # before its fields: a message may hold itself
            if message.fields:
                schema["properties"] = {
                    field.json_name: {**self._field(field), **self._said(field.full_name)} for field in message.fields
                }
        return {"$ref": f"#/components/schemas/{message.full_name}"}

    def _field(self, field: FieldDescriptor) -> Schema:
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._one(entry.fields_by_name["value"])}
        return {"type": "array", "items": self._one(field)} if field.is_repeated else self._one(field)

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self._message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "format": "byte"}
        return _SCALARS[field.cpp_type]

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name not in self._schemas:
            names = [value.name for value in enum.values]
            said = [self._comments.get(enum.full_name, "")]
            said += [
                f"{name}: {self._comments[of]}"
                for name in names
                if (of := f"{enum.full_name}.{name}") in self._comments
            ]
            self._schemas[enum.full_name] = {"type": "string", "enum": names, "description": "\n".join(said)}
        return {"$ref": f"#/components/schemas/{enum.full_name}"}

    def build(self, version: str) -> Schema:
        """The whole."""
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Rushes",
                "version": version,
                "description": _ABOUT,
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, **self._said(full)} for name, full in sorted(self._services.items())],
            "security": [{"cookie": []}, {"bearer": []}],
            "paths": self._paths,
            "components": {
                "responses": _responses(),
                "schemas": self._schemas,
                "securitySchemes": {
                    "cookie": {"type": "apiKey", "in": "cookie", "name": "rushes_session"},
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                },
            },
        }


def _find(message: Descriptor, name: str) -> FieldDescriptor | None:
    inner: Descriptor | None = message
    field: FieldDescriptor | None = None
    for part in name.split("."):
        field = None if inner is None else inner.fields_by_name.get(part)
        inner = None if field is None else field.message_type
    return field


def _queryable(message: Descriptor) -> list[str]:
    """Fields that a query can hold: no messages but those of plain fields, one level down."""
    found: list[str] = []
    for field in message.fields:
        if field.message_type is None:
            found.append(field.name)
        elif not field.is_repeated and field.message_type.full_name not in _WELL_KNOWN:
            found += [f"{field.name}.{one.name}" for one in field.message_type.fields if one.message_type is None]
    return found


def _last(name: str) -> str:
    """project.project_id -> project_id."""
    return name.rpartition(".")[2]


def _words(name: str) -> str:
    """CreateProject -> Create project."""
    text = "".join(f" {char.lower()}" if char.isupper() and at else char for at, char in enumerate(name))
    return text


def openapi(
    methods: Mapping[str, MethodDescriptor], rules: Iterable[Rule], version: str, comments: Mapping[str, str]
) -> Schema:
    """The document of these calls (by path) and readable paths; `comments`: what is said of things, by their names."""
    document = Document(comments)
    for number, rule in enumerate(rules):
        method = methods.get(rule.method)
        if method is not None:
            document.add_rule(rule, method, number)
    for path, method in methods.items():
        document.add_method(path, method)
    return document.build(version)
