"""OpenAPI 3.1 of everything that can be asked for by JSON, out of the descriptors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from gateway.core.path import Rule

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
_SCALARS: Final[dict[int, Schema]] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
}
_ERROR: Final[Schema] = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "code": {"type": "string", "description": "Such as not_found."},
        "message": {"type": "string", "description": "For people."},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": _TEXT,
                    "value": {"type": "string", "format": "byte"},
                    "debug": {"type": "object"},
                },
            },
        },
    },
}


class Document:
    """Gathers paths, and the schemas that they need."""

    def __init__(self) -> None:
        self._schemas: dict[str, Schema] = {"Error": _ERROR}
        self._paths: dict[str, dict[str, Schema]] = {}

    def add_method(self, path: str, method: MethodDescriptor) -> None:
        """POST of JSON by the method's full name."""
        operation = self._operation(method, method.full_name)
        operation["requestBody"] = self._body(method.input_type)
        self._paths.setdefault(path, {})["post"] = operation

    def add_rule(self, rule: Rule, method: MethodDescriptor, number: int) -> None:
        """A readable path."""
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
        self._paths.setdefault(rule.template, {})[rule.verb.lower()] = operation

    def _operation(self, method: MethodDescriptor, name: str) -> Schema:
        return {
            "operationId": name,
            "tags": [method.containing_service.name],
            "summary": _words(method.name),
            "responses": {
                "200": {"description": "The answer.", "content": {"application/json": self._ref(method.output_type)}},
                "default": {
                    "description": "An error, by the HTTP status of its code.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
        }

    def _body(self, message: Descriptor) -> Schema:
        return {"required": True, "content": {"application/json": self._ref(message)}}

    def _ref(self, message: Descriptor) -> Schema:
        return {"schema": self._message(message)}

    def _parameter(self, message: Descriptor, name: str, where: str) -> Schema:
        field = _find(message, name)
        schema = _TEXT if field is None else self._field(field)
        return {"name": name, "in": where, "required": where == "path", "schema": schema}

    def _message(self, message: Descriptor) -> Schema:
        known = _WELL_KNOWN.get(message.full_name)
        if known is not None:
            return known
        if message.full_name not in self._schemas:
            schema: Schema = {"type": "object"}
            self._schemas[message.full_name] = schema  # before its fields: a message may hold itself
            if message.fields:
                schema["properties"] = {field.json_name: self._field(field) for field in message.fields}
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
        self._schemas.setdefault(enum.full_name, {"type": "string", "enum": [value.name for value in enum.values]})
        return {"$ref": f"#/components/schemas/{enum.full_name}"}

    def build(self, version: str) -> Schema:
        """The whole."""
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Rushes",
                "version": version,
                "description": "Every call with one answer as JSON: by its name, and many by a readable path. Sign in "
                "with a session's cookie (POST /auth/sign-in), or send `authorization: Bearer TOKEN`.",
            },
            "security": [{"cookie": []}, {"bearer": []}],
            "paths": self._paths,
            "components": {
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


def _words(name: str) -> str:
    """CreateProject -> Create project."""
    text = "".join(f" {char.lower()}" if char.isupper() and at else char for at, char in enumerate(name))
    return text


def openapi(methods: Mapping[str, MethodDescriptor], rules: Iterable[Rule], version: str) -> Schema:
    """The document of these calls (by path) and readable paths."""
    document = Document()
    for number, rule in enumerate(rules):
        method = methods.get(rule.method)
        if method is not None:
            document.add_rule(rule, method, number)
    for path, method in methods.items():
        document.add_method(path, method)
    return document.build(version)
