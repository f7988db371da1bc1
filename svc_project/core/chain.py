"""The audit chain: each hash covers the one before it, so that nothing can be altered without showing it."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict

from svc_project.core.errors import InvalidField
from svc_project.core.model import ChainedEvent, Event

DETAIL_BYTES = 8192
FIELD_CHARACTERS = 256
GENESIS = bytes(32)

_EVENT_ID = re.compile(r"[0-9a-f]{32}")


def check_event(event: Event) -> Event:
    """An event that may be taken into the chain."""
    if not _EVENT_ID.fullmatch(event.event_id):
        raise InvalidField("events.event_id", "32 hexadecimal digits are needed")
    for field in ("tenant_id", "service", "person_id", "action", "resource"):
        value = getattr(event, field)
        if len(value) > FIELD_CHARACTERS or "\0" in value:
            raise InvalidField(f"events.{field}", f"at most {FIELD_CHARACTERS} characters, none of them NUL")
    if not event.tenant_id or not event.action:
        raise InvalidField("events", "tenant_id and action are needed")
    if not 0 <= event.time_ms < 2**53:
        raise InvalidField("events.time_ms", "UTC milliseconds are needed")
    _check_detail(event.detail_json)
    return event


def _check_detail(detail_json: str) -> None:
    if len(detail_json.encode()) > DETAIL_BYTES:
        raise InvalidField("events.detail_json", f"at most {DETAIL_BYTES} bytes")
    if not detail_json:
        return
    try:
        json.loads(detail_json)
    except (ValueError, RecursionError) as error:
        raise InvalidField("events.detail_json", "JSON is needed") from error


def canonical(event: Event) -> bytes:
    """The one JSON text of an event: sorted keys, no spaces, UTF-8."""
    return json.dumps(asdict(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(before: bytes, ordinal: int, event: Event) -> bytes:
    """The hash of an event at its place."""
    return hashlib.sha256(before + ordinal.to_bytes(8, "big") + canonical(event)).digest()


class Verifier:
    """Walks a chain from its beginning; `intact` turns false at the first event that does not fit, for good."""

    def __init__(self) -> None:
        self.intact = True
        self.ordinal = 0
        self.hash = GENESIS

    def walk(self, events: Iterable[ChainedEvent]) -> None:
        """The next events of the chain."""
        for chained in events:
            if not self.intact:
                return
            expected = link(self.hash, self.ordinal + 1, chained.event)
            if chained.ordinal != self.ordinal + 1 or chained.hash != expected:
                self.intact = False
                return
            self.ordinal, self.hash = chained.ordinal, chained.hash

    def end(self, ordinal: int, head: bytes) -> None:
        """The chain should end here: events cut off its end show."""
        if (self.ordinal, self.hash) != (ordinal, head):
            self.intact = False
