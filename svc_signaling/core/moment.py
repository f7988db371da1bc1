"""A room as it was after one of its events, so that whoever takes it up reads only what came since."""

from collections import deque
from typing import Final

from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1 import stored_pb2 as stored
from svc_signaling.core.room import CHATS, Live
from svc_signaling.core.standing import Muted

FORM: Final = 3
"""Raised with whatever `Live` remembers besides: what a moment of before does not have would be forgotten."""


def of(live: Live, last: pb.Event) -> stored.StoredMoment:
    """The room as it is, after its last event."""
    moment = stored.StoredMoment(
        form=FORM,
        last=last,
        room=live.room,
        people=live.people.values(),
        away_since=live.away_since,
        presenter=live.presenter,
        playback=live.playback,
        recording=live.recording,
        marks=live.marks,
        chats=live.chats,
        polls=live.polls.values(),
        admitted=live.admitted,
        breakouts=live.breakouts,
    )
    for participant_id, number in live.done.items():
        moment.done.add(participant_id=participant_id, number=number)
    for person_id, role in live.roles.items():
        moment.roles.add(person_id=person_id, role=role)
    for person_id, muted in live.muted.items():
        moment.muted.add(person_id=person_id, audio=muted.audio, video=muted.video)
    return moment


def room_of(moment: stored.StoredMoment) -> Live:
    """The room as it was."""
    return Live(
        room=moment.room,
        people={each.participant_id: each for each in moment.people},
        presenter=moment.presenter,
        playback=moment.playback if moment.HasField("playback") else None,
        recording=moment.recording if moment.HasField("recording") else None,
        marks=dict(moment.marks),
        chats=deque(moment.chats, maxlen=CHATS),
        polls={each.poll.poll_id: each for each in moment.polls},
        ordinal=moment.last.ordinal,
        time_ms=moment.last.time_ms,
        done={each.participant_id: each.number for each in moment.done},
        away_since=dict(moment.away_since),
        roles={each.person_id: each.role for each in moment.roles},
        muted={each.person_id: Muted(each.audio, each.video) for each in moment.muted},
        admitted=set(moment.admitted),
        breakouts=moment.breakouts if moment.HasField("breakouts") else None,
    )
