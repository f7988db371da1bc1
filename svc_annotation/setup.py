"""The command `rushes mongo-setup`. What it needs of MongoDB's driver is imported only when it runs."""

import argparse
import asyncio
import os
import sys

VARIABLE = "RUSHES_ANNOTATION__MONGO"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("mongo-setup", help="make history's indexes and shards in MongoDB (operators)")
    parser.add_argument("--url", default=os.environ.get(VARIABLE, ""), help=f"mongodb://... (default: {VARIABLE})")
    parser.set_defaults(run=lambda arguments: asyncio.run(set_up(arguments.url)))


async def set_up(url: str) -> int:
    """Sets up the database that an address names; gives the exit code."""
    from pymongo.errors import PyMongoError

    from svc_annotation.stores.mongo_schema import connect, database_of, prepare, shard

    if not url:
        sys.stderr.write("Say which MongoDB: rushes mongo-setup --url mongodb://...\n")
        return 2
    client = connect(url)
    try:
        database = database_of(client)
        await prepare(database)
        sharded = await shard(database)
    except PyMongoError as error:
        sys.stderr.write(f"MongoDB cannot be set up: {error}\n")
        return 1
    finally:
        await client.close()
    spread = "spread over the shards" if sharded else "not spread: this is no sharded cluster"
    sys.stdout.write(f"The indexes of {database.name} are there; its collections are {spread}.\n")
    return 0
