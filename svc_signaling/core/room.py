"""One room: what may happen in it, and how it is after what happened.

Acts return what happens as events; nothing changes until they are kept and given to `apply`. So the state is a fold of
the room's record, the same after a restart. Permissions are asked for at each act: they may have changed.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from google.protobuf.message import Message

from rushes.errors import FailedPrecondition, InvalidArgument, PermissionDenied, ResourceExhausted
from rushes.signaling.v1 import recording_pb2
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_DRIVE, PERMISSION_MODERATE
from svc_signaling.core import life, participant, poll, role, settings
from svc_signaling.core.participant import AWAY, GONE, JOINED, LEFT, REMOVED, ParticipantGone
from svc_signaling.core.standing import Muted, Standing, muted

CHATS: Final = 1_000
MAX_CHAT: Final = 2_000
MAX_EMOJI_BYTES: Final = 16
MAX_SPEED: Final = 8.0
MAX_FRAME: Final = 1 << 40
MAX_GONE: Final = 2_000
AHEAD_MS: Final = 250
"""A start lies so far ahead that all begin together."""
TOLD_MS: Final = 1_000
"""So far from now a presenter may say that the clip was, or will be, at a frame."""
AWAY_MS: Final = 60_000
"""The place of somebody who was cut off is kept for so long."""

FEED_KINDS: Final = frozenset((pb.PARTICIPANT_KIND_PROGRAMME, pb.PARTICIPANT_KIND_MONITOR))
"""What is no person: encoders and monitors (`core/feed.py`)."""
M = TypeVar("M", bound=Message)


class RoomIsFull(ResourceExhausted):
    """As many people as may be are in the room."""

    reason = "ROOM_IS_FULL"


class WasRemoved(PermissionDenied):
    """Sent away from this room for good."""

    reason = "WAS_REMOVED"


class NotInRoom(FailedPrecondition):
    """Not in the room, or not let in yet."""

    reason = "NOT_IN_ROOM"


class NotPresenter(PermissionDenied):
    """Only who presents may do this."""

    reason = "NOT_PRESENTER"


class NotModerator(PermissionDenied):
    """Only who may moderate may do this."""

    reason = "NOT_MODERATOR"


class SignalInvalid(InvalidArgument):
    """A request that says nothing, or too much."""

    reason = "INVALID_SIGNAL"


def may(mask: int, permission: int) -> bool:
    """Whether a mask has a permission."""
    return bool(mask >> permission & 1)


@dataclass
class Live:
    """See the module."""

    room: pb.Room
    people: dict[str, pb.Participant] = field(default_factory=dict)
    presenter: pb.Presenter = field(default_factory=pb.Presenter)
    playback: pb.Playback | None = None
    recording: recording_pb2.RecordingNow | None = None
    """None: it never was recorded."""
    marks: dict[int, int] = field(default_factory=dict)
    """The last revision of each video that was marked."""
    chats: deque[pb.Event] = field(default_factory=lambda: deque(maxlen=CHATS))
    polls: dict[str, pb.PollState] = field(default_factory=dict)
    ordinal: int = 0
    time_ms: int = 0
    done: dict[str, int] = field(default_factory=dict)
    """Last number of each participant that was done."""
    away_since: dict[str, int] = field(default_factory=dict)
    roles: "dict[str, pb.RoomRole.ValueType]" = field(default_factory=dict)
    """Of each person whom a moderator gave one."""
    muted: dict[str, Muted] = field(default_factory=dict)
    """People whom a moderator muted."""
    admitted: set[str] = field(default_factory=set)
    """People who are or were in the room, not only waited."""
    breakouts: pb.Breakouts | None = None
    """How the room, or the one that it is a breakout of, is split; None: it never was."""

    # -- the fold --------------------------------------------------------------------------------------------

    def stamp(self, whats: Iterable[pb.Event], now_ms: int) -> list[pb.Event]:
        """Events with their place and time, to be kept and then applied."""
        at = max(now_ms, self.time_ms)
        stamped = []
        for number, what in enumerate(whats, self.ordinal + 1):
            event = _copy(what)
            event.ordinal, event.time_ms = number, at
            stamped.append(event)
        return stamped

    def after(self, events: Iterable[pb.Event]) -> pb.Room:
        """The room as it will be after these; nothing changes."""
        later = Live(_copy(self.room), dict(self.people))
        for event in events:
            later.apply(event)
        return later.room

    def apply(self, event: pb.Event) -> None:
        """How the room is after an event."""
        self.ordinal, self.time_ms = event.ordinal, event.time_ms
        kind = event.WhichOneof("what")
        if kind == "participant":
            self._took(event)
        elif kind in ("playback", "presenter", "breakouts"):
            setattr(self, kind, getattr(event, kind))
        elif kind == "chat":
            self.chats.append(event)
        elif kind in ("recording", "mark"):
            self._recorded(event)
        elif kind == "poll":
            poll.took(self.polls, event.poll)
        elif kind == "vote":
            poll.chose(self.polls, event.vote)
        elif kind == "settings":
            settings.apply(self.room, event.settings)
        elif kind == "ended":
            self.room.state, self.room.end_time_ms = life.ENDED, event.time_ms

    def _recorded(self, event: pb.Event) -> None:
        if event.WhichOneof("what") == "mark":
            self.marks[event.mark.video_id] = event.mark.revision
        else:
            self.recording = event.recording

    def _took(self, event: pb.Event) -> None:
        who = event.participant
        name = who.participant_id
        self.people.pop(name, None)
        self.people[name] = who
        if who.kind not in FEED_KINDS:
            self._stands(who)
        if who.state == JOINED:
            self.admitted.add(who.person_id)
        if who.state == AWAY:
            self.away_since[name] = event.time_ms
        else:
            self.away_since.pop(name, None)
        gone = [each for each, other in self.people.items() if other.state == LEFT]
        for each in gone[: max(0, len(gone) - MAX_GONE)]:
            del self.people[each]
            self.done.pop(each, None)
        self.room.people = sum(each.state in (JOINED, AWAY) for each in self.people.values())

    def _stands(self, who: pb.Participant) -> None:
        person_id, now = who.person_id, Muted(who.audio_muted, who.video_muted)
        if who.role or person_id in self.roles:
            self.roles[person_id] = who.role
        if any(now):
            self.muted[person_id] = now
        else:
            self.muted.pop(person_id, None)

    def standing(self, person_id: str) -> Standing:
        """What was decided of somebody."""
        return Standing(self.roles.get(person_id, pb.ROOM_ROLE_UNSPECIFIED), self.muted.get(person_id, Muted()))

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.room.state == life.ENDED

    @property
    def is_split(self) -> bool:
        """Whether this room itself is split now; a breakout is not."""
        now = self.breakouts
        return now is not None and not now.over and now.parent_room_id == self.room.room_id

    def here(self, participant_id: str) -> pb.Participant:
        """Somebody who is in the room. Raises RoomEnded, NotInRoom."""
        life.after(self.room.state, "act")
        me = self.people.get(participant_id)
        if me is None or me.state != JOINED:
            raise NotInRoom("you are not in this room, or not let in yet")
        return me

    def sent_away(self, person_id: str) -> bool:
        """Whether somebody may not come back."""
        return any(each.person_id == person_id and each.state == REMOVED for each in self.people.values())

    def present_people(self) -> list[pb.Participant]:
        """Everybody who is not gone."""
        return [each for each in self.people.values() if each.state not in GONE]

    # -- coming and going ------------------------------------------------------------------------------------

    def join(
        self,
        participant_id: str,
        person_id: str,
        name: str,
        mask: int,
        carried: Standing | None = None,
    ) -> list[pb.Event]:
        """Somebody new; `carried`: what the room decided of them that this one is a breakout of.

        Raises RoomEnded, RoomIsFull, WasRemoved.
        """
        life.after(self.room.state, "come")
        if self.sent_away(person_id):
            raise WasRemoved("you were sent away from this room")
        moderates = may(mask, PERMISSION_MODERATE)
        # Who comes back from a breakout does not wait again, nor find the place taken.
        expected = moderates or (self.breakouts is not None and person_id in self.admitted)
        if len(self.present_people()) >= self.room.capacity and not expected:
            raise RoomIsFull("this room is full")
        waits = self.room.waiting_room and not expected
        stands = self.standing(person_id) if carried is None else carried
        joined = pb.Participant(
            participant_id=participant_id,
            person_id=person_id,
            name=name[:200],
            state=participant.after(participant.NEW, "wait" if waits else "come"),
            moderates=moderates,
            drives=may(mask, PERMISSION_DRIVE),
            role=stands.role,
            audio_muted=stands.muted.audio,
            video_muted=stands.muted.video,
        )
        return [pb.Event(participant=joined)]

    def returns(self, participant_id: str, person_id: str) -> list[pb.Event] | None:
        """Somebody comes back after a cut; None: the place was not kept, come in as somebody new."""
        who = self.people.get(participant_id)
        kept = who is not None and who.person_id == person_id and who.state not in GONE
        if who is None or not kept or not life.may(self.room.state, "return"):
            return None
        return [self._moved(who, "return")] if participant.may(who, "return") else []

    def _moved(self, who: pb.Participant, step: participant.Step) -> pb.Event:
        return pb.Event(participant=participant.moved(who, step))

    def without(self, moved: list[pb.Event]) -> list[pb.Event]:
        """These, and presenting without those of them who go."""
        names = {each.participant.participant_id for each in moved if each.participant.state in GONE}
        now = self.presenter
        if now.participant_id not in names and names.isdisjoint(now.requests):
            return moved
        kept = [each for each in now.requests if each not in names]
        left = "" if now.participant_id in names else now.participant_id
        return [*moved, pb.Event(presenter=pb.Presenter(participant_id=left, requests=kept))]

    def cut(self, *participant_ids: str) -> list[pb.Event]:
        """Streams of some broke."""
        return self._go(participant_ids, "cut")

    def leave(self, participant_id: str) -> list[pb.Event]:
        """Somebody goes."""
        return self._go((participant_id,), "leave")

    def _go(self, participant_ids: Iterable[str], step: participant.Step) -> list[pb.Event]:
        """Nobody goes twice."""
        life.after(self.room.state, "go")
        found = [each for name in participant_ids if (each := self.people.get(name)) is not None]
        return self.without([self._moved(each, step) for each in found if participant.may(each, step)])

    def expired(self, now_ms: int) -> list[pb.Event]:
        """Whose place is not kept any longer."""
        late = [name for name, since in self.away_since.items() if now_ms - since > AWAY_MS]
        return self.without([self._moved(self.people[name], "expire") for name in late])

    def end(self) -> list[pb.Event]:
        """The room is over."""
        return [*self.unrecord(), *self.call_back(), pb.Event(ended=True)] if life.may(self.room.state, "end") else []

    def call_back(self) -> list[pb.Event]:
        """Everybody is called back from its breakouts, if that was not done already."""
        if not self.is_split:
            return []
        made = _copy(self.breakouts or pb.Breakouts())
        made.over, made.version = True, made.version + 1
        return [pb.Event(breakouts=made)]

    # -- acts ------------------------------------------------------------------------------------------------

    def play(self, participant_id: str, wanted: pb.Playback, now_ms: int) -> list[pb.Event]:
        """The presenter plays, stops or goes somewhere."""
        self.here(participant_id)
        if self.presenter.participant_id != participant_id:
            raise NotPresenter("only who presents drives the clip")
        speed = wanted.speed or 1.0
        if (
            wanted.video_id <= 0
            or not 0 <= wanted.frame < MAX_FRAME
            or not math.isfinite(speed)
            or abs(speed) > MAX_SPEED
            or not 0 <= wanted.loop_first <= wanted.loop_last < MAX_FRAME
        ):
            raise SignalInvalid("this playback is out of range")
        state = _copy(wanted)
        state.DiscardUnknownFields()
        before = self.playback
        starts = wanted.playing and (before is None or not before.playing)
        state.speed, at_ms = speed, max(now_ms, self.time_ms)
        # Whose player plays already says since when: all others catch up with it.
        told = wanted.playing and wanted.at_ms > 0 and abs(wanted.at_ms - at_ms) <= TOLD_MS
        state.at_ms = wanted.at_ms if told else at_ms + (AHEAD_MS if starts else 0)
        state.version = (before.version if before is not None else 0) + 1
        return [pb.Event(playback=state)]

    def present(self, participant_id: str, wanted: pb.Present, mask: int) -> list[pb.Event]:
        """About presenting."""
        me = self.here(participant_id)
        kind = wanted.WhichOneof("what")
        now = self.presenter
        if kind == "request":
            others = [each for each in now.requests if each != participant_id]
            asks = wanted.request and participant_id != now.participant_id
            return self._presents(now.participant_id, [*others, participant_id] if asks else others)
        if kind == "take":
            moderates = may(mask, PERMISSION_MODERATE)
            if not role.may_drive(me.role, mask) or (now.participant_id not in ("", participant_id) and not moderates):
                raise NotPresenter("somebody else presents, or you may not: ask for it")
            return self._presents(participant_id, now.requests)
        if kind not in ("grant", "release"):
            raise SignalInvalid("this says nothing about presenting")
        if now.participant_id != participant_id and not (kind == "grant" and may(mask, PERMISSION_MODERATE)):
            raise NotPresenter("only who presents can hand over")
        if kind == "release":
            return self._presents("", now.requests)
        other = self.people.get(wanted.grant)
        if other is None or other.state != JOINED or other.kind in FEED_KINDS:
            raise ParticipantGone("there is nobody of that id in the room")
        if not role.may_be_given(other.role):
            raise NotPresenter("this person's role in the room is not one that presents: change it first")
        return self._presents(wanted.grant, now.requests)

    def _presents(self, participant_id: str, requests: Iterable[str]) -> list[pb.Event]:
        changed = pb.Presenter(
            participant_id=participant_id, requests=[each for each in requests if each != participant_id]
        )
        return [] if changed == self.presenter else [pb.Event(presenter=changed)]

    @property
    def recording_id(self) -> str:
        """The recording that goes on; empty: none does."""
        return self.recording.recording_id if self.recording is not None else ""

    def record(self, participant_id: str, on: bool, recording_id: str, mask: int) -> list[pb.Event]:
        """Who presents or moderates begins a recording, which is to have that id, or ends the one that goes on."""
        self.here(participant_id)
        if self.presenter.participant_id != participant_id and not may(mask, PERMISSION_MODERATE):
            raise NotPresenter("only who presents or moderates can record")
        if on == bool(self.recording_id):
            return []
        now = recording_pb2.RecordingNow(recording_id=recording_id if on else "", participant_id=participant_id)
        return [pb.Event(recording=now)]

    def mark(self, participant_id: str, wanted: recording_pb2.RevisionMark) -> list[pb.Event]:
        """The presenter says how far the notes of the video have come that is looked at."""
        self.here(participant_id)
        if self.presenter.participant_id != participant_id:
            raise NotPresenter("only who presents marks revisions")
        if self.playback is None or wanted.video_id != self.playback.video_id or not 0 < wanted.revision < MAX_FRAME:
            raise SignalInvalid("this mark is not of what is looked at")
        if wanted.revision <= self.marks.get(wanted.video_id, 0):
            return []
        return [pb.Event(mark=recording_pb2.RevisionMark(video_id=wanted.video_id, revision=wanted.revision))]

    def unrecord(self) -> list[pb.Event]:
        """Nobody is left to be recorded."""
        return [pb.Event(recording=recording_pb2.RecordingNow())] if self.recording_id else []

    def say(self, participant_id: str, text: str) -> list[pb.Event]:
        """Something for all to read."""
        me = self.here(participant_id)
        text = text.strip()
        if not text or len(text) > MAX_CHAT:
            raise SignalInvalid(f"a message has 1 to {MAX_CHAT} characters")
        return [pb.Event(chat=pb.Chat(participant_id=participant_id, name=me.name, text=text))]

    def react(self, participant_id: str, emoji: str) -> list[pb.Event]:
        """A sign that passes."""
        self.here(participant_id)
        if not emoji or len(emoji.encode()) > MAX_EMOJI_BYTES or emoji.isascii():
            raise SignalInvalid("a reaction is one emoji")
        return [pb.Event(reaction=pb.Reaction(participant_id=participant_id, emoji=emoji))]

    def hand(self, participant_id: str, up: bool) -> list[pb.Event]:
        """The hand is up or down."""
        return self._changed(participant_id, hand=up)

    def devices(self, participant_id: str, told: pb.Devices) -> list[pb.Event]:
        """What somebody says of their own devices."""
        return self._changed(participant_id, microphone=told.microphone, camera=told.camera, screen=told.screen)

    def _changed(self, participant_id: str, **fields: bool) -> list[pb.Event]:
        me = self.here(participant_id)
        changed = _copy(me)
        for name, value in fields.items():
            setattr(changed, name, value)
        return [] if changed == me else [pb.Event(participant=changed)]

    def ask(self, participant_id: str, wanted: pb.Poll, poll_id: str, mask: int) -> list[pb.Event]:
        """A question to all."""
        me = self.here(participant_id)
        if not role.may_drive(me.role, mask) and not may(mask, PERMISSION_MODERATE):
            raise poll.NotPollster("only who may drive or moderate asks")
        return poll.ask(self.polls, wanted, poll_id, participant_id)

    def choose(self, participant_id: str, wanted: pb.Choice) -> list[pb.Event]:
        """An answer."""
        return poll.choose(self.polls, wanted, self.here(participant_id).person_id)

    def close_poll(self, participant_id: str, poll_id: str, mask: int) -> list[pb.Event]:
        """Nobody chooses any more."""
        self.here(participant_id)
        return poll.close(self.polls, poll_id, participant_id, moderates=may(mask, PERMISSION_MODERATE))

    def change(self, participant_id: str, wanted: pb.RoomSettings, mask: int) -> list[pb.Event]:
        """A moderator changes the room."""
        self.here(participant_id)
        if not may(mask, PERMISSION_MODERATE):
            raise NotModerator("only who may moderate can do this")
        now = settings.checked(wanted)
        return [] if now == settings.of(self.room) else [pb.Event(settings=now)]

    def moderate(self, participant_id: str, wanted: pb.Moderate, mask: int) -> list[pb.Event]:
        """A moderator lets in, mutes or sends away."""
        self.here(participant_id)
        if not may(mask, PERMISSION_MODERATE):
            raise NotModerator("only who may moderate can do this")
        other = self.people.get(wanted.participant_id)
        if other is None or other.state in GONE:
            raise ParticipantGone("there is nobody of that id in the room")
        kind = wanted.WhichOneof("what")
        if kind == "admit":
            return self.without([self._moved(other, "admit" if wanted.admit else "reject")])
        if kind == "remove":
            return self.without([self._moved(other, "remove")])
        if kind == "role":
            if other.kind in FEED_KINDS:
                raise role.RoleInvalid("encoders and monitors have no role")
            return role.changed(self.present_people(), other.person_id, wanted.role, self.presenter)
        if kind not in ("mute_audio", "mute_video"):
            raise SignalInvalid("this says nothing about anybody")
        theirs = [other]
        if other.kind not in FEED_KINDS:
            theirs = [each for each in self.present_people() if each.person_id == other.person_id]
        return muted(theirs, wanted)


def _copy(message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
