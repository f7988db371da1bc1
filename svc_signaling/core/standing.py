"""What moderators decided of a person: it holds on every device, and when they come again, until it is taken back."""

from collections.abc import Iterable
from typing import NamedTuple

from rushes.signaling.v1 import room_service_pb2 as pb


class Muted(NamedTuple):
    """What of somebody is not forwarded."""

    audio: bool = False
    video: bool = False


class Standing(NamedTuple):
    """See the module."""

    role: "pb.RoomRole.ValueType" = pb.ROOM_ROLE_UNSPECIFIED
    muted: Muted = Muted()


def muted(theirs: Iterable[pb.Participant], wanted: pb.Moderate) -> list[pb.Event]:
    """These are all of a person's places in a room: what is wanted of their sound or pictures holds for each."""
    events = []
    for each in theirs:
        now = pb.Participant()
        now.CopyFrom(each)
        if wanted.WhichOneof("what") == "mute_audio":
            now.audio_muted = wanted.mute_audio
        else:
            now.video_muted = wanted.mute_video
        if now != each:
            events.append(pb.Event(participant=now))
    return events
