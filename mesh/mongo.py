"""MongoDB as stores use it: who writes waits for the majority, who asks gives up in time."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

Document = dict[str, Any]

DATABASE: Final = "rushes"
_ALREADY_SHARDED: Final = 20
_UNKNOWN: Final = 59
_DUPLICATE: Final = 11_000
_ASK_MS: Final = 5_000


def connect(url: str, service: str) -> "AsyncMongoClient[Document]":
    """A client whose writes are on most members before they count, and which gives up in time."""
    return AsyncMongoClient(
        url,
        w="majority",
        retryWrites=False,
        retryReads=False,
        serverSelectionTimeoutMS=_ASK_MS,
        connectTimeoutMS=3_000,
        socketTimeoutMS=20_000,
        appname=service,
    )


def database_of(client: "AsyncMongoClient[Document]") -> "AsyncDatabase[Document]":
    """The database that the address names, or the usual one."""
    return client.get_default_database(DATABASE)


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether all that failed in a bulk was there already, and what was written is on most members."""
    details = error.details
    wrong = details.get("writeErrors", [])
    return bool(wrong) and not details.get("writeConcernErrors") and all(each["code"] == _DUPLICATE for each in wrong)


async def shard(database: "AsyncDatabase[Document]", keys: Mapping[str, Mapping[str, int | str]]) -> bool:
    """Spreads collections over the shards; False: this is no sharded cluster."""
    admin = database.client.admin
    try:
        hello = await admin.command("hello")
    except OperationFailure as error:
        if error.code != _UNKNOWN:
            raise
        return False  # every router that is still in use knows it
    if hello.get("msg") != "isdbgrid":
        return False
    for name, key in keys.items():
        try:
            await admin.command("shardCollection", f"{database.name}.{name}", key=dict(key))
        except OperationFailure as error:
            if error.code != _ALREADY_SHARDED:
                raise
    return True


async def set_up(
    url: str,
    command: str,
    prepare: "Callable[[AsyncDatabase[Document]], Awaitable[None]]",
    keys: Mapping[str, Mapping[str, int | str]],
) -> int:
    """What an operator's command does: makes the indexes and spreads the collections; gives the exit code."""
    if not url:
        sys.stderr.write(f"Say which MongoDB: rushes {command} --url mongodb://...\n")
        return 2
    client = connect(url, f"rushes-{command}")
    try:
        database = database_of(client)
        await prepare(database)
        sharded = await shard(database, keys)
    except PyMongoError as error:
        sys.stderr.write(f"MongoDB cannot be set up: {error}\n")
        return 1
    finally:
        await client.close()
    spread = "spread over the shards" if sharded else "not spread: this is no sharded cluster"
    sys.stdout.write(f"The indexes of {', '.join(keys)} in {database.name} are there; they are {spread}.\n")
    return 0
