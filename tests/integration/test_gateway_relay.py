"""The gateway's stream to svc_annotation: viewers are held while the service behind is another, and lose nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from google.rpc import status_pb2

from gateway.core import grpcweb
from gateway.core.hub import Hub
from gateway.core.message import Message
from gateway.core.mux import unframed
from gateway.relay import Channel
from mesh.config import MeshConfig
from mesh.fleet import Fleet
from mesh.rpc import Channels
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document.pending import PendingClient
from rushes.document.pending_state import Phase
from tests.integration.annotation_notes import create, identity_of
from tests.integration.annotation_server import SECRET, Place, serving
from tests.waiting import until

WRITERS, READERS, WORDS, RESTARTS = 3, 2, 30, 2
NOTE = "a note that all write in"


class Screen:
    """A browser with the client's core, and its socket as the fan-out sees it. It never opens another session."""

    descriptor = -1

    def __init__(self, channel: Channel, place: Place, name: str) -> None:
        self.name = name
        self.client = PendingClient(
            1,
            lambda size: name.encode().ljust(size, b"."),
            audience=0,  # type: ignore[arg-type]
            delivery=service.DELIVERY_FULL,
        )
        self.status: status_pb2.Status | None = None
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._session = channel.join(self, self.client.connect(0).open, place.people.token(name)).session

    def write(self, frame: bytes) -> None:
        """See Socket."""
        for _, payload in grpcweb.FrameReader(1 << 20).feed(unframed(frame)):
            self.client.receive(service.CollaborateResponse.FromString(payload), self._loop.time())
        self.poll()

    def direct(self, message: Message) -> bytes | None:
        """See Socket."""
        return None

    def rest(self, left: bytes) -> None:
        """See Socket."""

    def buffered(self) -> int:
        """See Socket."""
        return 0

    def end(self, status: status_pb2.Status) -> None:
        """See Socket."""
        self.status = status

    def poll(self) -> None:
        """Sends what is due."""
        for request in self.client.poll(self._loop.time()):
            if request.HasField("ack_revision"):
                self._channel.ack(self._session, request.ack_revision)
            else:
                assert self._channel.forward(self._session, request.SerializeToString())

    @property
    def text(self) -> str:
        """Of the note."""
        state = self.client.screen.get(identity_of(NOTE))
        return state.annotation.text if state is not None else ""

    def say(self, word: str) -> None:
        """Puts a word behind what is on the screen."""
        self.client.edit_text(identity_of(NOTE), self.text + word, self._loop.time())
        self.poll()


async def settled(screens: Sequence[Screen]) -> None:
    """Returns once nobody has anything left to send, and all have the same."""

    def same() -> bool:
        for screen in screens:
            screen.poll()
        waiting = any(screen.client.pending_count for screen in screens)
        return not waiting and len({screen.client.confirmed.revision for screen in screens}) == 1

    await until(same, "all have the same")


async def test_who_writes_and_who_reads_stay_while_the_service_is_stopped_and_started(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        channels = Channels("gateway", MeshConfig(secret=SECRET, services={"svc_annotation": place.server.target}))
        hub = Hub(1)
        channel = Channel(hub, Fleet(channels, "svc_annotation"), channels)
        writers = [Screen(channel, place, f"writer{at}") for at in range(WRITERS)]
        screens = [*writers, *(Screen(channel, place, f"reader{at}") for at in range(READERS))]
        await until(lambda: all(screen.client.phase is Phase.OPEN for screen in screens), "all are there")
        writers[0].client.submit([create(NOTE)], 0.0)
        await settled(screens)

        async def write(writer: Screen) -> None:
            for at in range(WORDS):
                writer.say(f"{writer.name}-{at} ")
                await asyncio.sleep(0.03)

        writing = [asyncio.create_task(write(writer)) for writer in writers]
        for _ in range(RESTARTS):
            await until(lambda: hub.connected, "the stream")
            await asyncio.sleep(0.05)
            await place.server.stop()
            await until(lambda: not hub.connected, "the stream is lost")
            await place.server.start()
        await asyncio.gather(*writing)
        await settled(screens)
        words = writers[0].text.split()
        for writer in writers:
            mine = [word for word in words if word.startswith(f"{writer.name}-")]
            assert mine == [f"{writer.name}-{at}" for at in range(WORDS)], "none is lost, twice or out of order"
        assert len(words) == WRITERS * WORDS
        assert {screen.text for screen in screens} == {writers[0].text}
        assert {screen.status for screen in screens} == {None}, "nobody had to open again"
        await channel.close()
        await channels.close()
