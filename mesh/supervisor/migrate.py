"""The command `rushes migrate`: the SQL stores of all services are brought up before any of them starts."""

import argparse
import asyncio
import importlib
import os
import sys
from pathlib import Path

STORES = ("svc_project", "svc_media", "svc_annotation", "svc_version", "svc_signaling")
"""Services whose stores have migrations; where each is its module `setup` says."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("migrate", help="bring the SQL stores up to this release (operators)")
    options(parser)


def options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    default = os.environ.get("RUSHES_MESH__DATA") or os.environ.get("RUSHES_DATA", "data")
    parser.add_argument("--data", type=Path, default=Path(default), help=f"folder of all stores (default: {default})")
    parser.set_defaults(run=lambda arguments: asyncio.run(migrate_all(arguments.data.resolve())))


async def migrate_all(data: Path) -> int:
    """Brings all up; gives the exit code. What fails keeps none of the others from being brought up."""
    failed = 0
    for service in STORES:
        try:
            print(f"{service}: {await _migrate(service, data)}", flush=True)
        except Exception as error:
            print(f"{service}: the store cannot be brought up: {error}", file=sys.stderr)
            failed = 1
    return failed


async def _migrate(service: str, data: Path) -> str:
    from mesh.migration import migrate
    from mesh.sql import Database

    url, schema = importlib.import_module(f"{service}.setup").store(data)
    if not url:
        return "MongoDB has the store."
    if url.startswith(f"sqlite:///{data}/"):
        (data / service.removeprefix("svc_")).mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(url)
    try:
        found = await database.run(lambda connection: migrate(connection, schema))
    finally:
        await database.close()
    if not found:
        return f"the store is new, or older than migrations; it is at {schema.head} now."
    return f"revision {found} was there already." if found >= schema.head else f"from {found} to {schema.head}."


def main() -> None:
    """For `python -m mesh.supervisor.migrate`."""
    parser = argparse.ArgumentParser()
    options(parser)
    arguments = parser.parse_args()
    sys.exit(arguments.run(arguments))


if __name__ == "__main__":
    main()
