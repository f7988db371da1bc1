"""Where the store is, for whoever brings it up before the service starts, and the command `rushes versions-setup`.
Every `rushes` command imports this: what needs SQL or MongoDB's driver is imported where it is used.
"""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mesh.config import load
from svc_version.config import VersionConfig

if TYPE_CHECKING:
    from mesh.migration import Schema

VARIABLE = "RUSHES_VERSION__MONGO"


def url_of(config: VersionConfig, data: Path) -> str:
    """The database of these settings: a file in the data folder, or the server that they name; "" with MongoDB."""
    return "" if config.mongo else config.database or f"sqlite:///{data / 'version' / 'versions.sqlite'}"


def store(data: Path) -> "tuple[str, Schema]":
    """The database of the settings that this process has, and its tables."""
    from svc_version.stores.table import SCHEMA

    return url_of(load(VersionConfig, "version", argv=()), data), SCHEMA


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("versions-setup", help="make versions' indexes and shards in MongoDB (operators)")
    parser.add_argument("--url", default=os.environ.get(VARIABLE, ""), help=f"mongodb://... (default: {VARIABLE})")
    parser.set_defaults(run=lambda arguments: asyncio.run(set_up(arguments.url)))


async def set_up(url: str) -> int:
    """Sets up the database that an address names; gives the exit code."""
    from mesh import mongo
    from svc_version.stores.mongo_schema import SHARD_KEYS, prepare

    return await mongo.set_up(url, "versions-setup", prepare, SHARD_KEYS)
