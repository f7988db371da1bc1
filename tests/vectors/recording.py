"""Records what one client of a simulated world is given and what it gives back, as a script for other languages."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import asdict, is_dataclass
from hashlib import sha256
from typing import Any

from google.protobuf.message import Message

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.annotation_service_pb2 import DELIVERY_FULL, CollaborateRequest
from rushes.annotation.v1.operation_pb2 import Operation
from rushes.document.pending import PendingClient
from rushes.document.pending_event import (
    Changed,
    Dropped,
    Event,
    InDoubt,
    Opened,
    Reconnect,
    RightsChanged,
    Saved,
    TextMoved,
)
from rushes.document.pending_item import Stored
from tests.unit.rushes.builder import VIDEO
from tests.unit.rushes.simulation import World

Json = dict[str, Any]

SNAKE = {"editText": "edit_text", "resendDoubt": "resend_doubt", "discardDoubt": "discard_doubt"}
"""Names of methods in the scripts, where they are not those of Python."""


def encode(message: Message) -> str:
    """Base64 of canonical bytes."""
    return b64encode(message.SerializeToString(deterministic=True)).decode()


def picture(states: Iterable[AnnotationState]) -> str:
    """A digest of annotations in drawing order, whole: what a screen or a confirmed document is."""
    hashed = sha256()
    for state in states:
        data = state.SerializeToString(deterministic=True)
        hashed.update(len(data).to_bytes(4, "big") + data)
    return hashed.hexdigest()[:16]


def event_json(event: Event) -> Json:
    """An event by its name and what is in it."""
    entry: Json = {"event": type(event).__name__}
    if isinstance(event, Changed):
        entry["ids"] = None if event.ids is None else sorted(each.hex() for each in event.ids)
    elif isinstance(event, TextMoved):
        entry |= {"id": event.id.hex(), "edit": event.edit}
    elif isinstance(event, Saved):
        entry |= {"clientSeq": event.client_seq, "revision": event.revision}
    elif isinstance(event, Dropped):
        operations = [encode(each) for each in event.operations]
        entry |= {"operations": operations, "reason": event.reason, "message": event.message}
    elif isinstance(event, InDoubt):
        entry["operations"] = [encode(each) for each in event.operations]
    elif isinstance(event, Reconnect):
        entry["reason"] = event.reason
    elif isinstance(event, RightsChanged):
        entry["permissions"] = event.permissions
    elif isinstance(event, Opened):
        entry["timeMs"] = event.time_ms
    return entry


def stored_digest(stored: Stored) -> str:
    """A digest of what a page keeps: its parts joined in the order of the fields."""
    hashed = sha256()

    def put(value: object) -> None:
        if isinstance(value, list | tuple):
            hashed.update(f"[{len(value)}".encode())
            for each in value:
                put(each)
        elif isinstance(value, bytes):
            hashed.update(b"b" + value.hex().encode() + b";")
        elif isinstance(value, bool):
            hashed.update(b"true;" if value else b"false;")
        else:
            hashed.update(f"{value};".encode())

    if is_dataclass(stored):
        put(list(asdict(stored).values()))
    return hashed.hexdigest()[:16]


class Recorder:
    """Stands between a simulated person and the client, and writes down every call."""

    def __init__(self) -> None:
        self.steps: list[Json] = []
        self.count = 0

    def random_bytes(self, size: int) -> bytes:
        """The n-th call gives n, big-endian."""
        self.count += 1
        return self.count.to_bytes(size, "big")

    def watch(self, client: PendingClient) -> PendingClient:
        """Writes down what is called on this client from now on."""
        own: Any = client
        own.connect = self._wrap(client, "connect", lambda frame: {"frame": frame})
        own.disconnected = self._wrap(client, "disconnected", dict)
        own.receive = self._wrap(client, "receive", lambda response, now: {"response": encode(response), "now": now})
        own.poll = self._wrap(client, "poll", lambda now: {"now": now})
        own.submit = self._wrap(client, "submit", lambda ops, now: {"operations": _list(ops), "now": now})
        own.edit_text = self._wrap(client, "editText", lambda i, after, now: {"id": i.hex(), "text": after, "now": now})
        own.undo = self._wrap(client, "undo", lambda now: {"now": now})
        own.redo = self._wrap(client, "redo", lambda now: {"now": now})
        own.resend_doubt = self._wrap(client, "resendDoubt", lambda now: {"now": now})
        own.discard_doubt = self._wrap(client, "discardDoubt", dict)
        own.dump = self._wrap(client, "dump", dict)
        return client

    def _wrap(self, client: PendingClient, name: str, describe: Callable[..., Json]) -> Callable[..., Any]:
        method = getattr(client, SNAKE.get(name, name))

        def call(*arguments: Any) -> Any:
            step: Json = {"call": name, **describe(*arguments)}
            result = method(*arguments)
            step |= _outcome(result)
            if "now" in step:
                step["wake"] = client.wake_at(step["now"])
            if name != "poll" or result:
                self.steps.append(step | self._after(client))
            return result

        return call

    def _after(self, client: PendingClient) -> Json:
        return {
            "screen": picture(client.screen.annotations),
            "revision": client.confirmed.revision,
            "pending": client.pending_count,
            "inFlight": client.in_flight,
        }


def _list(operations: Iterable[Operation]) -> list[str]:
    return [encode(each) for each in operations]


def _outcome(result: object) -> Json:
    if isinstance(result, CollaborateRequest):
        return {"request": encode(result)}
    if isinstance(result, Stored):
        return {"stored": stored_digest(result)}
    if isinstance(result, list) and result and isinstance(result[0], CollaborateRequest):
        return {"requests": [encode(each) for each in result]}
    return {"events": [event_json(each) for each in result]} if isinstance(result, list) else {}


def record_pending(seed: int) -> Json:
    """One client of a world, the seed-th of five, with everything that happens to it."""
    world = World(seed)
    peer = world.peers[seed % len(world.peers)]
    recorder = Recorder()
    make = peer.make

    def watched(stored: Stored | None) -> PendingClient:
        # With work of the page before: what its last dump gave.
        recorder.steps.append({"call": "load", "stored": stored is not None})
        return recorder.watch(make(stored))

    peer.random_bytes = recorder.random_bytes
    peer.make = watched  # type: ignore[method-assign]
    peer.client = watched(None)
    for _ in range(700):
        world.step()
    world.settle()
    return {
        "name": f"{peer.person_id} in world {seed}",
        "videoId": VIDEO,
        "audience": peer.audience,
        "delivery": DELIVERY_FULL,
        "steps": recorder.steps,
        "confirmed": picture(peer.client.confirmed.annotations),
    }
