"""The command `rushes versions-setup`. What it needs of MongoDB's driver is imported only when it runs."""

import argparse
import asyncio
import os
import sys

VARIABLE = "RUSHES_VERSION__MONGO"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("versions-setup", help="make versions' indexes and shards in MongoDB (operators)")
    parser.add_argument("--url", default=os.environ.get(VARIABLE, ""), help=f"mongodb://... (default: {VARIABLE})")
    parser.set_defaults(run=lambda arguments: asyncio.run(set_up(arguments.url)))


async def set_up(url: str) -> int:
    """Sets up the database that an address names; gives the exit code."""
    from pymongo.errors import PyMongoError

    from mesh.mongo import connect, database_of, shard
    from svc_version.stores.mongo_schema import SHARD_KEYS, prepare

    if not url:
        sys.stderr.write("Say which MongoDB: rushes versions-setup --url mongodb://...\n")
        return 2
    client = connect(url, "rushes-version")
    try:
        database = database_of(client)
        await prepare(database)
        sharded = await shard(database, SHARD_KEYS)
    except PyMongoError as error:
        sys.stderr.write(f"MongoDB cannot be set up: {error}\n")
        return 1
    finally:
        await client.close()
    spread = "spread over the shards" if sharded else "not spread: this is no sharded cluster"
    sys.stdout.write(f"The indexes of versions in {database.name} are there; its collections are {spread}.\n")
    return 0
