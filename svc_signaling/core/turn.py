"""A TURN server for rooms: credentials that end by themselves (draft-uberti-behave-turn-rest-00), coturn's settings."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final


def credentials(secret: str, expires_s: int, name: str) -> tuple[str, str]:
    """Username and credential for somebody, good until then. The server shares the secret and nothing else."""
    username = f"{expires_s}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


DENIED: Final = (
    "0.0.0.1-0.255.255.255",
    "10.0.0.0-10.255.255.255",
    "100.64.0.0-100.127.255.255",
    "127.0.0.0-127.255.255.255",
    "169.254.0.0-169.254.255.255",
    "172.16.0.0-172.31.255.255",
    "192.0.0.0-192.0.0.255",
    "192.0.2.0-192.0.2.255",
    "192.88.99.0-192.88.99.255",
    "192.168.0.0-192.168.255.255",
    "198.18.0.0-198.19.255.255",
    "198.51.100.0-198.51.100.255",
    "203.0.113.0-203.0.113.255",
    "224.0.0.0-255.255.255.255",
    "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",  # from "::" on coturn takes it for all of IPv4 too
    "::ffff:0.0.0.0-::ffff:255.255.255.255",
)
"""What no relay sends to: networks behind it, what only looks like IPv4, and all of IPv6."""
EVERYTHING: Final = "0.0.0.1-255.255.255.255"


@dataclass(frozen=True, slots=True)
class Relay:
    """A TURN server that relays for rooms, as an operator describes it."""

    realm: str
    secret: str
    address: str
    """IPv4 address of the machine: where it listens, and relays from."""
    public: str = ""
    """The address that others know it by, where that is another."""
    port: int = 3478
    first_port: int = 49_160
    last_port: int = 49_999
    peers: tuple[str, ...] = ()
    """Addresses of forwarders: nothing else is relayed to. Empty: everything public."""
    certificate: str = ""
    key: str = ""


def configuration(relay: Relay) -> str:
    """turnserver.conf of coturn 4.6: as little as browsers need, within limits."""
    ways = ["no-tls", "no-dtls"]
    if relay.certificate:
        ways = [f"cert={relay.certificate}", f"pkey={relay.key}", "no-tlsv1", "no-tlsv1_1", "tls-listening-port=5349"]
    public = [f"external-ip={relay.public}/{relay.address}"] if relay.public else []
    denied = (EVERYTHING, *DENIED[-2:]) if relay.peers else DENIED
    lines = [
        "# Made by `rushes turn-config`.",
        f"listening-ip={relay.address}",
        f"listening-port={relay.port}",
        f"relay-ip={relay.address}",
        *public,
        "allocation-default-address-family=ipv4",
        f"min-port={relay.first_port}",
        f"max-port={relay.last_port}",
        *ways,
        f"realm={relay.realm}",
        "fingerprint",
        "use-auth-secret",
        f"static-auth-secret={relay.secret}",
        "stale-nonce=600",
        *LIMITS,
        *(f"allowed-peer-ip={peer}" for peer in relay.peers),
        *(f"denied-peer-ip={each}" for each in denied),
    ]
    return "\n".join(lines) + "\n"


LIMITS: Final = (
    "# A person has an allocation for each connection and address family that it tries; a call is below 1 MB/s.",
    "user-quota=24",
    "total-quota=2400",
    "max-bps=1000000",
    "bps-capacity=100000000",
    "max-allocate-lifetime=3600",
    "no-tcp-relay",
    "no-multicast-peers",
    "no-cli",
    "no-rfc5780",
    "no-stun-backward-compatibility",
    "response-origin-only-with-rfc5780",
    "no-software-attribute",
)
