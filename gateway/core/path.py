"""Readable paths of calls, as rules of google.api.http: HTTP method and path -> RPC and the fields that the path holds.

They are kept here by the RPC's name, as a service configuration keeps them, and a test compares them with the RPCs. A
method that has no rule is reached by its full name all the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from google.api.http_pb2 import HttpRule

PREFIX: Final = "/api/v1"
ALIASES: Final = {"q": "query"}
"""Short names of fields in a query."""

_ANNOTATION = "rushes.annotation.v1.AnnotationService."
_MEDIA = "rushes.media.v1.MediaService."
_JOB = "rushes.media.v1.JobService."
_EXPORT = "rushes.media.v1.ExportService."
_SUBTITLE = "rushes.media.v1.SubtitleService."
_IDENTITY = "rushes.project.v1.IdentityService."
_ACCESS = "rushes.project.v1.AccessService."
_PROJECT = "rushes.project.v1.ProjectService."

_RULES: Final = (
    (_IDENTITY + "GetMe", "GET /me"),
    (_IDENTITY + "UpdateMe", "PATCH /me"),
    (_IDENTITY + "GetSettings", "GET /me/settings"),
    (_IDENTITY + "UpdateSettings", "PATCH /me/settings"),
    (_IDENTITY + "ListPeople", "GET /people"),
    (_IDENTITY + "CreateInvitation", "POST /projects/{project_id}/invitations"),
    (_PROJECT + "ListProjects", "GET /projects"),
    (_PROJECT + "CreateProject", "POST /projects"),
    (_PROJECT + "GetProject", "GET /projects/{project_id}"),
    (_PROJECT + "UpdateProject", "PATCH /projects/{project.project_id}"),
    (_PROJECT + "ListAssets", "GET /projects/{project_id}/assets"),
    (_PROJECT + "CreateAsset", "POST /projects/{project_id}/assets"),
    (_PROJECT + "BatchUpdateAssets", "POST /projects/{project_id}/assets:batchUpdate"),
    (_PROJECT + "DeleteAssets", "POST /projects/{project_id}/assets:delete"),
    (_PROJECT + "RestoreAssets", "POST /projects/{project_id}/assets:restore"),
    (_PROJECT + "PurgeAssets", "POST /projects/{project_id}/assets:purge"),
    (_PROJECT + "ListTags", "GET /projects/{project_id}/tags"),
    (_PROJECT + "ListFolders", "GET /projects/{project_id}/folders"),
    (_PROJECT + "CreateFolder", "POST /projects/{project_id}/folders"),
    (_PROJECT + "GetAsset", "GET /assets/{asset_id}"),
    (_PROJECT + "UpdateAsset", "PATCH /assets/{asset.asset_id}"),
    (_PROJECT + "AddCut", "POST /assets/{asset_id}/cuts"),
    (_ACCESS + "ListGrants", "GET /grants"),
    (_ACCESS + "Grant", "POST /grants"),
    (_ACCESS + "Revoke", "POST /grants:revoke"),
    (_MEDIA + "GetVideo", "GET /videos/{video_id}"),
    (_MEDIA + "GetFrameTimes", "GET /videos/{video_id}/frame-times"),
    (_MEDIA + "ListRenditions", "GET /videos/{video_id}/renditions"),
    (_JOB + "CreateJob", "POST /videos/{video_id}/jobs"),
    (_JOB + "GetJob", "GET /videos/{video_id}/jobs/{job_id}"),
    (_JOB + "CancelJob", "POST /videos/{video_id}/jobs/{job_id}:cancel"),
    (_EXPORT + "CreateExport", "POST /videos/{video_id}/exports"),
    (_EXPORT + "GetExport", "GET /videos/{video_id}/exports/{export_id}"),
    (_EXPORT + "CancelExport", "POST /videos/{video_id}/exports/{export_id}:cancel"),
    (_SUBTITLE + "ListSubtitles", "GET /videos/{video_id}/subtitles"),
    (_SUBTITLE + "CreateSubtitle", "POST /videos/{video_id}/subtitles"),
    (_SUBTITLE + "UpdateSubtitle", "PATCH /videos/{subtitle.video_id}/subtitles/{subtitle.subtitle_id}"),
    (_ANNOTATION + "ListAnnotations", "GET /annotations/{video_id}"),
    (_ANNOTATION + "ListAnnotations", "GET /assets/{asset_id}/annotations"),
    (_ANNOTATION + "CreateBatchAnnotations", "POST /annotations/{video_id}:batch"),
    (_ANNOTATION + "GetDocument", "GET /annotations/{video_id}/document"),
    (_ANNOTATION + "ListOperations", "GET /annotations/{video_id}/operations"),
    (_ANNOTATION + "ListChanges", "GET /annotations/{video_id}/changes"),
)
BY_ASSET: Final = "GET /assets/{asset_id}/annotations"
"""The one path whose field is not the RPC's own: the notes of an asset are those of its newest cut."""

_VARIABLE = re.compile(r"\{([a-z_.]+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A readable path."""

    verb: str
    template: str
    method: str
    """Path of the RPC: /PACKAGE.SERVICE/METHOD."""
    pattern: re.Pattern[str]

    @property
    def fields(self) -> list[str]:
        """Fields that the path holds."""
        return _VARIABLE.findall(self.template)

    @property
    def body(self) -> bool:
        """Whether the rest of the request is in the body; otherwise it is in the query."""
        return self.verb in ("POST", "PATCH", "PUT")

    @property
    def by_asset(self) -> bool:
        """See BY_ASSET."""
        return f"{self.verb} {self.template.removeprefix(PREFIX)}" == BY_ASSET


def http_rules() -> list[HttpRule]:
    """The rules as google.api.http has them."""
    found = []
    for selector, text in _RULES:
        verb, _, path = text.partition(" ")
        rule = HttpRule(selector=selector, body="*" if verb in ("POST", "PATCH", "PUT") else "")
        setattr(rule, verb.lower(), PREFIX + path)
        found.append(rule)
    return found


def rules_of(rules: Iterable[HttpRule]) -> list[Rule]:
    """Rules ready to be matched."""
    found = []
    for rule in rules:
        verb = rule.WhichOneof("pattern")
        assert verb is not None
        template: str = getattr(rule, verb)
        service, _, method = rule.selector.rpartition(".")
        found.append(Rule(verb.upper(), template, f"/{service}/{method}", re.compile(_regex(template))))
    return found


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
