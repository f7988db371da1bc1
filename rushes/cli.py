"""The `rushes` command. What it can do is found by the entry-point group `rushes.commands`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

FIRST = ("up", "account", "upload", "notes", "exchange")
"""Of the entry points, those that most people need; the rest is for operators."""


def _place(entry: EntryPoint) -> tuple[int, str]:
    return (FIRST.index(entry.name) if entry.name in FIRST else len(FIRST)), entry.name


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code."""
    # What gRPC notes of its tries is in the way of what a command says.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    parser = argparse.ArgumentParser(prog="rushes", description="Self-hosted, real-time video review.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for entry in sorted(entry_points(group="rushes.commands"), key=_place):
        entry.load()(commands)
    arguments = parser.parse_args(argv)
    if "run" not in arguments:
        parser.print_help(sys.stderr)
        return 2
    code: int = arguments.run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
