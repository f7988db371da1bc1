"""Where the store is and which tables it has, for whoever brings it up before the service starts."""

from pathlib import Path

from mesh.config import load
from mesh.migration import Schema
from svc_project.config import Config
from svc_project.stores.schema import SCHEMA


def url_of(config: Config, data: Path) -> str:
    """The database of these settings: a file in the data folder, or the server that they name."""
    return config.database or f"sqlite:///{data / 'project' / 'project.db'}"


def is_shared(config: Config) -> bool:
    """Whether other instances may use the same store: it is on a server."""
    return bool(config.database) and not config.database.startswith("sqlite")


def store(data: Path) -> tuple[str, Schema]:
    """The database of the settings that this process has, and its tables."""
    return url_of(load(Config, "project", argv=()), data), SCHEMA
