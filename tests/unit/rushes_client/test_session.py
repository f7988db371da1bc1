"""When a session opens its stream again."""

from collections.abc import Iterator

import pytest

from rushes.client import session
from rushes.client.connection import Connection
from rushes.errors import PermissionDenied, Unavailable


class Waits:
    """Three waits that take no time, and are written down by their place."""

    def __init__(self) -> None:
        self.waited: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, at: int) -> float:
        self.waited.append(at)
        return 0.0


class Scripted(session.Session):
    """A session whose streams end as they are told to."""

    def __init__(self, ends: Iterator[bool | Exception]) -> None:
        super().__init__(Connection("http://127.0.0.1:9", email="", password="", session="secret", ca=None), 7, 0)
        self._ends = ends

    async def _stream(self) -> bool:
        end = next(self._ends)
        if isinstance(end, Exception):
            raise end
        return end


async def test_who_is_refused_again_and_again_goes_on_at_once_and_who_is_cut_waits_longer_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Waits()
    monkeypatch.setattr(session, "WAITS_S", waits)
    cut = Unavailable("nobody is there")
    one = Scripted(iter((True, True, True, cut, False, cut, cut, True, PermissionDenied("no more"))))
    with pytest.raises(PermissionDenied):
        await one.__aenter__()
    assert waits.waited == [0, 0, 0, 1, 2, 2, 2, 0]
