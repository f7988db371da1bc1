"""What `python -m gateway` alone is told on its command line, checked before anything is opened."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MAX_RECEIVE_BYTES: Final = 4 * 1024 * 1024
LARGEST_BYTES: Final = 1 << 30
"""A message is held in memory as a whole, and its length in a frame has 32 bits."""

MOST_CONNECTIONS: Final = 1_000_000

DESCRIPTION: Final = """\
Stands in front of any gRPC server, without users: browsers reach all of its methods by gRPC-Web (binary and text),
and those with streams of the browser's by WebSocket (grpc-websockets, rushes-streams). It also answers /healthz,
/readyz and /metrics.
"""
EPILOG: Final = """\
example: python -m gateway --listen 127.0.0.1:8080 --upstream 127.0.0.1:50051 --origin https://page.example.com

Without arguments it is a part of Rushes, told by its configuration: see docs/gateway.md.
"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for."""

    host: str
    port: int
    """0: any that is free; the log says which."""
    upstream: str
    max_receive_bytes: int
    origins: tuple[str, ...]
    reuse_port: bool
    address_connections: int = 0
    """0: any."""


def address(text: str, *, lowest: int = 0) -> tuple[str, int]:
    """HOST:PORT, the host in brackets if it has colons. Raises ArgumentTypeError."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    known = port.isascii() and port.isdecimal() and len(port) <= 5 and lowest <= int(port) <= 65_535
    if not colon or not known or (":" in bare and bare == host):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return bare or "127.0.0.1", int(port)


def upstream(text: str) -> str:
    """HOST:PORT, or unix: and a path. Raises ArgumentTypeError."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return text
    address(text, lowest=1)
    return text


def _bytes(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= LARGEST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes from 1 to {LARGEST_BYTES}")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST_CONNECTIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_CONNECTIONS}")
    return int(text)


def origin(text: str) -> str:
    """As a browser writes it: scheme, host, and a port if it is not the usual one. Raises ArgumentTypeError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise argparse.ArgumentTypeError(f"{text!r} is not an origin, such as https://page.example.com")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--listen", required=True, type=address, metavar="HOST:PORT", help="where browsers reach it")
    parser.add_argument(
        "--upstream", required=True, type=upstream, metavar="HOST:PORT", help="a gRPC server without TLS, or unix:PATH"
    )
    parser.add_argument(
        "--max-recv",
        type=_bytes,
        default=MAX_RECEIVE_BYTES,
        metavar="BYTES",
        help=f"the largest message (default: {MAX_RECEIVE_BYTES})",
    )
    parser.add_argument(
        "--origin", action="append", default=[], type=origin, help="whose pages may call; repeatable (default: all)"
    )
    parser.add_argument("--reuse-port", action="store_true", help="several processes may listen there")
    parser.add_argument(
        "--address-connections",
        type=_count,
        default=0,
        metavar="N",
        help="the most connections of one address, WebSockets among them (default: any)",
    )
    return parser


def parse(arguments: Sequence[str]) -> Arguments:
    """Reads a command line; says what is wrong with it and exits, as argparse does."""
    given = _parser().parse_args(arguments)
    host, port = given.listen
    return Arguments(
        host,
        port,
        given.upstream,
        given.max_recv,
        tuple(given.origin),
        given.reuse_port,
        given.address_connections,
    )
