"""Settings of svc_sfu: section `sfu`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SfuConfig:
    """What an operator may set."""

    listen: str = "127.0.0.1:0"
    """Address of the gRPC server: host:port, or unix:/path."""

    host: str = "127.0.0.1"
    """Address of this machine that packets are received on; 0.0.0.0: all; 127.0.0.1: from this machine alone."""

    port: int = 0
    """UDP port of all packets; 0: any that is free."""

    addresses: tuple[str, ...] = ()
    """Addresses that browsers are told, the best first, as where this machine is behind a NAT. Empty: its own."""

    stun: str = ""
    """STUN server, stun:HOST:PORT, that is asked at start for the address that this machine has outside, which browsers
    are told first: where each machine has one of its own behind a NAT that leaves ports as they are."""

    inner_address: str = ""
    """Address at which other forwarders reach this one, for rooms that have people on both. Empty: its own."""
