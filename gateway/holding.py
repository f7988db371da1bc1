"""How many calls that stay open one person, and one address, may have at once at this gateway."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from gateway import metrics
from gateway.core.forwarded import place
from gateway.core.tally import Tally
from gateway.limiter import ADDRESS_PEOPLE
from rushes.errors import ResourceExhausted

RETRY_S: Final = 5.0
"""When somebody who has too many may try again: streams end when pages are closed, not by the moment."""

Release = Callable[[], None]
"""Gives back what was held, once."""


class TooManyStreams(ResourceExhausted):
    """More calls that stay open than one person, or one address, may have at once."""

    reason = "TOO_MANY_STREAMS"


class Streams:
    """See the module. `person_most`: of one person; one address may have what ADDRESS_PEOPLE may. 0: any number."""

    def __init__(self, person_most: int) -> None:
        self._people = Tally(person_most)
        self._addresses = Tally(person_most * ADDRESS_PEOPLE)

    def begin(self, person: str, address: str) -> Release:
        """One more of theirs; `person` is empty where nobody is known for sure. Raises TooManyStreams."""
        address = place(address)
        if self._people.full(person or address) or not self._addresses.take(address):
            metrics.REFUSALS.labels("stream").inc()
            error = TooManyStreams("There are too many open streams of yours; end some, or try again in a moment.")
            error.retry_after_s = RETRY_S
            raise error
        self._people.take(person or address)
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._people.give(person or address)
                self._addresses.give(address)

        return release

    @contextlib.contextmanager
    def held(self, person: str, address: str) -> Iterator[None]:
        """As `begin`, for as long as the block."""
        release = self.begin(person, address)
        try:
            yield
        finally:
            release()
