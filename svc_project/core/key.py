"""When signing keys are made, used, published and dropped.

A key is published for `lead` before it signs, so that services have it when its first token comes; it signs for
`lifetime`; it stays published until the last token that it signed has expired. Lifetimes overlap by the lead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from svc_project.core.model import SigningKey


@dataclass(frozen=True, slots=True)
class Schedule:
    """Spans in milliseconds; `slack_ms` allows for clocks that differ."""

    lifetime_ms: int
    lead_ms: int
    token_ms: int
    slack_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: when the new key signs (None: none is needed), and which are dropped."""

    make_signs_ms: int | None
    drop: tuple[str, ...]


def plan(keys: Sequence[SigningKey], now_ms: int, schedule: Schedule) -> Plan:
    """What the keys need now."""
    drop = tuple(key.kid for key in keys if key.expires_ms <= now_ms)
    last = max((key.retires_ms for key in keys), default=0)
    if last <= now_ms:
        return Plan(now_ms, drop)
    return Plan(last if last - now_ms <= schedule.lead_ms else None, drop)


def make(kid: str, private: bytes, now_ms: int, signs_ms: int, schedule: Schedule) -> SigningKey:
    """A key that signs from `signs_ms`."""
    retires_ms = signs_ms + schedule.lifetime_ms
    expires_ms = retires_ms + schedule.token_ms + schedule.slack_ms
    return SigningKey(kid, private, now_ms, signs_ms, retires_ms, expires_ms)


def signing(keys: Sequence[SigningKey], now_ms: int) -> SigningKey | None:
    """The key that signs now: the newest of those whose time it is."""
    able = [key for key in keys if key.signs_ms <= now_ms < key.retires_ms]
    return max(able, key=lambda key: (key.signs_ms, key.kid), default=None)
