"""The document of a video's notes: pure, deterministic, the same in Python and TypeScript.

`apply` is the fold that the server runs; `pending.PendingClient` is the other end of it, what a client runs.
"""

from rushes.document.apply import apply
from rushes.document.audience import view, view_bytes, visible, visible_annotations
from rushes.document.document import Document, Frozen
from rushes.document.operation import check_batch, submitted_bytes, submitted_hash
from rushes.document.refusal import refusal
from rushes.document.result import Applied, Duplicate, Ignored, Refused, Result
from rushes.document.rules import NEWEST, UnknownRules

__all__ = [
    "NEWEST",
    "Applied",
    "Document",
    "Duplicate",
    "Frozen",
    "Ignored",
    "Refused",
    "Result",
    "UnknownRules",
    "apply",
    "check_batch",
    "refusal",
    "submitted_bytes",
    "submitted_hash",
    "view",
    "view_bytes",
    "visible",
    "visible_annotations",
]
