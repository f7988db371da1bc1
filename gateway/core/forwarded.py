"""Where a request comes from, behind proxies: `X-Forwarded-For` counts as far as proxies that are trusted wrote it."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks of addresses or CIDR blocks. Raises ValueError for what is neither."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Address of whoever asks: the last one, from the right, that no trusted proxy has.

    What is left of the first address that is not a trusted proxy's could have been written by anybody.
    """
    address = peer
    if not trusted:
        return address
    for text in reversed(forwarded.split(",")):
        if not within(address, trusted):
            return address
        candidate = _plain(text.strip())
        if not candidate:
            return address
        address = candidate
    return address


def within(address: str, trusted: Sequence[Network]) -> bool:
    """Whether this is an address of one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


@lru_cache(4_096)
def place(address: str) -> str:
    """What counts as one address: of IPv6 its first 64 bits, since whoever has one has all that begin so."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> 64 << 64, 64)))


def _plain(text: str) -> str:
    """An address without port or brackets; empty: it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
