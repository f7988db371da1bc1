"""The `rushes` command. What it can do is found by the entry-point group `rushes.commands`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code."""
    parser = argparse.ArgumentParser(prog="rushes", description="Self-hosted, real-time video review.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for entry in sorted(entry_points(group="rushes.commands"), key=lambda entry: entry.name):
        entry.load()(commands)
    arguments = parser.parse_args(argv)
    code: int = arguments.run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
