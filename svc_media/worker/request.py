"""What a worker is asked, and what it answers: one JSON object in, JSON lines out.

Out come any number of {"progress": 0-1}, then one {"result": {...}} or {"error": {"reason", "message", "metadata"}}.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from rushes.errors import RushesError
from svc_media.core.compose import Composition
from svc_media.core.error import error_of
from svc_media.core.facts import VideoFacts
from svc_media.core.plan import Filmstrip, ReviewPlan


class Operation(StrEnum):
    """What a worker does."""

    PROBE = "probe"
    """Reads the facts. No output file."""
    REVIEW = "review"
    """Makes the review file of a video or picture that is not kept as it is."""
    POSTER = "poster"
    """Makes a JPEG at most 640 across of one frame of the review file."""
    FILMSTRIP = "filmstrip"
    """Makes one JPEG of many small stills of the review file."""
    EXPORT = "export"
    """Writes the notes in `source` as a file, with stills of the review file; see core/export."""
    COMPOSE = "compose"
    """Makes one video of several that are played side by side; see core/compose. `source` is not read."""
    WAVEFORM = "waveform"
    """Makes the file that shows how loud the review file is; see core/waveform."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use before it is stopped."""

    memory_bytes: int = 8 << 30
    """Address space of each process."""
    cpu_s: int = 12 * 3600
    """Processor time of each process."""
    file_bytes: int = 1 << 40
    """Size of each file that it writes."""
    niceness: int = 10
    """How far it stands back behind the people who are reviewing."""


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work on one file. Paths are absolute; `output` is replaced as a whole, once it is finished."""

    operation: Operation
    source: Path
    output: Path | None = None
    facts: VideoFacts | None = None
    """Of the source (EXPORT: of the review file); needed by all but PROBE."""
    limits: Limits = field(default_factory=Limits)
    review: Path | None = None
    """EXPORT: the review file."""
    rate: str = ""
    """PROBE: frames a second of a sequence or a sound, such as "24000/1001"; empty: the usual one."""
    composition: Composition | None = None
    """COMPOSE: of what, with the paths of files."""

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(
            {
                "operation": self.operation,
                "source": str(self.source),
                "output": str(self.output) if self.output else "",
                "facts": self.facts.to_json() if self.facts else None,
                "review": str(self.review) if self.review else "",
                "rate": self.rate,
                "composition": asdict(self.composition) if self.composition else None,
                "limits": asdict(self.limits),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The request that `to_json` wrote."""
        fields = json.loads(text)
        return cls(
            Operation(fields["operation"]),
            Path(fields["source"]),
            Path(fields["output"]) if fields["output"] else None,
            VideoFacts.from_json(fields["facts"]) if fields["facts"] else None,
            Limits(**fields["limits"]),
            Path(fields["review"]) if fields["review"] else None,
            fields["rate"],
            Composition.of(fields["composition"]) if fields["composition"] else None,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker found and made."""

    facts: VideoFacts
    """PROBE: of the source. REVIEW, COMPOSE: of the file made. Else: those given."""
    plan: ReviewPlan | None = None
    """PROBE: what players get."""
    content_type: str = ""
    """Of the file made."""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    filmstrip: Filmstrip | None = None
    remark: str = ""
    """What people should know of the file made."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "facts": self.facts.to_json(),
            "plan": asdict(self.plan) if self.plan else None,
            "content_type": self.content_type,
            "size_bytes": self.size_bytes,
            "width": self.width,
            "height": self.height,
            "filmstrip": asdict(self.filmstrip) if self.filmstrip else None,
            "remark": self.remark,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The result that `to_json` wrote."""
        plan, filmstrip = fields["plan"], fields["filmstrip"]
        return cls(
            **{
                **fields,
                "facts": VideoFacts.from_json(fields["facts"]),
                "plan": ReviewPlan(**{**plan, "because": tuple(plan["because"])}) if plan else None,
                "filmstrip": Filmstrip(**filmstrip) if filmstrip else None,
            }
        )


def error_to_json(error: RushesError) -> dict[str, Any]:
    """An error as a JSON object."""
    return {"reason": error.reason, "message": error.message, "metadata": error.metadata}


def error_from_json(fields: Mapping[str, Any]) -> RushesError:
    """The error that `error_to_json` wrote."""
    return error_of(fields["reason"], fields["message"], dict(fields["metadata"]))
