"""Clients with pending work, cuts and every kind of delivery end with the same document."""

import asyncio
import random
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document.pending import PendingClient
from rushes.document.pending_event import Dropped, Event, InDoubt, NotSaved, Reconnect
from rushes.errors import RushesError
from svc_annotation.config import AnnotationConfig
from tests.integration.annotation_notes import create, identity_of, move
from tests.integration.annotation_server import CLIENT, INTERNAL, Place, serving
from tests.waiting import until

IDS = [identity_of(f"note {number}") for number in range(6)]


class Peer:
    """A client core on a real stream that is cut now and then."""

    def __init__(self, place: Place, person: str, seed: int, delivery: int) -> None:
        self.place = place
        self.person = person
        self.chance = random.Random(seed)
        self.client = PendingClient(
            1,
            self.chance.randbytes,
            audience=0,  # type: ignore[arg-type]
            delivery=delivery,  # type: ignore[arg-type]
        )
        self.loop = asyncio.get_running_loop()
        self.lost: list[Event] = []
        self.cuts = 0
        self.stopping = False
        self._call: Any = None
        self._connected = False
        self._poked = asyncio.Event()

    async def run(self) -> None:
        """Connects again and again until stopped."""
        while not self.stopping:
            self._call = self.place.stub.Collaborate(metadata=self.place.as_person(self.person))
            sending = asyncio.create_task(self._send())
            try:
                self._connected = False
                await self._call.write(self.client.connect(0))
                self._connected = True
                async for message in self._call:
                    events = self.client.receive(message, self.loop.time())
                    self._poked.set()
                    self.lost += [each for each in events if isinstance(each, Dropped | InDoubt | NotSaved)]
                    if any(isinstance(each, Reconnect) for each in events):
                        break
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError, asyncio.CancelledError):
                if self.stopping:
                    return
            finally:
                self._call.cancel()
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                self.client.disconnected()

    async def _send(self) -> None:
        while True:
            now = self.loop.time()
            for request in self.client.poll(now):
                await self._call.write(request)
            wake_at = self.client.wake_at(now)
            self._poked.clear()
            delay_s = None if wake_at is None else max(0.0, wake_at - now)
            try:
                async with asyncio.timeout(delay_s):
                    await self._poked.wait()
            except TimeoutError:
                continue

    def act(self) -> None:
        """One action of the person."""
        chance, client, now = self.chance, self.client, self.loop.time()
        name = f"note {chance.randrange(len(IDS))}"
        note_id = identity_of(name)
        seen = client.confirmed.revision
        try:
            if client.screen.get(note_id) is None:
                client.submit([create(name, audience=chance.choice((CLIENT, INTERNAL)))], now)
            elif chance.random() < 0.4:
                client.submit([move(name, chance.randrange(100), chance.randrange(100), seen)], now)
            elif chance.random() < 0.5:
                state = client.screen.get(note_id)
                text = state.annotation.text if state is not None else ""
                at = chance.randint(0, len(text))
                client.edit_text(note_id, text[:at] + chance.choice("abc") + text[at:], now)
            elif client.can_undo:
                client.undo(now)
            else:
                client.submit([resolve(note_id, chance.random() < 0.5)], now)
        except RushesError as error:
            raise AssertionError(error.message) from error
        self._poked.set()

    def cut(self) -> None:
        """The network is lost for a moment. (A call that has not begun is not cancelled: its write waits for ever.)"""
        if self._connected:
            self.cuts += 1
            self._call.cancel()


def resolve(note_id: bytes, resolved: bool) -> operation_pb2.Operation:
    value = operation_pb2.FieldValue(field="resolved", flag=resolved)
    return operation_pb2.Operation(set_fields=operation_pb2.SetFieldsOperation(id=note_id, fields=[value]))


@pytest.mark.parametrize("seed", [1, 2])
async def test_clients_that_are_cut_while_they_write_end_with_one_document(tmp_path: Path, seed: int) -> None:
    config = AnnotationConfig(merge_bytes_s=2_000)
    async with serving(tmp_path, config) as place:
        deliveries = [service.DELIVERY_FULL, service.DELIVERY_AUTO, service.DELIVERY_MERGED, service.DELIVERY_AUTO]
        peers = [Peer(place, f"person {n}", seed * 10 + n, delivery) for n, delivery in enumerate(deliveries)]
        running = [asyncio.create_task(peer.run()) for peer in peers]
        chance = random.Random(seed)
        for _ in range(120):
            peer = chance.choice(peers)
            peer.act()
            if chance.random() < 0.06:
                peer.cut()
            await asyncio.sleep(chance.random() * 0.02)
        video = place.server.service._shared.videos._slots[1].video
        assert video is not None

        def settled() -> bool:
            revision = video.document.revision
            return all(not peer.client.pending_count and peer.client.confirmed.revision == revision for peer in peers)

        await until(settled)
        answer = await place.stub.GetDocument(
            service.GetDocumentRequest(video_id=1), metadata=place.as_person("person 0")
        )
        expected = by_id(list(answer.annotations))
        for peer in peers:
            assert by_id(peer.client.confirmed.annotations) == expected
            assert by_id(peer.client.screen.annotations) == expected
        assert answer.revision > 20
        assert sum(peer.cuts for peer in peers) > 0
        await until(lambda: all(peer._connected for peer in peers))
        for peer in peers:
            peer.stopping = True
            peer.cut()
        await asyncio.gather(*running)


def by_id(states: list[annotation_pb2.AnnotationState]) -> dict[bytes, annotation_pb2.AnnotationState]:
    return {state.annotation.id: state for state in states}
