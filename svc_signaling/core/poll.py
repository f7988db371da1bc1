"""Polls of a room: what becomes of the polls that there are."""

from typing import Final

from rushes.errors import InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from rushes.signaling.v1 import room_service_pb2 as pb

MAX_QUESTION: Final = 300
MAX_OPTION: Final = 100
OPTIONS: Final = range(2, 9)
OPEN: Final = 8
"""Polls that are open at a time."""
KEPT: Final = 20
"""Polls that whoever comes in is told of."""

Polls = dict[str, pb.PollState]


class PollInvalid(InvalidArgument):
    """A poll that asks nothing, or too much, or an answer that there is not."""

    reason = "INVALID_POLL"


class PollOver(NotFound):
    """There is no such poll that is open."""

    reason = "POLL_OVER"


class NotPollster(PermissionDenied):
    """Only who may drive or moderate asks, and only whose poll it is or who moderates ends it."""

    reason = "NOT_POLLSTER"


class TooManyPolls(ResourceExhausted):
    """As many polls as may be are open."""

    reason = "TOO_MANY_POLLS"


def took(polls: Polls, poll: pb.Poll) -> None:
    """A poll is asked or over: part of the fold."""
    state = polls.setdefault(poll.poll_id, pb.PollState())
    state.poll.CopyFrom(poll)
    while len(polls) > KEPT:
        del polls[next(iter(polls))]


def chose(polls: Polls, vote: pb.Vote) -> None:
    """Somebody chose: part of the fold."""
    state = polls.get(vote.poll_id)
    if state is None:
        return
    for each in state.votes:
        if each.person_id == vote.person_id:
            each.CopyFrom(vote)
            return
    state.votes.add().CopyFrom(vote)


def ask(polls: Polls, wanted: pb.Poll, poll_id: str, participant_id: str) -> list[pb.Event]:
    """A new poll. Raises PollInvalid, TooManyPolls."""
    question, options = wanted.question.strip(), [each.strip() for each in wanted.options]
    if not 0 < len(question) <= MAX_QUESTION or len(options) not in OPTIONS or len(set(options)) < len(options):
        raise PollInvalid(f"a poll asks in 1 to {MAX_QUESTION} characters and has 2 to 8 answers that differ")
    if not all(0 < len(each) <= MAX_OPTION for each in options):
        raise PollInvalid(f"an answer has 1 to {MAX_OPTION} characters")
    if sum(not each.poll.closed for each in polls.values()) >= OPEN:
        raise TooManyPolls("as many polls as may be are open: end one first")
    made = pb.Poll(poll_id=poll_id, participant_id=participant_id, question=question, options=options)
    return [pb.Event(poll=made)]


def choose(polls: Polls, wanted: pb.Choice, person_id: str) -> list[pb.Event]:
    """A choice. Raises PollOver, PollInvalid."""
    state = _open(polls, wanted.poll_id)
    if wanted.option >= len(state.poll.options):
        raise PollInvalid("there is no such answer")
    vote = pb.Vote(poll_id=wanted.poll_id, person_id=person_id, option=wanted.option)
    return [] if vote in state.votes else [pb.Event(vote=vote)]


def close(polls: Polls, poll_id: str, participant_id: str, *, moderates: bool) -> list[pb.Event]:
    """The end of a poll. Raises PollOver, NotPollster."""
    state = _open(polls, poll_id)
    if state.poll.participant_id != participant_id and not moderates:
        raise NotPollster("only who asked, or who may moderate, ends a poll")
    closed = pb.Poll()
    closed.CopyFrom(state.poll)
    closed.closed = True
    return [pb.Event(poll=closed)]


def _open(polls: Polls, poll_id: str) -> pb.PollState:
    state = polls.get(poll_id)
    if state is None or state.poll.closed:
        raise PollOver("there is no such poll that is open")
    return state
