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


class Reader:
    """A browser's socket as the fan-out sees it, which hears who made what. It never opens another session."""

    descriptor = -1

    def __init__(self, channel: Channel, place: Place, name: str, opening: service.CollaborateOpen) -> None:
        self.name = name
        self.status: status_pb2.Status | None = None
        self.made: dict[int, tuple[str, bytes, int]] = {}
        """By revision: person, client and its number of the batch."""
        self.untold: list[int] = []
        """Numbers that nobody was meant by."""
        self._authors: dict[int, service.Author] = {}
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._session = channel.join(self, opening, place.people.token(name)).session

    def write(self, frame: bytes) -> None:
        """See Socket."""
        for _, payload in grpcweb.FrameReader(1 << 20).feed(unframed(frame)):
            response = service.CollaborateResponse.FromString(payload)
            if response.HasField("committed"):
                self._spell_out(response.committed)
            self.hear(response)

    def hear(self, response: service.CollaborateResponse) -> None:
        """What the server says."""

    def _spell_out(self, committed: service.Committed) -> None:
        for author in committed.authors:
            assert self._authors.setdefault(author.number, author) == author
        for commit in committed.commits:
            if commit.author:
                assert not commit.person_id
                assert not commit.client_id
                author = self._authors.get(commit.author, service.Author())
                if not author.number:
                    self.untold.append(commit.author)
                commit.person_id, commit.client_id, commit.author = author.person_id, author.client_id, 0
            self.made[commit.revision] = commit.person_id, commit.client_id, commit.client_seq

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


class Screen(Reader):
    """One with the client's core. `numbers`: it understands numbers in the place of who made something."""

    def __init__(self, channel: Channel, place: Place, name: str, *, numbers: bool = False) -> None:
        self.client = PendingClient(
            1,
            lambda size: name.encode().ljust(size, b"."),
            audience=0,  # type: ignore[arg-type]
            delivery=service.DELIVERY_FULL,
        )
        opening = self.client.connect(0).open
        opening.numbers_authors = numbers
        super().__init__(channel, place, name, opening)

    def hear(self, response: service.CollaborateResponse) -> None:
        """Takes it in, and says what follows from it."""
        if response.WhichOneof("message") != "committed" or response.committed.commits:
            self.client.receive(response, self._loop.time())
        self.poll()

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
        writers = [Screen(channel, place, f"writer{at}", numbers=at > 0) for at in range(WRITERS)]
        screens = [*writers, *(Screen(channel, place, f"reader{at}", numbers=at > 0) for at in range(READERS))]
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
        assert not any(screen.untold for screen in screens)
        assert sorted(writers[0].made) == list(range(1, writers[0].client.confirmed.revision + 1))
        assert all(screen.made == writers[0].made for screen in screens), "all are told of the same authors"
        await channel.close()
        await channels.close()


async def test_who_comes_later_or_again_is_told_who_is_meant_by_a_number(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        channels = Channels("gateway", MeshConfig(secret=SECRET, services={"svc_annotation": place.server.target}))
        channel = Channel(Hub(1), Fleet(channels, "svc_annotation"), channels)
        writers = [Screen(channel, place, f"writer{at}", numbers=at > 0) for at in range(WRITERS)]
        await until(lambda: all(writer.client.phase is Phase.OPEN for writer in writers), "all are there")
        for at, writer in enumerate(writers):
            writer.client.submit([create(f"note {at}")], 0.0)
            writer.poll()
            await settled(writers)
        opening = service.CollaborateOpen(video_id=1, delivery=service.DELIVERY_FULL, numbers_authors=True)
        new = Reader(channel, place, "new", opening)
        back = Reader(
            channel,
            place,
            "back",
            service.CollaborateOpen(
                video_id=1, delivery=service.DELIVERY_FULL, numbers_authors=True, resume_revision=1, epoch=1
            ),
        )
        for at, writer in enumerate(writers):
            writer.client.submit([create(f"another {at}")], 0.0)
            writer.poll()
            await settled(writers)
        last = 2 * WRITERS
        await until(lambda: last in new.made and last in back.made, "both have the last")
        whole = writers[0].made
        assert len(whole) == last
        assert all(writer.made == whole for writer in writers)
        assert back.made == {revision: whole[revision] for revision in range(2, last + 1)}
        assert new.made.items() <= whole.items()
        assert not any(reader.untold for reader in (*writers, new, back))
        await channel.close()
        await channels.close()
