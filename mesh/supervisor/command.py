"""The command `rushes up`."""

import argparse
import importlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from mesh.supervisor.lock import DataLock, InUse
from mesh.supervisor.plan import NEEDED, PEOPLE, VERSIONS, Plan, scale_of
from mesh.supervisor.watch import Supervisor

PRELOADED = (
    "asyncio",
    "uvloop",
    "grpc",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_reflection.v1alpha.reflection",
    "google.protobuf.message",
    "prometheus_client",
    "jwt",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "sqlalchemy",
    "aiohttp",
    "aiohttp.web",
    "mesh.service",
    "mesh.sql",
)
"""Imported before the services are forked, so that they share the memory. None of them starts a thread."""

LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = subparsers.add_parser("up", help="start everything on this machine and watch over it")
    default = os.environ.get("RUSHES_DATA", "data")
    parser.add_argument("--data", type=Path, default=Path(default), help=f"folder of all stores (default: {default})")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8080"), help="port (default: 8080)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1; any other turns TLS on)"
    )
    parser.add_argument("--ready-file", type=Path, help="write a JSON with every address here once all is healthy")
    parser.add_argument("--exec", action="store_true", help="begin each service anew instead of forking it")
    parser.add_argument(
        "--profile",
        choices=("single", "cluster"),
        default="single",
        help="cluster: notes are kept in Kafka and MongoDB, whose addresses the environment has (docs/operations.md)",
    )
    parser.add_argument("--scale", default="", help="instances, as annotation=2,gateway=2,sfu=2 (default: one of each)")
    parser.set_defaults(run=up)


def say(text: str) -> None:
    """A line for whoever sits before it."""
    print(text, flush=True)


def up(arguments: argparse.Namespace) -> int:
    """Starts everything; ends with SIGINT (Ctrl+C) or SIGTERM."""
    data: Path = arguments.data.resolve()
    trouble = _profile_trouble(arguments) or _port_trouble(arguments.host, arguments.port)
    if trouble:
        say(trouble)
        return 1
    try:
        for folder in (data, data / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = DataLock(data, say)
    except InUse as error:
        say(str(error))
        return 1
    except OSError as error:
        say(
            f"The data folder {data} cannot be used: {error.strerror or error}. "
            'Choose another: rushes up --data FOLDER (make run ARGS="--data FOLDER").'
        )
        return 1
    try:
        # Not below TMPDIR: the address of a Unix socket has at most some 100 characters.
        run = Path(tempfile.mkdtemp(prefix="rushes-", dir="/tmp"))
    except OSError as error:
        say(f"The services' sockets cannot be put below /tmp: {error.strerror or error}.")
        lock.release()
        return 1
    try:
        if arguments.ready_file is not None:
            arguments.ready_file.unlink(missing_ok=True)
        return _supervise(arguments, data, run)
    finally:
        shutil.rmtree(run, ignore_errors=True)
        lock.release()


def _supervise(arguments: argparse.Namespace, data: Path, run: Path) -> int:
    say("Rushes is starting ...")
    tls = None
    if arguments.host not in LOOPBACK:
        from mesh import tls as authority

        tls = authority.certificate(data / "tls", authority.names_of(arguments.host))
    exec_mode: bool = arguments.exec or not preload()
    plan = Plan(
        data,
        run,
        secrets.token_hex(32),
        arguments.host,
        arguments.port,
        tls=tls,
        cluster=arguments.profile == "cluster",
        scale=scale_of(arguments.scale),
        media_port=int(os.environ.get("RUSHES_SFU__PORT", 0)),
    )
    supervisor = Supervisor(plan, say, ready_file=arguments.ready_file, exec_mode=exec_mode)
    return supervisor.run(lambda described: _greet(described, data, arguments.host))


def preload() -> bool:
    """Imports what the services share. Gives whether this process may fork: it must have one thread."""
    # Read by gRPC as it is imported. Services start processes by exec alone, where its fork handlers are in the way.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    for module in PRELOADED:
        importlib.import_module(module)
    return threads() == 1


def threads() -> int:
    """Threads of this process, those that Python does not know of too."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def _greet(described: dict[str, Any], data: Path, host: str) -> None:
    address = described["address"]
    say("")
    if host in LOOPBACK:
        say(f"  Rushes is ready:  {address}")
    else:
        _greet_away(address, data, host)
    first = data / "project" / "first-sign-in.json"
    if first.exists():
        sign_in = json.loads(first.read_text())
        say(f"  First sign-in:    {sign_in['email']}   password: {sign_in['password']}")
        say("                    (shown until you change the password: behind your picture, top right)")
    say(f"  Data and logs:    {data}")
    if host in LOOPBACK:
        say('  For this machine alone. For others too:  make run ARGS="--host 0.0.0.0"  (rushes up --host 0.0.0.0)')
    say("  Stop with Ctrl+C.")
    say("")


def _greet_away(address: str, data: Path, host: str) -> None:
    from mesh import tls as authority

    port = address.rsplit(":", 1)[1]
    say("  Rushes is ready:")
    for name in authority.names_of(host):
        say(f"    https://{f'[{name}]' if ':' in name else name}:{port}")
    path = data / "tls" / "authority.pem"
    say("  Browsers warn until they trust the authority of this machine. Copy its certificate to each device, and")
    say("  install it there as a trusted root (system settings of certificates, or the browser's own):")
    say(f"    {path}")
    say(f"    SHA-256 {authority.fingerprint(path)}")


def _profile_trouble(arguments: argparse.Namespace) -> str:
    """What of profile and scale does not go together; empty: nothing."""
    try:
        scale = scale_of(arguments.scale)
    except ValueError as error:
        return f"--scale: {error}."
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if arguments.profile == "cluster" and missing:
        return (
            f"--profile cluster needs to know where the engines are: set {' and '.join(missing)} (docs/operations.md)."
        )
    if arguments.profile != "cluster" and scale.get("svc_annotation", 1) > 1:
        return "Several instances of annotation need --profile cluster: files serve one instance."
    if scale.get("svc_version", 1) > 1 and not any(map(os.environ.get, VERSIONS)):
        return f"Several instances of version need a store that they share: set {' or '.join(VERSIONS)}."
    if scale.get("svc_project", 1) > 1 and not os.environ.get(PEOPLE, "").startswith("postgresql"):
        return f"Several instances of project need a PostgreSQL that they share: set {PEOPLE}."
    return ""


def _port_trouble(host: str, port: int) -> str:
    """Why the address cannot be listened on; empty: it can."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        why = (getattr(error, "strerror", None) or str(error)).removesuffix(".")
        other = 8081 if port != 8081 else 8082
        return (
            f"{host}:{port} cannot be used ({why}). "
            f"Choose another port: rushes up --port {other} (make run PORT={other})."
        )
    return ""


def main() -> None:
    """For `python -m mesh.supervisor.command`."""
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    arguments = parser.parse_args()
    sys.exit(arguments.run(arguments))
