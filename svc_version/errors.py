"""Errors of svc_version that a caller may see."""

from rushes.errors import Conflict, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied


class VersionUnknown(NotFound):
    """There is no such version of this video."""

    reason = "VERSION_NOT_FOUND"


class RollbackUnknown(NotFound):
    """There is no such roll-back of this video."""

    reason = "ROLLBACK_NOT_FOUND"


class HeadMoved(Conflict):
    """The head is another version than was expected; `head_version_id` is in the metadata."""

    reason = "HEAD_MOVED"


class DeltaRefused(FailedPrecondition):
    """The operations do not apply to the base; `refusal` and `index` are in the metadata."""

    reason = "DELTA_REFUSED"


class RollbackRunning(Conflict):
    """Another roll-back of this video is being written: wait until it is done."""

    reason = "ROLLBACK_RUNNING"


class NothingToUndo(FailedPrecondition):
    """What is to be undone has written nothing, or is still being written."""

    reason = "NOTHING_TO_UNDO"


class MayNotRollBack(PermissionDenied):
    """Others' notes go back only for who may edit them: ask for one's own notes alone (scope.author_id)."""

    reason = "MAY_NOT_ROLL_BACK"


class RequestIdMissing(InvalidArgument):
    """The request needs a request_id: it is what makes it happen once, also across a crash."""

    reason = "REQUEST_ID_MISSING"


class VersionRequestInvalid(InvalidArgument):
    """A field of the request is missing, too long, or names what cannot be."""

    reason = "INVALID_VERSION_REQUEST"
