"""The command `rushes versions-setup`. What it needs of MongoDB's driver is imported only when it runs."""

import argparse
import asyncio
import os

VARIABLE = "RUSHES_VERSION__MONGO"


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
