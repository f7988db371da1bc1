"""One Rushes a data folder: the lock that it holds, and its children with it, until the last of them is gone."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

ENDING_S = 15.0
"""How long what is left of an earlier run may take to end; services end sooner."""


class InUse(Exception):
    """Another Rushes runs on the folder."""


class DataLock:
    """A locked file in the data folder. The descriptor is inherited on purpose: a service that outlives its supervisor
    still writes there.
    """

    def __init__(self, data: Path, say: Callable[[str], None]) -> None:
        """Waits for what is left of an earlier run whose supervisor was killed. Raises InUse, OSError."""
        self._descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(data, say)
        except BaseException:
            os.close(self._descriptor)
            raise
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        os.set_inheritable(self._descriptor, True)

    def _take(self, data: Path, say: Callable[[str], None]) -> None:
        end_s = time.monotonic() + ENDING_S
        said = False
        while not self._try():
            owner = self._owner()
            if (owner and _is_alive(owner)) or time.monotonic() > end_s:
                who = f" (process {owner})" if owner else ""
                raise InUse(
                    f"Another Rushes{who} is running on {data}. Stop it first, or choose another folder with --data."
                )
            if not said:
                say("Services of an earlier run are still ending ...")
                said = True
            time.sleep(0.05)

    def _try(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _owner(self) -> int:
        text = os.pread(self._descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0

    def release(self) -> None:
        """Lets the folder go, as far as this process is concerned."""
        os.close(self._descriptor)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
