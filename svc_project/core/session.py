"""How long a session lasts."""

from svc_project.core.model import Session


def is_open(session: Session, now_ms: int) -> bool:
    """It has neither ended nor run out."""
    return not session.ended_ms and now_ms < session.expires_ms


def slide(session: Session, now_ms: int, lifetime_ms: int) -> int | None:
    """The new end of a session that is being used; None while moving it is not worth a write (less than an hour,
    or less than a tenth of a short lifetime).
    """
    later = now_ms + lifetime_ms
    step = min(3_600_000, lifetime_ms // 10)
    return later if later - session.expires_ms >= step else None
