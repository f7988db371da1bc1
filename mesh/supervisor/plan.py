"""What is started, where each part listens, and what it is told: pure."""

import json
from dataclasses import dataclass, field
from pathlib import Path

SERVICES = ("svc_project", "svc_media", "svc_annotation", "gateway")
BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
STEADY_S = 30.0
FIRST_TRIES = 3
"""Deaths after which a service that never was ready is given up."""

GRACE_S = 4.0
"""What calls in progress have when all stops: all is over within ten seconds."""


@dataclass(frozen=True)
class Plan:
    """Addresses and environment of one mesh on one machine."""

    data: Path
    run: Path
    secret: str
    host: str
    port: int
    tls: tuple[str, str] | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def socket(self, name: str) -> str:
        """gRPC address of a part: a Unix socket in the private run folder."""
        return f"unix:{self.run}/{name}.sock"

    def environment(self, name: str) -> dict[str, str]:
        """What the service is told by its environment."""
        services = {service: self.socket(service) for service in SERVICES}
        services["svc_media.http"] = self.socket("media-http")
        section = name.removeprefix("svc_").upper()
        told = {
            "RUSHES_MESH__DATA": str(self.data),
            "RUSHES_MESH__SECRET": self.secret,
            "RUSHES_MESH__SERVICES": json.dumps(services),
            "RUSHES_MESH__GRACE_S": str(GRACE_S),
            f"RUSHES_{section}__LISTEN": self.socket(name),
        }
        if name == "svc_media":
            told["RUSHES_MEDIA__HTTP_LISTEN"] = services["svc_media.http"]
        if name == "gateway":
            told["RUSHES_GATEWAY__DOOR_LISTEN"] = self.socket("door")
            told["RUSHES_GATEWAY__HOST"] = self.host
            told["RUSHES_GATEWAY__PORT"] = str(self.port)
            if self.tls is not None:
                told["RUSHES_GATEWAY__TLS_CERTIFICATE"], told["RUSHES_GATEWAY__TLS_KEY"] = self.tls
        return told | self.extra


def backoff_s(deaths: int) -> float:
    """How long to wait before the next start, after so many deaths in a row."""
    return BACKOFF_S[min(deaths, len(BACKOFF_S)) - 1] if deaths else 0.0


def reachable(address: str) -> str:
    """An address that one can go to from this machine: "all addresses" is none."""
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if host in ("0.0.0.0", "::", "[::]", ""):
        host = "127.0.0.1"
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{scheme}://{host}:{port}" if port else ""
