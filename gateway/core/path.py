"""Readable paths of calls, as google.api.http has them in the protos: HTTP method and path -> RPC, and the fields that
the path holds. A method that has none is reached by its full name all the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import MethodDescriptor

from rushes.type.v1 import access_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import MethodOptions
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

PREFIX: Final = "/api/v1"
ALIASES: Final = {"q": "query"}
"""Short names of fields in a query."""

HTTP: Final = cast("_ExtensionFieldDescriptor[MethodOptions, HttpRule]", annotations_pb2.http)
"""The option of a method; its stub does not say of what it is."""

_VARIABLE = re.compile(r"\{([a-z_.]+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A readable path."""

    verb: str
    template: str
    method: str
    """Path of the RPC: /PACKAGE.SERVICE/METHOD."""
    body: bool
    """Whether the rest of the request is in the body; otherwise it is in the query."""
    by_asset: bool
    """The path names an asset where the RPC is about a video: that of the asset's newest cut."""
    pattern: re.Pattern[str]

    @property
    def fields(self) -> list[str]:
        """Fields that the path holds."""
        return _VARIABLE.findall(self.template)

    @property
    def parts(self) -> list[str]:
        """The path in its pieces: what stands there, and fields in braces."""
        return re.split(r"(\{[a-z_.]+\})", self.template)


def rules_of(methods: Iterable[MethodDescriptor]) -> list[Rule]:
    """Rules of methods, ready to be matched. Raises ValueError for one that says more than is understood here."""
    found = []
    for method in methods:
        if method.GetOptions().HasExtension(HTTP):
            rule = method.GetOptions().Extensions[HTTP]
            found += [_rule(method, one) for one in (rule, *rule.additional_bindings)]
    return found


def _rule(method: MethodDescriptor, rule: HttpRule) -> Rule:
    verb = rule.WhichOneof("pattern")
    template: str = "" if verb in (None, "custom") else getattr(rule, verb)
    name = f"/{method.containing_service.full_name}/{method.name}"
    literal = _VARIABLE.sub("", template)
    if not template.startswith(PREFIX + "/") or set("{}*=") & set(literal) or rule.body not in ("", "*"):
        raise ValueError(f"{name} has a readable path of a kind that is not read here: {template}")
    about: str = method.GetOptions().Extensions[access_pb2.access].needs.field
    by_asset = about == "video_id" and "asset_id" in _VARIABLE.findall(template)
    assert verb is not None  # the template is not empty
    return Rule(verb.upper(), template, name, rule.body == "*", by_asset, re.compile(_regex(template)))


def _regex(template: str) -> str:
    parts = _VARIABLE.split(template)
    return "".join(re.escape(part) if at % 2 == 0 else r"([^/:]+)" for at, part in enumerate(parts))


@dataclass(frozen=True, slots=True)
class Match:
    """What a path stands for."""

    rule: Rule
    values: dict[str, str]


class Paths:
    """Finds the rule of a request."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = list(rules)

    def find(self, verb: str, path: str) -> Match | None:
        """The rule; None: there is none for this HTTP method (see `verbs`)."""
        for rule in self._rules:
            match = rule.pattern.fullmatch(path) if rule.verb == verb else None
            if match is not None:
                return Match(rule, dict(zip(rule.fields, map(unquote, match.groups()), strict=True)))
        return None

    def verbs(self, path: str) -> list[str]:
        """HTTP methods that a path has; empty: there is no such path."""
        return sorted({rule.verb for rule in self._rules if rule.pattern.fullmatch(path)})


def put(fields: dict[str, object], name: str, value: object) -> None:
    """Sets a field by its dotted name. Raises ValueError where a part of the name is no message."""
    *parents, leaf = name.split(".")
    inner: dict[str, object] = fields
    for parent in parents:
        below = inner.setdefault(parent, {})
        if not isinstance(below, dict):
            raise ValueError(f"{parent} is no message")
        inner = below
    inner[leaf] = value


def queried(pairs: Iterable[tuple[str, str]], aliases: Mapping[str, str] = ALIASES) -> dict[str, list[str]]:
    """A query's fields by name, with all their values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(aliases.get(name, name), []).append(value)
    return found
