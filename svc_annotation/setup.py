"""Where history is, for whoever brings it up before the service starts, and the command `rushes mongo-setup`.
Every `rushes` command imports this: what needs SQL or MongoDB's driver is imported where it is used.
"""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mesh.config import load
from svc_annotation.config import AnnotationConfig

if TYPE_CHECKING:
    from mesh.migration import Schema

VARIABLE = "RUSHES_ANNOTATION__MONGO"
FOLDER: Final = "annotation"
HISTORY: Final = "history.sqlite"
"""In the folder of this service in the data folder."""


def url_of(config: AnnotationConfig, data: Path) -> str:
    """The database of these settings: a file in the data folder; "" with MongoDB."""
    return "" if config.mongo else f"sqlite:///{data / FOLDER / HISTORY}"


def store(data: Path) -> "tuple[str, Schema]":
    """The database of the settings that this process has, and its tables."""
    from svc_annotation.stores.table import SCHEMA

    return url_of(load(AnnotationConfig, "annotation", argv=()), data), SCHEMA


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("mongo-setup", help="make history's indexes and shards in MongoDB (operators)")
    parser.add_argument("--url", default=os.environ.get(VARIABLE, ""), help=f"mongodb://... (default: {VARIABLE})")
    parser.set_defaults(run=lambda arguments: asyncio.run(set_up(arguments.url)))


async def set_up(url: str) -> int:
    """Sets up the database that an address names; gives the exit code."""
    from mesh import mongo
    from svc_annotation.stores.mongo_schema import SHARD_KEYS, prepare

    return await mongo.set_up(url, "mongo-setup", prepare, SHARD_KEYS)
