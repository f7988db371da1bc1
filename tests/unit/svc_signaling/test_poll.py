"""Polls of a room, and its settings."""

import pytest

from rushes.errors import RushesError
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import poll, settings
from svc_signaling.core.room import Live, NotInRoom, NotModerator
from tests.unit.svc_signaling.test_room import CHAIR, DRIVER, GUEST, happens, live, with_people


def asked(*options: str, question: str = "Which take?") -> pb.Poll:
    return pb.Poll(question=question, options=options or ("one", "two"))


@pytest.fixture
def room() -> Live:
    """Ada moderates, Dan may drive, Gus may look."""
    made = with_people(live(), ada=CHAIR, dan=DRIVER, gus=GUEST)
    happens(made, made.ask("dan", asked(), "p", DRIVER))
    return made


def votes(room: Live) -> dict[str, int]:
    return {each.person_id: each.option for each in room.polls["p"].votes}


def test_each_person_has_one_vote_and_may_change_it_until_the_poll_ends(room: Live) -> None:
    happens(room, room.choose("gus", pb.Choice(poll_id="p", option=1)))
    happens(room, room.choose("ada", pb.Choice(poll_id="p", option=1)))
    happens(room, room.choose("gus", pb.Choice(poll_id="p", option=0)))
    assert votes(room) == {"person-gus": 0, "person-ada": 1}
    assert room.choose("gus", pb.Choice(poll_id="p", option=0)) == [], "chosen already"
    happens(room, room.close_poll("dan", "p", DRIVER))
    with pytest.raises(poll.PollOver):
        room.choose("ada", pb.Choice(poll_id="p", option=0))
    with pytest.raises(poll.PollOver):
        room.close_poll("dan", "p", DRIVER)


def test_who_comes_again_on_another_device_votes_as_the_same_person(room: Live) -> None:
    happens(room, room.join("phone", "person-gus", "Gus", GUEST))
    happens(room, room.choose("gus", pb.Choice(poll_id="p", option=1)))
    happens(room, room.choose("phone", pb.Choice(poll_id="p", option=0)))
    assert votes(room) == {"person-gus": 0}


def test_only_who_drives_or_moderates_asks_and_only_whose_it_is_or_who_moderates_ends_it(room: Live) -> None:
    with pytest.raises(poll.NotPollster):
        room.ask("gus", asked(), "q", GUEST)
    with pytest.raises(poll.NotPollster):
        room.close_poll("gus", "p", GUEST)
    happens(room, room.ask("ada", asked(), "q", CHAIR))
    with pytest.raises(poll.NotPollster):
        room.close_poll("dan", "q", DRIVER)
    happens(room, room.close_poll("ada", "p", CHAIR))
    assert room.polls["p"].poll.closed
    with pytest.raises(NotInRoom):
        room.choose("nobody", pb.Choice(poll_id="q"))


@pytest.mark.parametrize(
    "bad",
    [
        asked(question="  "),
        asked(question="x" * 301),
        asked("one"),
        asked("one", " one "),
        asked("one", ""),
        asked("one", "x" * 101),
        asked(*"abcdefghi"),
    ],
)
def test_a_poll_that_asks_nothing_or_too_much_is_refused(room: Live, bad: pb.Poll) -> None:
    with pytest.raises(poll.PollInvalid):
        room.ask("ada", bad, "q", CHAIR)


def test_there_are_only_so_many_polls(room: Live) -> None:
    for number in range(poll.OPEN - 1):
        happens(room, room.ask("ada", asked(), str(number), CHAIR))
    with pytest.raises(poll.TooManyPolls):
        room.ask("ada", asked(), "q", CHAIR)
    for number in range(30):
        name = next(iter(room.polls)) if number == 0 else f"more{number - 1}"
        happens(room, room.close_poll("ada", name, CHAIR))
        happens(room, room.ask("ada", asked(), f"more{number}", CHAIR))
    assert len(room.polls) == poll.KEPT
    with pytest.raises(poll.PollInvalid):
        room.choose("gus", pb.Choice(poll_id="more29", option=2))


def test_a_moderator_changes_the_room_and_nobody_else(room: Live) -> None:
    wanted = pb.RoomSettings(title=" Dailies ", capacity=3, waiting_room=True, start_time_ms=1_795_000_000_000)
    with pytest.raises(NotModerator):
        room.change("dan", wanted, DRIVER)
    happens(room, room.change("ada", wanted, CHAIR))
    assert (room.room.title, room.room.capacity, room.room.waiting_room) == ("Dailies", 3, True)
    assert room.room.start_time_ms == 1_795_000_000_000
    assert room.change("ada", wanted, CHAIR) == []
    with pytest.raises(RushesError):
        room.join("eve", "person-eve", "Eve", GUEST)


@pytest.mark.parametrize(
    "bad",
    [
        pb.RoomSettings(title=" "),
        pb.RoomSettings(title="x" * 201),
        pb.RoomSettings(title="x", capacity=1),
        pb.RoomSettings(title="x", capacity=1_001),
        pb.RoomSettings(title="x", start_time_ms=-1),
        pb.RoomSettings(title="x", start_time_ms=1 << 60),
    ],
)
def test_settings_out_of_range_are_refused(bad: pb.RoomSettings) -> None:
    with pytest.raises(settings.RoomInvalid):
        settings.checked(bad)
