"""Which server a command talks to and as whom, and the command `rushes sign-in`."""

import argparse
import asyncio
import contextlib
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import rushes
from rushes.errors import RushesError, Unauthenticated, Unavailable

DEFAULT_SERVER = "http://127.0.0.1:8080"


def kept_file() -> Path:
    """Where sessions are kept."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "rushes" / "sessions.json"


def _kept() -> dict[str, str]:
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept: dict[str, str] = json.loads(kept_file().read_text())
        return kept
    return {}


def keep(server: str, secret: str) -> None:
    """Keeps a session's secret, readable for its owner alone."""
    path = kept_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    text = json.dumps({**_kept(), server: secret})
    with os.fdopen(descriptor, "w") as file:
        file.truncate()
        file.write(text)


def add_server(parser: argparse.ArgumentParser) -> None:
    """The options that say which server, and as whom."""
    default = os.environ.get("RUSHES_SERVER", DEFAULT_SERVER)
    parser.add_argument("--server", default=default, help=f"address (or RUSHES_SERVER; default: {default})")
    parser.add_argument("--ca", type=Path, help="PEM file of the authority to trust (tls/authority.pem of the server)")


def add_video(parser: argparse.ArgumentParser) -> None:
    """Which video a command is about."""
    parser.add_argument("video", type=int, metavar="VIDEO", help="its number: `rushes list` shows them")


def client(arguments: argparse.Namespace) -> "rushes.Client":
    """A client as RUSHES_EMAIL and RUSHES_PASSWORD say, else with the session kept by sign-in."""
    ca = arguments.ca.read_bytes() if arguments.ca else None
    email, password = os.environ.get("RUSHES_EMAIL", ""), os.environ.get("RUSHES_PASSWORD", "")
    if email:
        return rushes.connect(arguments.server, email=email, password=password, ca=ca)
    secret = _kept().get(arguments.server, "")
    if not secret:
        raise Unauthenticated(
            f"Not signed in to {arguments.server}. Run: rushes sign-in --server {arguments.server} "
            "(or set RUSHES_EMAIL and RUSHES_PASSWORD)"
        )
    return rushes.connect(arguments.server, session=secret, ca=ca)


def command(work: Callable[[argparse.Namespace], Awaitable[int]]) -> Callable[[argparse.Namespace], int]:
    """Makes an asynchronous command one that is run, and its errors lines that a person reads."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            return asyncio.run(_waited(work(arguments)))
        except KeyboardInterrupt:
            return 130
        except Unavailable as error:
            # So ends a connection without TLS to who wants it.
            closed = "Socket closed" in error.metadata.get("cause", "") and not arguments.server.startswith("https:")
            hint = " With TLS its address begins with https://" if closed else ""
            print(f"rushes: {arguments.server}: {error}{hint}", file=sys.stderr)
            return 1
        except OSError as error:
            said = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
            print(f"rushes: {said}", file=sys.stderr)
            return 1
        except RushesError as error:
            print(f"rushes: {error}", file=sys.stderr)
            return 1
        except BaseExceptionGroup as group:
            print(f"rushes: {group.exceptions[0]}", file=sys.stderr)
            return 1

    return run


async def _waited(work: Awaitable[int]) -> int:
    return await work


async def sign_in(arguments: argparse.Namespace) -> int:
    """Signs in and keeps the session."""
    email, password = arguments.email, os.environ.get("RUSHES_PASSWORD", "")
    try:
        email = email or await asyncio.to_thread(input, "E-mail: ")
        password = password or await asyncio.to_thread(getpass.getpass)
    except EOFError:
        raise Unauthenticated("Nobody is here to be asked: give --email, and set RUSHES_PASSWORD") from None
    ca = arguments.ca.read_bytes() if arguments.ca else None
    async with rushes.connect(arguments.server, email=email, password=password, ca=ca) as connected:
        me = await connected.me()
        keep(arguments.server, connected.session_secret)
    print(f"Signed in to {arguments.server} as {me.name}.")
    return 0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `sign-in`."""
    parser = subparsers.add_parser("sign-in", help="sign in to a server and keep the session")
    add_server(parser)
    parser.add_argument("--email", default=os.environ.get("RUSHES_EMAIL", ""))
    parser.set_defaults(run=command(sign_in))
