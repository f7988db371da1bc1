"""What becomes of appends, once it is known: those of many sessions are looked at together."""

import asyncio
from functools import partial
from typing import Protocol

from rushes.errors import Unavailable
from svc_annotation import metrics
from svc_annotation.stores import LogFull, LogReadOnly


class Sender(Protocol):
    """Whose batch is on its way into the log."""

    @property
    def in_trouble(self) -> bool:
        """Its last one was lost: it is told of the next that lands."""

    def landed(self) -> None:
        """It is durable."""

    def lost(self, client_seq: int, error: Exception) -> None:
        """It may be durable or not, and is sent again if it is to be."""


def finish_append(appending: "asyncio.Future[int]") -> None:
    """Raises, if it failed, a subclass of Unavailable; LogReadOnly if the disk is full: the log recovers by itself."""
    try:
        appending.result()
    except LogFull as error:
        metrics.APPEND_FAILED.labels(error.reason).inc()
        raise LogReadOnly(f"nothing can be written at the moment: {error.message}") from error
    except Unavailable as error:
        metrics.APPEND_FAILED.labels(error.reason).inc()
        raise
    metrics.APPENDED.counts[""] += 1


class Appends:
    """What sessions append. Hundreds begin in one turn of the loop and are durable by one sync: so they are looked at
    together once the last of them is done, since a callback for each costs as much as all else that the append does.
    """

    def __init__(self) -> None:
        self._begun: list[tuple[asyncio.Future[int], Sender, int]] = []

    def add(self, appending: "asyncio.Future[int]", sender: Sender, client_seq: int) -> None:
        """One that has begun."""
        if not self._begun:
            appending.get_loop().call_soon(self._watch)
        self._begun.append((appending, sender, client_seq))

    def _watch(self) -> None:
        begun, self._begun = self._begun, []
        begun[-1][0].add_done_callback(lambda _: self._look(begun))

    def _look(self, begun: "list[tuple[asyncio.Future[int], Sender, int]]") -> None:
        count = 0
        for appending, sender, client_seq in begun:
            if not appending.done():
                appending.add_done_callback(partial(_tell, sender, client_seq))
            elif appending.cancelled() or appending.exception() is not None:
                _tell(sender, client_seq, appending)
            else:
                count += 1
                if sender.in_trouble:
                    sender.landed()
        metrics.APPENDED.counts[""] += count


def _tell(sender: Sender, client_seq: int, appending: "asyncio.Future[int]") -> None:
    if appending.cancelled():  # nobody is served any more
        return
    try:
        finish_append(appending)
    except Exception as error:
        sender.lost(client_seq, error)
    else:
        sender.landed()
