"""Fragments of descriptions (RFC 8840): WHIP and WHEP add candidates and restart ICE by them (RFC 9725, 4.3)."""

from dataclasses import dataclass
from typing import Final

from svc_sfu.core import sdp
from svc_sfu.core.sdp import DescriptionInvalid, Local

MAX_BYTES: Final = 16 * 1024
MAX_CANDIDATES: Final = 32


@dataclass(frozen=True, slots=True)
class Fragment:
    """What was read. Candidates are counted and not read: an ICE-lite agent has no use for them."""

    ufrag: str
    password: str
    candidates: int


def parse(text: str) -> Fragment:
    """Reads a fragment. Raises DescriptionInvalid."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise DescriptionInvalid("the fragment is too large")
    about: dict[str, str] = {}
    candidates = 0
    for line in text.splitlines():
        if line and line[:2] not in ("a=", "m=", "c=", "v=", "o=", "s=", "t="):
            raise DescriptionInvalid("this is no fragment of a session description")
        name, _, value = line[2:].partition(":")
        if name in ("ice-ufrag", "ice-pwd"):
            about.setdefault(name, value.strip())
        candidates += name == "candidate"
    if candidates > MAX_CANDIDATES:
        raise DescriptionInvalid(f"a fragment has at most {MAX_CANDIDATES} candidates")
    ufrag, password = about.get("ice-ufrag", ""), about.get("ice-pwd", "")
    if not 4 <= len(ufrag) <= 256 or not 22 <= len(password) <= 256:
        raise DescriptionInvalid("the fragment does not say which ICE session it is about")
    return Fragment(ufrag, password, candidates)


def written(mids: list[str], local: Local) -> str:
    """What ICE is begun anew with."""
    lines = ["a=ice-lite", "a=ice-options:trickle ice2", f"a=group:BUNDLE {' '.join(mids)}", "m=audio 9 RTP/AVP 0"]
    lines += [f"a=mid:{mids[0]}", f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}", *sdp.candidates(local)]
    return "\r\n".join(lines) + "\r\n"
