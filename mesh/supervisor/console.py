"""What a person before the terminal sees of the services' logs: warnings, in short."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

READ_BYTES = 64 * 1024
LARGEST_BYTES = 32 * 1024 * 1024
BURST = 5
EVERY_S = 10.0
_SHOWN = frozenset(("WARNING", "ERROR", "CRITICAL"))
_KNOWN = frozenset(("time", "level", "service", "logger", "event", "exception", "request_id", "method"))


def brief(line: bytes) -> str:
    """A line of a log as a person reads it; empty: nothing to show."""
    try:
        record = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(record, dict) or record.get("level") not in _SHOWN:
        return ""
    details = [f"{name}={str(value)[:80]}" for name, value in record.items() if name not in _KNOWN]
    cause = str(record.get("exception", "")).strip().rpartition("\n")[2][:200]
    text = " ".join((str(record.get("event", ""))[:200], *details[:4]))
    return f"{record.get('service', '?')}: {text}" + (f" ({cause})" if cause else "")


class LogTail:
    """Follows one service's log, says what is worth it, and keeps the file from growing without end."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._said: list[float] = []
        self._left_out = 0

    def follow(self) -> None:
        """Says what is new."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._offset:
            self._offset, self._rest = 0, b""
        if size > self._offset:
            with self._path.open("rb") as file:
                file.seek(max(self._offset, size - READ_BYTES))
                data = file.read(READ_BYTES)
                self._offset = file.tell()
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._rest = self._rest[-READ_BYTES:]
            for line in lines:
                self._show(brief(line))
        if size > LARGEST_BYTES:
            self._begin_anew()

    def _show(self, text: str) -> None:
        if not text:
            return
        now_s = time.monotonic()
        self._said = [at_s for at_s in self._said if at_s > now_s - EVERY_S]
        if len(self._said) >= BURST:
            self._left_out += 1
            return
        if self._left_out:
            text += f" (and {self._left_out} more in {self._path})"
            self._left_out = 0
        self._said.append(now_s)
        self._say(f"  {text}")

    def _begin_anew(self) -> None:
        # The service holds the file open for appending, so it is copied and emptied, not renamed.
        with contextlib.suppress(OSError):
            shutil.copyfile(self._path, self._path.with_suffix(".log.1"))
            os.truncate(self._path, 0)
            self._offset = 0


def last_lines(path: Path, count: int) -> str:
    """The end of a log, indented."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - READ_BYTES))
            lines = file.read(READ_BYTES).decode(errors="replace").splitlines()[-count:]
    except OSError:
        return ""
    return "\n".join(f"    {line[:400]}" for line in lines)
