"""What sessions append: what comes together goes into the log together, and its senders are told together."""

import asyncio
from functools import partial
from typing import Final, NamedTuple, Protocol

from rushes.errors import Unavailable
from svc_annotation import metrics
from svc_annotation.core.submission import Submission, Underway
from svc_annotation.stores import Log, LogFull, LogReadOnly, SomeFailed, partition_of

GROUP_BYTES: Final = 256 * 1024
"""No more goes into the log as one: a reader finds its place there between groups."""


class Sender(Protocol):
    """Whose batch is on its way into the log."""

    @property
    def in_trouble(self) -> bool:
        """Its last one was lost: it is told of the next that lands."""

    def landed(self) -> None:
        """It is durable."""

    def lost(self, client_seq: int, error: BaseException) -> None:
        """It may be durable or not, and is sent again if it is to be."""


def finish_append(appending: "asyncio.Future[int]") -> None:
    """Of one record. Raises, if it failed, a subclass of Unavailable; LogReadOnly if the disk is full: the log
    recovers by itself.
    """
    error = appending.exception()
    if error is not None:
        failure = _failure(error)
        raise failure from (error if failure is not error else None)
    metrics.APPENDED.counts[""] += 1


def _failure(error: BaseException, count: int = 1) -> BaseException:
    """What is said of so many records that could not be appended."""
    if isinstance(error, Unavailable):
        metrics.APPEND_FAILED.labels(error.reason).inc(count)
    if isinstance(error, LogFull):
        return LogReadOnly(f"nothing can be written at the moment: {error.message}")
    return error


class Group(NamedTuple):
    """Batches of a video that go into the log one after the other, and whose they are."""

    payloads: list[bytes]
    senders: list[tuple[Sender, int]]
    """With the batch's client_seq."""


class Appends:
    """See the module. Hundreds come in one turn of the loop and are durable by one sync: an append of its own for each
    costs as much as what is done for it before.
    """

    def __init__(self, log: Log, underway: Underway) -> None:
        self._log = log
        self._underway = underway
        self._groups: dict[int, Group] = {}
        """By video, what is to be appended at the end of this turn of the loop."""
        self._bytes = 0

    def add(self, video_id: int, submitted: Submission, sender: Sender) -> None:
        """A batch; once it is durable, the fold will have it."""
        payload, record = submitted
        self._underway.put(submitted)
        group = self._groups.get(video_id)
        if group is None:
            if not self._groups:
                asyncio.get_running_loop().call_soon(self._begin)
            group = self._groups[video_id] = Group([], [])
        group.payloads.append(payload)
        group.senders.append((sender, record.client_seq))
        self._bytes += len(payload)
        if self._bytes >= GROUP_BYTES:
            self._begin()

    def _begin(self) -> None:
        groups, self._groups, self._bytes = self._groups, {}, 0
        for video_id, group in groups.items():
            appending = self._log.append_all(partition_of(video_id), video_id, group.payloads)
            appending.add_done_callback(partial(_tell, group.senders))


def _tell(senders: list[tuple[Sender, int]], appending: "asyncio.Future[int]") -> None:
    if appending.cancelled():  # nobody is served any more
        return
    error = appending.exception()
    if isinstance(error, SomeFailed):
        for place, each in error.errors.items():
            _tell_lost([senders[place]], each)
        senders = [sender for place, sender in enumerate(senders) if place not in error.errors]
    elif error is not None:
        _tell_lost(senders, error)
        return
    metrics.APPENDED.counts[""] += len(senders)
    for sender, _ in senders:
        if sender.in_trouble:
            sender.landed()


def _tell_lost(senders: list[tuple[Sender, int]], error: BaseException) -> None:
    failure = _failure(error, len(senders))
    for sender, client_seq in senders:
        sender.lost(client_seq, failure)
