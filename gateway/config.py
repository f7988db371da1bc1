"""Settings of the gateway."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Section `gateway`: environment RUSHES_GATEWAY__FIELD."""

    listen: str = "unix:/tmp/rushes-gateway.sock"
    """Where its own gRPC server (health, reflection) listens, for the mesh."""

    door_listen: str = "unix:/tmp/rushes-door.sock"
    """Where connections that speak HTTP/2 are handed to; private to the gateway."""

    host: str = "127.0.0.1"
    """Address that people and programs reach it at."""

    port: int = 8080
    """Port that people and programs reach it at; 0: any."""

    reuse_port: bool = False
    """Several gateways may listen at this port, and the kernel gives each connection to one of them."""

    web: Path = field(default_factory=lambda: Path(__file__).resolve().parent.parent / "web" / "dist")
    """Folder of the built page."""

    tls_certificate: str = ""
    """PEM file of the certificate and its chain; empty: no TLS."""

    tls_key: str = ""
    """PEM file of its key."""

    allowed_origins: tuple[str, ...] = ()
    """Other origins whose pages may call, such as https://review.example.com; the gateway's own needs no entry."""

    max_message_bytes: int = 4 * 1024 * 1024
    """Largest gRPC message taken from outside."""

    max_socket_message_bytes: int = 512 * 1024
    """Largest WebSocket message taken from a browser."""

    merge_bytes_s: int = 256 * 1024
    """Bytes a second of a video's commits past which `auto` viewers get merged states, where those are much smaller."""

    max_viewers: int = 15_000
    """Most WebSockets at once."""

    address_connections: int = 2_000
    """Most connections at once from one address, WebSockets among them. Those of trusted proxies do not count, but each
    WebSocket through them does, for the address that it comes from. 0: any."""

    person_streams: int = 200
    """Most calls that stay open at once of one person; of one address ten times as many. 0: any."""

    begin_s: float = 10.0
    """Seconds in which a connection must say what it wants: the head of a request, the opening of a call."""

    slow_reader_s: float = 30.0
    """Seconds that a reader of notes may be behind, or take nothing, before it is cut."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose X-Forwarded-For says where a request comes from, such as 10.0.0.0/8."""

    person_calls_s: float = 100.0
    """Calls a second of one person, twice that at once; one address ten times as many. Media do not count. 0: any."""

    sign_ins_s: float = 5.0
    """Sign-ins a second from one address, four times that at once. 0: any."""

    method_calls_s: dict[str, str] = field(default_factory=dict)
    """Path of a method -> calls a second of it that one person may make, besides."""

    redis: str = ""
    """Address of a Redis, redis://HOST:PORT/DB, in which gateways count calls together; empty: each for itself."""
