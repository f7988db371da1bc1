"""When an invitation lets somebody in."""

from svc_project.core.errors import InvalidField, InvitationClosed
from svc_project.core.model import Invitation

DAY_S = 86_400
DEFAULT_LIFETIME_S = 7 * DAY_S
LONGEST_LIFETIME_S = 365 * DAY_S
DEFAULT_USES = 1000
# Sending the same request again adds a secret to the same invitation, for the first is only kept as a hash.
SECRETS = 16


def check_lifetime(lifetime_s: int) -> int:
    """How long it lasts."""
    if not 0 <= lifetime_s <= LONGEST_LIFETIME_S:
        raise InvalidField("lifetime_s", f"0 to {LONGEST_LIFETIME_S}")
    return lifetime_s or DEFAULT_LIFETIME_S


def check_uses(max_uses: int) -> int:
    """How many may use it."""
    if max_uses < 0:
        raise InvalidField("max_uses", "may not be negative")
    return max_uses or DEFAULT_USES


def check_open(invitation: Invitation, now_ms: int, *, new_use: bool) -> None:
    """Raises unless it lets in now. Who looks at it, or has its role already, uses nothing up."""
    if invitation.revoked:
        raise InvitationClosed("was withdrawn")
    if now_ms >= invitation.expires_ms:
        raise InvitationClosed("has expired")
    if new_use and invitation.uses >= invitation.max_uses:
        raise InvitationClosed("is used up")
