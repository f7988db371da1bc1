"""Where the store is and which tables it has, for whoever brings it up before the service starts."""

from pathlib import Path

from mesh.config import load
from mesh.migration import Schema
from svc_signaling.config import SignalingConfig
from svc_signaling.stores.table import SCHEMA


def url_of(config: SignalingConfig, data: Path) -> str:
    """The database of these settings: a file in the data folder, or the server that they name."""
    return config.database or f"sqlite:///{data / 'signaling' / 'rooms.db'}"


def store(data: Path) -> tuple[str, Schema]:
    """The database of the settings that this process has, and its tables."""
    return url_of(load(SignalingConfig, "signaling", argv=()), data), SCHEMA
