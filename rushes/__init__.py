"""Rushes for programs: `rushes.connect(address, email=..., password=...)` and what comes back from it.

Everything is imported when it is first used, so that services which only need the messages stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushes.client.client import Client, connect
    from rushes.client.session import Session

__all__ = ["Client", "Session", "connect"]

_WHERE = {"Client": "rushes.client.client", "connect": "rushes.client.client", "Session": "rushes.client.session"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"rushes has no {name}")
    return getattr(import_module(_WHERE[name]), name)
