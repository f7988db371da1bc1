"""What is started, where each part listens, and what it is told: pure."""

import json
from dataclasses import dataclass, field
from pathlib import Path

SERVICES = ("svc_project", "svc_media", "svc_annotation", "svc_version", "svc_sfu", "svc_signaling", "gateway")
BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
STEADY_S = 30.0
FIRST_TRIES = 3
"""Deaths after which a service that never was ready is given up."""

MAX_INSTANCES = 16
PROJECTOR = "svc_annotation.projector"
SCALABLE = frozenset(
    ("svc_annotation", "svc_version", "svc_project", "svc_media", "svc_sfu", "svc_signaling", "gateway")
)
NEEDED = ("RUSHES_ANNOTATION__KAFKA", "RUSHES_ANNOTATION__MONGO")
"""What says where the engines are, of which several instances need the same."""
VERSIONS = ("RUSHES_VERSION__MONGO", "RUSHES_VERSION__DATABASE")
"""What says where versions are: several instances of svc_version need one of them."""
PEOPLE = "RUSHES_PROJECT__DATABASE"
"""What says where people and projects are: several instances of svc_project need a server."""

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
    cluster: bool = False
    """Whether the instances keep what they have in common in engines, with a projector beside them."""
    scale: dict[str, int] = field(default_factory=dict)
    """How many instances, of services that have more than one."""
    ports: dict[str, int] = field(default_factory=dict)
    """Of gateways that have chosen one: they come back on it."""
    media_port: int = 0
    """UDP port of the first forwarder, where the operator chose one: the others have those after it."""

    def instances(self, service: str) -> tuple[str, ...]:
        """Names of a service's instances: the first has the service's own, others a number behind it."""
        return (service, *(f"{service}.{number}" for number in range(2, self.scale.get(service, 1) + 1)))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is started."""
        names = tuple(name for service in SERVICES for name in self.instances(service))
        return (*names, PROJECTOR) if self.cluster else names

    def socket(self, name: str) -> str:
        """gRPC address of a part: a Unix socket in the private run folder."""
        return f"unix:{self.run}/{name}.sock"

    def media_http(self, name: str) -> str:
        """HTTP address of an instance of svc_media."""
        return self.socket(name.replace("svc_media", "media-http"))

    def port_of(self, gateway: str) -> int:
        """The port of a gateway: the one asked for, those after it for others; 0 until it has chosen one itself."""
        if gateway in self.ports or not self.port:
            return self.ports.get(gateway, 0)
        return self.port + self.instances("gateway").index(gateway)

    def environment(self, name: str) -> dict[str, str]:
        """What the service is told by its environment."""
        services = {service: ",".join(map(self.socket, self.instances(service))) for service in SERVICES}
        services["svc_media.http"] = ",".join(map(self.media_http, self.instances("svc_media")))
        service = service_of(name)
        section = service.removeprefix("svc_").upper()
        told = {
            "RUSHES_MESH__DATA": str(self.data),
            "RUSHES_MESH__SECRET": self.secret,
            "RUSHES_MESH__SERVICES": json.dumps(services),
            "RUSHES_MESH__GRACE_S": str(GRACE_S),
            f"RUSHES_{section}__LISTEN": self.socket(name),
        }
        if service == "svc_annotation" and self.cluster:
            told["RUSHES_ANNOTATION__ROLE"] = "projector" if name == PROJECTOR else "sessions"
        if service == "svc_media":
            told["RUSHES_MEDIA__HTTP_LISTEN"] = self.media_http(name)
            told["RUSHES_MEDIA__INSTANCE"] = name
        if service == "svc_signaling":
            told["RUSHES_SIGNALING__INSTANCE"] = name
        if service == "svc_sfu":
            told["RUSHES_SFU__HOST"] = self.host
            if self.media_port:
                told["RUSHES_SFU__PORT"] = str(self.media_port + self.instances(service).index(name))
        if service == "gateway":
            told["RUSHES_GATEWAY__DOOR_LISTEN"] = self.socket(name.replace("gateway", "door"))
            told["RUSHES_GATEWAY__HOST"] = self.host
            told["RUSHES_GATEWAY__PORT"] = str(self.port_of(name))
            if self.tls is not None:
                told["RUSHES_GATEWAY__TLS_CERTIFICATE"], told["RUSHES_GATEWAY__TLS_KEY"] = self.tls
        return told | self.extra


def service_of(name: str) -> str:
    """The service of an instance."""
    return name.partition(".")[0]


def scale_of(text: str) -> dict[str, int]:
    """What `--scale annotation=2,gateway=2` says. Raises ValueError with what is wrong."""
    scale: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        short, _, count = part.partition("=")
        service = short if short in SCALABLE else f"svc_{short}"
        if service not in SCALABLE:
            raise ValueError(f"no several instances of {short}, but of {', '.join(sorted(SCALABLE))}")
        if not count.isdecimal() or not 1 <= int(count) <= MAX_INSTANCES:
            raise ValueError(f"{short} has 1 to {MAX_INSTANCES} instances, as in --scale {short}=2")
        scale[service] = int(count)
    return scale


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
