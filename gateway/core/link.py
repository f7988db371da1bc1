"""`Link` headers that tell a WHIP or WHEP client its STUN and TURN servers (RFC 9725, 4.6)."""

from collections.abc import Iterable

from rushes.signaling.v1.room_service_pb2 import IceServer


def links(servers: Iterable[IceServer]) -> list[str]:
    """One value an address."""
    found = []
    for server in servers:
        about = '; rel="ice-server"'
        if server.username:
            about += f"; username={_quoted(server.username)}; credential={_quoted(server.credential)}"
            about += '; credential-type="password"'
        found += [f"<{url}>{about}" for url in server.urls if not set(url) & set("<>\r\n")]
    return found


def _quoted(text: str) -> str:
    """A quoted-string (RFC 9110, 5.6.4); what no header may have is left out."""
    kept = "".join(char for char in text if char.isprintable())
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'
