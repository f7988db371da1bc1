"""A session whose batch was said to be lost: what the document has taken all the same is not waited for."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import Document
from rushes.document.submitted import Submitted
from rushes.errors import RushesError, Unavailable
from svc_annotation.core.landed import INTERNAL
from svc_annotation.core.member import Member, Note, Take, new_presence_bucket
from svc_annotation.core.policy import SnapshotPolicy
from svc_annotation.core.presence import Onlooker
from svc_annotation.core.rate import PeopleRates
from svc_annotation.seat import Seat
from svc_annotation.video import Video
from tests.unit.svc_annotation.annotation_kit import VIDEO, Writer, create

pytestmark = pytest.mark.asyncio


@dataclass
class Desk:
    """A client's session: what it sends goes into the fold when the test says so."""

    notes: list[service.CollaborateResponse] = field(default_factory=list)

    def __post_init__(self) -> None:
        document = Document(VIDEO, 1)
        self.video = Video(VIDEO, "t", document, -1, SnapshotPolicy(0, 0, 0.0), 1_000_000)
        self.writer = Writer(document)
        self.records = [Submitted.of(self.writer.record([create(str(number))])) for number in range(1, 8)]
        sender = self.records[0].sender
        self.member = Member(1, sender.person_id, "t", sender.client_id, INTERNAL, 0, new_presence_bucket(0.0))
        caller = Caller("", sender.person_id, tenant_id="t")
        shared = SimpleNamespace(appends=None, rates=PeopleRates())
        self.seat = Seat(shared, self.video, caller, self.member, self)  # type: ignore[arg-type]
        self.video.join(self.seat, Onlooker(1, sender.client_id, sender.person_id, "Ann", INTERNAL, 0), self)

    def note(self, note: Note) -> None:
        """See Sink."""
        self.notes.append(service.CollaborateResponse.FromString(note.payload))

    def end(self, error: RushesError) -> None:
        """See Sink."""
        raise AssertionError(error)

    def show(self, keys: list[int], payload: bytes) -> None:
        """See PresenceFeed."""

    def land(self, number: int) -> None:
        """A batch comes back from the log."""
        self.video.publish(self.video.fold(self.records[number - 1], number))

    def takes(self, number: int) -> bool:
        """Whether a batch that is sent now goes on."""
        return self.member.check(self.records[number - 1].batch) is Take.APPEND

    @property
    def troubles(self) -> list[int]:
        """What was said of trouble: 0, it is over."""
        return [each.trouble.code for each in self.notes if each.WhichOneof("message") == "trouble"]


async def test_what_the_document_has_taken_before_it_was_said_to_be_lost_is_not_missing() -> None:
    desk = Desk()
    desk.land(1)
    desk.seat.lost(1, Unavailable("not now"))
    assert desk.takes(2)
    assert desk.troubles == []


async def test_what_lands_after_it_was_said_to_be_lost_is_not_missing_any_more() -> None:
    desk = Desk()
    desk.seat.lost(1, Unavailable("not now"))
    assert not desk.takes(2)
    desk.land(1)
    assert not desk.takes(3), "what was sent after it was dropped, and is sent again first"
    assert desk.takes(2)
    assert desk.takes(3)
    assert desk.troubles == [14, 0]


async def test_while_something_is_missing_neither_what_was_before_nor_what_came_after_it_ends_the_trouble() -> None:
    desk = Desk()
    desk.seat.lost(2, Unavailable("not now"))
    desk.seat.landed()
    desk.land(1)
    assert desk.troubles == [14]
    assert desk.takes(2)
    desk.seat.landed()
    assert desk.troubles == [14, 0]


async def test_what_comes_too_early_for_the_document_does_not_end_the_wait_for_what_is_missing() -> None:
    desk = Desk()
    desk.seat.lost(1, Unavailable("not now"))
    desk.land(2)
    assert not desk.takes(2)
    assert desk.takes(1)
