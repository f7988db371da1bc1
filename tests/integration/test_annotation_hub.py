"""Viewers behind a gateway's hub: one Relay stream, cut now and then, every kind of delivery, one document."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.core.hub import Hub
from gateway.core.viewer import Action, End, Send, Upstream
from mesh.auth import service_token
from rushes.annotation.v1 import annotation_pb2, relay_service_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document.pending import PendingClient
from rushes.document.pending_event import Reconnect
from tests.integration.annotation_notes import create, identity_of, move, publish
from tests.integration.annotation_server import CLIENT, GUEST, INTERNAL, SECRET, Place, serving
from tests.waiting import until

NOTES = 6


def payload_of(frame: bytes) -> bytes:
    """The message in a WebSocket frame with one gRPC-Web data frame."""
    size = frame[1] & 0x7F
    head = {126: 4, 127: 10}.get(size, 2)
    return frame[head + 5 :]


class Door:
    """Drives a hub: its Relay stream, and the viewers as if each had a socket."""

    def __init__(self, place: Place, merge_bytes_s: int) -> None:
        self.place = place
        self.hub = Hub(1, merge_bytes_s=merge_bytes_s)
        self.viewers: dict[int, Browser] = {}
        self.loop = asyncio.get_running_loop()
        self.kinds: set[str] = set()
        """What viewers were sent."""
        self.asked: Counter[str] = Counter()
        """What the hub said to the service, but for what viewers said."""
        self._out: asyncio.Queue[relay_service_pb2.RelayRequest] = asyncio.Queue()
        self._call: Any = None
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]

    async def _run(self) -> None:
        while True:
            metadata = (("rushes-service", service_token("gateway", SECRET)),)
            self._call = self.place.relay_stub.Relay(metadata=metadata)
            self._out = asyncio.Queue()
            await self._call.write(self.hub.opening())
            writing = asyncio.create_task(self._write(self._call, self._out))
            try:
                async for message in self._call:
                    self.carry_out(self.hub.receive(message, self.loop.time()))
            except (grpc.aio.AioRpcError, asyncio.CancelledError):
                if self._call is None:
                    return
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
            self.carry_out(self.hub.lost(self.loop.time()))

    async def _write(self, call: Any, out: "asyncio.Queue[relay_service_pb2.RelayRequest]") -> None:
        while True:
            await call.write(await out.get())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.3)
            self.carry_out(self.hub.tick(self.loop.time()))

    def carry_out(self, actions: list[Action]) -> None:
        """What the hub asks for."""
        for action in actions:
            if isinstance(action, Upstream):
                self.asked[action.request.WhichOneof("message") or ""] += 1
                self._out.put_nowait(action.request)
            elif isinstance(action, Send):
                response = service.CollaborateResponse.FromString(payload_of(action.frame))
                self.kinds.add(response.WhichOneof("message") or "")
                for session in action.sessions:
                    viewer = self.viewers.get(session)
                    if viewer is not None:
                        viewer.take(response)
            else:
                assert isinstance(action, End)
                gone = self.viewers.pop(action.session, None)
                if gone is not None:
                    gone.ended()

    def send(self, session: int, request: service.CollaborateRequest) -> None:
        """A viewer's message; what the gateway takes itself is taken here."""
        if request.HasField("ack_revision"):
            self.hub.ack(session, request.ack_revision, self.loop.time())
        elif self.hub.connected:
            frame = relay_service_pb2.RelayFrame(session=session, request=request.SerializeToString())
            self._out.put_nowait(relay_service_pb2.RelayRequest(frames=relay_service_pb2.RelayFrames(frames=[frame])))

    def cut(self) -> None:
        """The stream to the service breaks."""
        if self.hub.connected:
            self._call.cancel()

    async def close(self) -> None:
        """Hangs up."""
        call, self._call = self._call, None
        for task in self._tasks:
            task.cancel()
        call.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Browser:
    """A viewer with the client's core."""

    def __init__(self, door: Door, person: str, seed: int, delivery: int) -> None:
        self.door = door
        self.person = person
        self.chance = random.Random(seed)
        self.client = PendingClient(
            1,
            self.chance.randbytes,
            audience=0,  # type: ignore[arg-type]
            delivery=delivery,  # type: ignore[arg-type]
        )
        self.session = 0
        self.join()

    def join(self) -> None:
        """Opens a session."""
        request = self.client.connect(0)
        viewer, actions = self.door.hub.join(
            request.open, self.door.place.people.token(self.person), self.door.loop.time()
        )
        self.session = viewer.session
        self.door.viewers[self.session] = self
        self.door.carry_out(actions)

    def ended(self) -> None:
        """The server ended the session."""
        self.client.disconnected()
        self.join()

    def leave(self) -> None:
        """The browser's connection breaks."""
        self.door.viewers.pop(self.session, None)
        self.door.carry_out(self.door.hub.leave(self.session))
        self.client.disconnected()
        self.join()

    def take(self, response: service.CollaborateResponse) -> None:
        """A message of the server."""
        events = self.client.receive(response, self.door.loop.time())
        if any(isinstance(event, Reconnect) for event in events):
            self.leave()
        self.poll()

    def poll(self) -> None:
        """Sends what is due."""
        for request in self.client.poll(self.door.loop.time()):
            self.door.send(self.session, request)

    def act(self) -> None:
        """One action of the person."""
        client, chance, now = self.client, self.chance, self.door.loop.time()
        name = f"note {chance.randrange(NOTES)}"
        note_id = identity_of(name)
        state = client.screen.get(note_id)
        if state is None:
            audience = CLIENT if self.person == "guest" else chance.choice((CLIENT, INTERNAL))
            client.submit([create(name, audience=audience)], now)
        elif chance.random() < 0.5:
            client.submit([move(name, chance.randrange(99), chance.randrange(99), client.confirmed.revision)], now)
        elif chance.random() < 0.2 and self.person != "guest":
            client.submit([publish(name)], now)
        else:
            at = chance.randint(0, len(state.annotation.text))
            client.edit_text(note_id, state.annotation.text[:at] + "x" + state.annotation.text[at:], now)
        self.poll()


@pytest.mark.parametrize("seed", [1, 2])
async def test_viewers_of_a_gateway_end_with_one_document(tmp_path: Path, seed: int) -> None:
    async with serving(tmp_path) as place:
        place.people.grant("guest", GUEST | 1 << 3)
        door = Door(place, merge_bytes_s=1_000)
        await until(lambda: door.hub.connected)
        deliveries = [service.DELIVERY_FULL, service.DELIVERY_AUTO, service.DELIVERY_MERGED, service.DELIVERY_AUTO]
        browsers = [Browser(door, f"person {n}", seed * 10 + n, delivery) for n, delivery in enumerate(deliveries)]
        browsers += [Browser(door, "guest", seed * 10 + 5 + n, delivery) for n, delivery in enumerate(deliveries)]
        chance = random.Random(seed)
        for _ in range(150):
            browser = chance.choice(browsers)
            browser.act()
            if chance.random() < 0.03:
                browser.leave()
            if chance.random() < 0.02:
                door.cut()
            await asyncio.sleep(chance.random() * 0.02)
            for each in browsers:
                each.poll()
        video = place.server.service._shared.videos._slots[1].video
        assert video is not None

        def settled() -> bool:
            for each in browsers:
                each.poll()
            revision = video.document.revision
            return all(not b.client.pending_count and b.client.confirmed.revision == revision for b in browsers)

        await until(settled)
        for person in ("person 0", "guest"):
            answer = await place.stub.GetDocument(
                service.GetDocumentRequest(video_id=1), metadata=place.as_person(person)
            )
            expected = by_id(list(answer.annotations))
            for browser in browsers:
                if (browser.person == "guest") == (person == "guest"):
                    assert by_id(browser.client.confirmed.annotations) == expected
        assert answer.revision > 10
        assert {"committed", "merged", "snapshot_part"} <= door.kinds
        await door.close()


async def test_three_hundred_who_come_back_at_once_are_served_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as place:
        before, after = Door(place, merge_bytes_s=1 << 30), Door(place, merge_bytes_s=1 << 30)
        await until(lambda: before.hub.connected and after.hub.connected)
        browsers = [Browser(before, "ann", seed, service.DELIVERY_FULL) for seed in range(300)]
        writer = browsers[0]
        for _ in range(30):
            writer.act()
        await until(lambda: settled(browsers))
        monkeypatch.setattr(place.server.service._shared.history, "commits", None)  # it is not to be asked
        before.viewers.clear()
        for each in browsers:
            each.client.disconnected()
            each.door = after
        for _ in range(5):
            writer.act()
        for each in browsers:
            each.join()
        await until(lambda: settled(browsers))
        assert (after.asked["attach"], after.asked["want"]) == (300, 1)
        assert "snapshot_part" not in after.kinds, "nobody had to begin anew"
        await before.close()
        await after.close()


def settled(browsers: list[Browser]) -> bool:
    """Nobody has anything left to send, and all have the same."""
    for each in browsers:
        each.poll()
    return not any(each.client.pending_count for each in browsers) and (
        len({each.client.confirmed.revision for each in browsers}) == 1
    )


def by_id(states: list[annotation_pb2.AnnotationState]) -> dict[bytes, annotation_pb2.AnnotationState]:
    return {state.annotation.id: state for state in states}
