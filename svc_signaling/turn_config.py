"""The command `rushes turn-config`."""

import argparse
import ipaddress
import os
import re
import sys
from pathlib import Path

from svc_signaling.core.turn import Relay, configuration

VARIABLE = "RUSHES_SIGNALING__TURN_SECRET"
SECRET_CHARACTERS = 16


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "turn-config", help="write the configuration of a coturn for live sessions (operators)"
    )
    parser.add_argument("--realm", required=True, help="name of the TURN server, such as turn.example.com")
    parser.add_argument("--address", required=True, help="IPv4 address that it listens on and relays from")
    parser.add_argument("--public", default="", help="IPv4 address that others know it by, where that is another")
    parser.add_argument("--port", type=int, default=3478, help="port (default: 3478)")
    parser.add_argument("--ports", default="49160-49999", help="ports of relays (default: 49160-49999)")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        help="address of a forwarder: nothing else is relayed to; may be repeated",
    )
    parser.add_argument("--certificate", default="", help="PEM file: TURN over TLS on port 5349 too")
    parser.add_argument("--key", default="", help="PEM file of its key")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes it; gives the exit code."""
    try:
        text = configuration(relay_of(arguments, os.environ.get(VARIABLE, "")))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.out is None:
        sys.stdout.write(text)
        return 0
    # It holds the secret: nobody else reads it, from the beginning.
    descriptor = os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return 0


def relay_of(arguments: argparse.Namespace, secret: str) -> Relay:
    """What was asked for. Raises ValueError."""
    if len(secret) < SECRET_CHARACTERS or not re.fullmatch(r"[\w.~+/=-]+", secret, re.ASCII):
        raise ValueError(
            f"{VARIABLE} is what svc_signaling and coturn share: at least {SECRET_CHARACTERS} letters and digits."
        )
    if not re.fullmatch(r"[a-zA-Z0-9.-]{1,253}", arguments.realm):
        raise ValueError("The realm is a name such as turn.example.com.")
    addresses = [arguments.address, *filter(None, [arguments.public]), *arguments.peer]
    for each in addresses:
        ipaddress.IPv4Address(each)
    first, _, last = arguments.ports.partition("-")
    ports = [int(first), int(last or first), arguments.port]
    if not all(0 < each < 65_536 for each in ports) or ports[0] > ports[1]:
        raise ValueError("Ports are numbers up to 65535, the first before the last.")
    if bool(arguments.certificate) != bool(arguments.key) or "\n" in arguments.certificate + arguments.key:
        raise ValueError("TLS needs both --certificate and --key.")
    return Relay(
        arguments.realm,
        secret,
        arguments.address,
        arguments.public,
        arguments.port,
        ports[0],
        ports[1],
        tuple(arguments.peer),
        arguments.certificate,
        arguments.key,
    )
