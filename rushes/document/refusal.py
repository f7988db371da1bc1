"""Why a batch is refused: a closed list, so that every instance, replay and language says the same.

The message depends on the reason alone; what is refused is named by the operation's index.
"""

from typing import Final

from rushes.annotation.v1.operation_pb2 import Refusal

INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
ALREADY_EXISTS: Final = 6
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
FAILED_PRECONDITION: Final = 9
ABORTED: Final = 10

REASONS: Final[dict[str, tuple[int, str]]] = {
    # The batch as a whole.
    "INVALID_BATCH": (INVALID_ARGUMENT, "a batch has 1 to 20 operations, and at most one text edit of an annotation"),
    "INVALID_CLIENT": (INVALID_ARGUMENT, "a client_id has 16 bytes"),
    "BATCH_TOO_LARGE": (RESOURCE_EXHAUSTED, "the batch has too many bytes"),
    "MAY_NOT_ANNOTATE": (PERMISSION_DENIED, "you may not write here"),
    "STALE_BASE": (ABORTED, "the batch was made on a revision that is too old or not of this document"),
    "ALREADY_USED": (ALREADY_EXISTS, "this number was used for another batch"),
    "ABORTED": (ABORTED, "a batch of this client was refused before: it needs a new client_id"),
    "OUT_OF_ORDER": (ABORTED, "a batch before this one is missing"),
    "UNKNOWN_CLIENT": (ABORTED, "this client is not known any more, and its base is too old to begin with"),
    # One operation, whatever the document.
    "UNKNOWN_OPERATION": (INVALID_ARGUMENT, "the operation is of no known kind"),
    "SERVER_ONLY": (INVALID_ARGUMENT, "only the server sends this operation"),
    "OPERATION_TOO_LARGE": (RESOURCE_EXHAUSTED, "the operation has more than 16 KiB"),
    "INVALID_ID": (INVALID_ARGUMENT, "an annotation's id has 16 bytes"),
    "INVALID_KIND": (INVALID_ARGUMENT, "the annotation is of no known kind"),
    "INVALID_FRAMES": (INVALID_ARGUMENT, "the last frame is before the first"),
    "FRAME_OUTSIDE": (INVALID_ARGUMENT, "the frame is outside the video"),
    "INVALID_POSITION": (INVALID_ARGUMENT, "the position is missing or out of range"),
    "INVALID_BOX": (INVALID_ARGUMENT, "an edge of the box is out of range"),
    "INVALID_POINTS": (INVALID_ARGUMENT, "the points do not fit the kind or are out of range"),
    "INVALID_PRESSURE": (INVALID_ARGUMENT, "there is not one pressure for each point"),
    "INVALID_STYLE": (INVALID_ARGUMENT, "a value of the style is out of range"),
    "INVALID_AUDIENCE": (INVALID_ARGUMENT, "the audience is not internal or client, or cannot be set so"),
    "INVALID_TAGS": (INVALID_ARGUMENT, "the tags are not sorted, repeated, empty or too long"),
    "INVALID_ATTACHMENTS": (INVALID_ARGUMENT, "an attachment has no valid id, target or title, or they are not sorted"),
    "INVALID_ORIGIN": (INVALID_ARGUMENT, "the origin is out of range"),
    "INVALID_VIEW": (INVALID_ARGUMENT, "the view is out of range"),
    "INVALID_FIELD": (INVALID_ARGUMENT, "there is no such field, it is named twice, or it cannot be set so"),
    "INVALID_VALUE": (INVALID_ARGUMENT, "the value is not of the field's type"),
    "INVALID_EDIT": (INVALID_ARGUMENT, "the text edit is not canonical"),
    "INVALID_SEEN": (INVALID_ARGUMENT, "a move cannot have seen more than its batch"),
    "INVALID_STAMP": (INVALID_ARGUMENT, "a stamp is not a revision that the batch has seen"),
    "NOTHING_SET": (INVALID_ARGUMENT, "the operation sets nothing"),
    "TEXT_TOO_LONG": (RESOURCE_EXHAUSTED, "the text is too long"),
    # One operation on this document.
    "NOT_FOUND": (NOT_FOUND, "there is no such annotation"),
    "ALREADY_EXISTS": (ALREADY_EXISTS, "an annotation with this id exists"),
    "NOT_YOURS": (PERMISSION_DENIED, "the annotation is somebody else's"),
    "MAY_NOT_WRITE_INTERNAL": (PERMISSION_DENIED, "you may not write internal notes"),
    "AUDIENCE_OF_REPLY": (FAILED_PRECONDITION, "a reply has its thread's audience"),
    "STALE_TEXT": (ABORTED, "the text edit was made before this client's own last one"),
    "TEXT_TOO_FAR_BEHIND": (ABORTED, "too many edits of others came between"),
    "TEXT_MISMATCH": (FAILED_PRECONDITION, "the text edit does not span the text it was made on"),
    "TOO_MANY_TAGS": (RESOURCE_EXHAUSTED, "the annotation has too many tags"),
    "TOO_MANY_ATTACHMENTS": (RESOURCE_EXHAUSTED, "the annotation has too many attachments"),
    "TOO_MANY_ANNOTATIONS": (RESOURCE_EXHAUSTED, "the document has too many annotations"),
}
"""Reason -> (google.rpc.Code, what a person may read)."""


class Refuse(Exception):
    """Raised within the core to refuse a batch; never leaves it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refusal(reason: str, index: int | None = None) -> Refusal:
    """The message that says so. `index` is the operation that failed, if one did."""
    code, message = REASONS[reason]
    return Refusal(code=code, reason=reason, message=message, index=index)
