"""What svc_project refuses, each with a reason of its own.

::

    InvalidArgument      INVALID_FIELD, INVALID_PAGE_TOKEN
    NotFound             PROJECT_, ASSET_, FOLDER_, CUT_, PERSON_, VIDEO_, INVITATION_NOT_FOUND
    Conflict             ETAG_MISMATCH, EMAIL_TAKEN, CUT_EXISTS, FOLDER_EXISTS
    FailedPrecondition   LAST_OWNER, PASSWORD_NEEDED, INVITATION_CLOSED, ASSET_IN_TRASH, ASSET_NOT_IN_TRASH,
                         FOLDER_IN_ITSELF, FOLDERS_TOO_DEEP
    PermissionDenied     GUEST_MAY_NOT, NOT_A_DECISION, WRONG_SERVICE
    Unauthenticated      WRONG_CREDENTIALS, SESSION_ENDED
    ResourceExhausted    TOO_MANY_ATTEMPTS, TOO_MANY_WATCHERS, TOO_MANY_LINKS, TOO_MANY_FOLDERS, SETTINGS_FULL
    Unavailable          SIGN_IN_BUSY; NO_SIGNING_KEY (token.py)
"""

from collections.abc import Sequence

from rushes import errors


class InvalidField(errors.InvalidArgument):
    """A field of the request is wrong; metadata names it."""

    reason = "INVALID_FIELD"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)


class InvalidPageToken(errors.InvalidArgument):
    """The page token is not one that this list gave."""

    reason = "INVALID_PAGE_TOKEN"

    def __init__(self) -> None:
        super().__init__("The page token is not one that this list gave.", field="page_token")


class ProjectNotFound(errors.NotFound):
    """No such project in the tenant."""

    reason = "PROJECT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such project.")


class AssetNotFound(errors.NotFound):
    """No such asset in the tenant."""

    reason = "ASSET_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such asset.")


class FolderNotFound(errors.NotFound):
    """No such folder in the project."""

    reason = "FOLDER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such folder in the project.")


class CutNotFound(errors.NotFound):
    """The asset has no such cut."""

    reason = "CUT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("The asset has no such cut.")


class PersonNotFound(errors.NotFound):
    """No such person in the tenant."""

    reason = "PERSON_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class VideoNotFound(errors.NotFound):
    """No such video in the tenant, or none that the caller may use here."""

    reason = "VIDEO_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such video.")


class InvitationNotFound(errors.NotFound):
    """No invitation has this secret or id."""

    reason = "INVITATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such invitation.")


class EtagMismatch(errors.Conflict):
    """It has changed since the caller read it."""

    reason = "ETAG_MISMATCH"

    def __init__(self, etag: str) -> None:
        super().__init__("It has changed since: read it again.", etag=etag)


class EmailTaken(errors.Conflict):
    """Somebody signs in with this address already."""

    reason = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("Somebody has this address already: sign in, then open the link again.", field="email")


class CutExists(errors.Conflict):
    """The video is a cut of this asset already."""

    reason = "CUT_EXISTS"

    def __init__(self) -> None:
        super().__init__("This video is a cut of the asset already.", field="video_id")


class FolderExists(errors.Conflict):
    """There is a folder of this name in the same place already."""

    reason = "FOLDER_EXISTS"

    def __init__(self) -> None:
        super().__init__("There is a folder of this name already.", field="name")


class AssetInTrash(errors.FailedPrecondition):
    """What is in the trash does not change."""

    reason = "ASSET_IN_TRASH"

    def __init__(self) -> None:
        super().__init__("This is in the trash: restore it first.")


class ProjectLends(errors.FailedPrecondition):
    """Videos of a project are cuts in others, where they are seen by what their adders may do here."""

    reason = "PROJECT_LENDS"

    def __init__(self) -> None:
        super().__init__(
            "Clips of this project are cuts in other projects, or in their trash: delete those for good first."
        )


class ProjectNotEmpty(errors.FailedPrecondition):
    """Only a project of which no assets are left is deleted."""

    reason = "PROJECT_NOT_EMPTY"

    def __init__(self) -> None:
        super().__init__("There are assets in this project, or in its trash: delete them for good first.")


class AssetNotInTrash(errors.FailedPrecondition):
    """Only what is in the trash is removed for good."""

    reason = "ASSET_NOT_IN_TRASH"

    def __init__(self) -> None:
        super().__init__("This is not in the trash: delete it first.")


class FolderInItself(errors.FailedPrecondition):
    """A folder cannot be put into itself, nor into one that it holds."""

    reason = "FOLDER_IN_ITSELF"

    def __init__(self) -> None:
        super().__init__("A folder cannot be put into itself.")


class FoldersTooDeep(errors.FailedPrecondition):
    """Folders would stand in each other deeper than they may."""

    reason = "FOLDERS_TOO_DEEP"

    def __init__(self, deepest: int) -> None:
        super().__init__(f"Folders stand in each other {deepest} deep at most.")


class LastOwner(errors.FailedPrecondition):
    """A project keeps one owner at least."""

    reason = "LAST_OWNER"

    def __init__(self) -> None:
        super().__init__("This is the project's last owner: make somebody else an owner first.")


class PasswordNeeded(errors.FailedPrecondition):
    """A guest has no password to change."""

    reason = "PASSWORD_NEEDED"

    def __init__(self) -> None:
        super().__init__("A guest has no password.")


class InvitationClosed(errors.FailedPrecondition):
    """The invitation has expired, was withdrawn or is used up; metadata says which."""

    reason = "INVITATION_CLOSED"

    def __init__(self, why: str) -> None:
        super().__init__(f"This invitation {why}.", why=why)


class GuestMayNot(errors.PermissionDenied):
    """Guests came for one project; this is for people of the tenant."""

    reason = "GUEST_MAY_NOT"

    def __init__(self) -> None:
        super().__init__("Guests may not do this.")


class NotADecision(errors.PermissionDenied):
    """Who approves cuts but may not upload gives them the statuses that decide, no others, and takes none away."""

    reason = "NOT_A_DECISION"

    def __init__(self, decisions: Sequence[str]) -> None:
        super().__init__(f"Who may approve but not upload gives a cut one of {', '.join(decisions)}.")


class WrongService(errors.PermissionDenied):
    """A service hands over events of another."""

    reason = "WRONG_SERVICE"

    def __init__(self) -> None:
        super().__init__("A service records its own events alone.")


class WrongCredentials(errors.Unauthenticated):
    """The address or the password is wrong; it is never said which."""

    reason = "WRONG_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("The address or the password is wrong.")


class SessionEnded(errors.Unauthenticated):
    """There is no open session with this secret."""

    reason = "SESSION_ENDED"

    def __init__(self) -> None:
        super().__init__("The session has ended: sign in again.")


class TooManyAttempts(errors.ResourceExhausted):
    """Too many wrong passwords: later."""

    reason = "TOO_MANY_ATTEMPTS"

    def __init__(self, retry_ms: int) -> None:
        super().__init__(f"Too many attempts: try again in {-(-retry_ms // 1000)} s.")
        self.retry_after_s = retry_ms / 1000


class TooManyWatchers(errors.ResourceExhausted):
    """More streams than this instance serves."""

    reason = "TOO_MANY_WATCHERS"

    def __init__(self) -> None:
        super().__init__("Too many streams watch already.")


class TooManyLinks(errors.ResourceExhausted):
    """The same invitation was asked for too often."""

    reason = "TOO_MANY_LINKS"

    def __init__(self) -> None:
        super().__init__("This invitation has been sent too often: make a new one.")


class TooManyFolders(errors.ResourceExhausted):
    """The project has as many folders as it may."""

    reason = "TOO_MANY_FOLDERS"

    def __init__(self, most: int) -> None:
        super().__init__(f"A project has {most} folders at most.")


class SettingsFull(errors.ResourceExhausted):
    """A person keeps as much as they may."""

    reason = "SETTINGS_FULL"

    def __init__(self) -> None:
        super().__init__("Your settings are full: remove some.")


class SignInBusy(errors.Unavailable):
    """More sign-ins wait for their hash than may."""

    reason = "SIGN_IN_BUSY"

    def __init__(self) -> None:
        super().__init__("Too many people sign in right now.")
        self.retry_after_s = 1.0
