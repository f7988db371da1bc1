"""docs/errors.md out of what the code says: classes of rushes.errors, refusals of batches, endings of sessions."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from google.rpc import code_pb2  # noqa: E402

from gateway.core.ending import ENDINGS  # noqa: E402
from gateway.http.guard import STATUS  # noqa: E402
from rushes.document.refusal import REASONS  # noqa: E402
from rushes.errors import RushesError  # noqa: E402
from rushes.status import CODES  # noqa: E402

TARGET = ROOT / "docs" / "errors.md"
PACKAGES = (
    "rushes",
    "mesh",
    "svc_annotation",
    "svc_project",
    "svc_media",
    "svc_version",
    "svc_signaling",
    "svc_sfu",
    "gateway",
)
PASSED_OVER = ("__main__", "_pb2", "_pb2_grpc")
ADVICE = {
    "INVALID_ARGUMENT": "Change the request.",
    "NOT_FOUND": "It is not there, or not yours to see.",
    "ABORTED": "Read again, then decide again.",
    "FAILED_PRECONDITION": "Something else must happen first.",
    "OUT_OF_RANGE": "Ask for what is there; the end may move.",
    "PERMISSION_DENIED": "Ask somebody for the right.",
    "UNAUTHENTICATED": "Sign in, or renew the token.",
    "RESOURCE_EXHAUSTED": "Later, or less at once.",
    "UNAVAILABLE": "The same again, in a moment.",
}
HEAD = """\
# Errors

Made by `scripts/gen-errors`; do not edit.

An error says three things: a category (the gRPC code), a **reason** that programs may rely on, and a message for people
that may change. gRPC and gRPC-Web carry them as `google.rpc.Status` in `grpc-status-details-bin`: an `ErrorInfo` with
reason, domain `rushes` and metadata, and a `RetryInfo` where it is known when to try again. HTTP (sign-in, uploads,
media) carries them as JSON: `{"reason": …, "message": …, "metadata": {…}}`. An error that nobody foresaw is INTERNAL,
with the request's id to find it by in the log. The SDK raises them as classes of `rushes.errors`, with `reason`,
`message`, `metadata` and `retry_after_s`.
"""


def modules() -> Iterator[str]:
    """All modules of ours."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield name
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith(PASSED_OVER):
                yield found.name


def classes(root: type[RushesError]) -> Iterator[type[RushesError]]:
    """Subclasses of an error, of any depth."""
    for each in root.__subclasses__():
        yield each
        yield from classes(each)


def sentence(kind: type[RushesError]) -> str:
    """First paragraph of a class's docstring."""
    return " ".join((kind.__doc__ or "").strip().partition("\n\n")[0].split())


def part_of(kind: type[RushesError]) -> str:
    """Which part raises it."""
    names = kind.__module__.split(".")
    return "SDK" if names[:2] == ["rushes", "client"] else names[0]


def category(kind: type[RushesError]) -> str:
    """gRPC code of an error's class."""
    return next(code_pb2.Code.Name(code) for base, code in CODES if issubclass(kind, base))


def rows() -> list[tuple[str, str, str, str]]:
    """Category, reason, part and meaning of everything that is an error's class or a session's ending."""
    for name in modules():
        importlib.import_module(name)
    own = [kind for kind in classes(RushesError) if "reason" in vars(kind) and kind.__module__.startswith(PACKAGES)]
    found = {(category(kind), kind.reason, part_of(kind), sentence(kind)) for kind in own}
    found |= {(code_pb2.Code.Name(code), reason, "gateway", message) for reason, (code, message) in ENDINGS.items()}
    return sorted(found)


def categories() -> Iterator[str]:
    """The table of categories."""
    yield "## Categories\n"
    yield "| gRPC | HTTP | Class | What to do |\n|---|---|---|---|"
    for kind, code in CODES:
        name = code_pb2.Code.Name(code)
        yield f"| {name} | {STATUS[kind]} | `{kind.__name__}` | {ADVICE[name]} |"


def reasons() -> Iterator[str]:
    """The tables of reasons."""
    found = rows()
    for _, code in CODES:
        name = code_pb2.Code.Name(code)
        yield f"\n## {name}\n\n| Reason | From | What happened |\n|---|---|---|"
        for _, reason, part, meaning in (row for row in found if row[0] == name):
            yield f"| `{reason}` | {part} | {cell(meaning)} |"


def refusals() -> Iterator[str]:
    """The table of refused batches."""
    yield "\n## Refused batches of notes\n"
    yield "A batch that is refused ends nothing: the refusal comes on the open stream, or in the answer's `outcome`.\n"
    yield "| Reason | Code | What a person may read |\n|---|---|---|"
    for reason, (code, message) in sorted(REASONS.items()):
        yield f"| `{reason}` | {code_pb2.Code.Name(code)} | {cell(message)} |"


def cell(text: str) -> str:
    """Text that ends no cell."""
    return text.replace("|", "\\|")


def document() -> str:
    """The whole file."""
    return "\n".join((HEAD, *categories(), *reasons(), *refusals())) + "\n"


def main() -> int:
    """Writes or compares."""
    made = document()
    if "--check" in sys.argv[1:]:
        same = TARGET.exists() and TARGET.read_text() == made
        print("docs/errors.md is " + ("as the code has it" if same else "old: run scripts/gen-errors"))
        return 0 if same else 1
    TARGET.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
