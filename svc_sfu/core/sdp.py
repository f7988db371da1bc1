"""Session descriptions: the few lines that matter are read, and ours are written from what was agreed.

A publisher offers and is answered; a subscriber is offered fixed slots and answers. Candidates of clients are not read:
an ICE-lite agent has no use for them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rushes.errors import InvalidArgument
from svc_sfu.core.codec import Codec

MAX_BYTES: Final = 64 * 1024
MAX_SECTIONS: Final = 64
MAX_LINES: Final = 4_000
MAX_RIDS: Final = 3

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_WIDE: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
DEPENDENCY: Final = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
_TAKEN: Final = (MID, RID, REPAIRED_RID, AUDIO_LEVEL, TRANSPORT_WIDE)
MIXED: Final = "extmap-allow-mixed"
"""Extensions may be longer than 16 bytes, as the dependency descriptors of keyframes are."""

PAYLOAD_TYPES: Final = {Codec.OPUS: 111, Codec.VP8: 96, Codec.H264: 102, Codec.VP9: 98, Codec.AV1: 45}
"""Of what subscribers are sent."""
REPAIR_TYPES: Final = {Codec.VP8: 97, Codec.H264: 103, Codec.VP9: 99, Codec.AV1: 46}
RED: Final = "red/48000/2"
RED_TYPE: Final = 63
ABS_SEND_TIME_NUMBER: Final = 2
TRANSPORT_WIDE_NUMBER: Final = 3
DEPENDENCY_NUMBER: Final = 4
_PARAMETERS: Final = {
    Codec.OPUS: "minptime=10;useinbandfec=1",
    Codec.H264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    Codec.VP9: "profile-id=0",
    Codec.AV1: "level-idx=5;profile=0;tier=0",
}
_FEEDBACK: Final = ("nack", "nack pli", "ccm fir")
FEEDBACK_ASKED: Final = (*_FEEDBACK, "goog-remb", "transport-cc")
"""What is asked of whoever is sent pictures."""


class DescriptionInvalid(InvalidArgument):
    """A session description that is none, is too large, or agrees on nothing."""

    reason = "INVALID_DESCRIPTION"


DISCARD: Final = 9
"""The port of a section whose way is not known yet."""


@dataclass(slots=True)
class Section:
    """An m-section of the other side."""

    kind: str
    port: int
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: dict[int, str] = field(default_factory=dict)
    """rtpmap by payload type, in small letters."""
    parameters: dict[int, str] = field(default_factory=dict)
    """fmtp by payload type."""
    extensions: dict[int, str] = field(default_factory=dict)
    rids: list[str] = field(default_factory=list)
    ssrcs: list[int] = field(default_factory=list)
    repairs: dict[int, int] = field(default_factory=dict)
    """SSRC of retransmissions -> of what they repair."""


@dataclass(slots=True)
class Description:
    """What was read."""

    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    setup: str
    sections: list[Section]
    mixed: bool = False
    """Extensions longer than 16 bytes are read."""


def parse(text: str) -> Description:
    """Reads an offer or an answer. Raises DescriptionInvalid."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise DescriptionInvalid("the description is too large")
    lines = text.splitlines()
    if not lines or not lines[0].startswith("v=0") or len(lines) > MAX_LINES:
        raise DescriptionInvalid("this is no session description")
    reader = _Reader()
    for line in lines:
        key, _, value = line.partition("=")
        if key == "m":
            reader.sections.append(_section(value))
        elif key == "a":
            reader.attribute(value)
    about, prints = reader.about, reader.fingerprints
    if len(reader.sections) > MAX_SECTIONS or len(prints) > 8:
        raise DescriptionInvalid("the description has too many sections or fingerprints")
    if not about.get("ice-ufrag") or not about.get("ice-pwd") or not prints:
        raise DescriptionInvalid("the description has no ICE credentials or no fingerprint")
    setup = about.get("setup", "actpass")
    return Description(about["ice-ufrag"], about["ice-pwd"], prints, setup, reader.sections, reader.mixed)


class _Reader:
    """Collects what attributes say, of the session or of the section that they follow."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self.fingerprints: list[tuple[str, str]] = []
        self.sections: list[Section] = []
        self.mixed = False

    def attribute(self, value: str) -> None:
        """A line's value after "a="."""
        name, _, rest = value.partition(":")
        rest = rest.strip()
        if name in ("ice-ufrag", "ice-pwd", "setup"):
            self.about.setdefault(name, rest)
        elif name == "fingerprint":
            algorithm, _, digest = rest.partition(" ")
            if (algorithm.lower(), digest) not in self.fingerprints:
                self.fingerprints.append((algorithm.lower(), digest))
        elif name == MIXED:
            self.mixed = True
        elif self.sections:
            read = _ATTRIBUTES.get(name)
            if read is not None:
                read(self.sections[-1], rest)
            elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
                self.sections[-1].direction = name


def _section(value: str) -> Section:
    kind, _, rest = value.partition(" ")
    parts = rest.split()
    if len(parts) < 2 or not parts[0].partition("/")[0].isdecimal():
        raise DescriptionInvalid("a section has no port or protocol")
    return Section(kind, int(parts[0].partition("/")[0][:6]), parts[2:])


def _mid(section: Section, rest: str) -> None:
    section.mid = rest[:16]


def _format_line(into: Callable[[Section], dict[int, str]]) -> Callable[[Section, str], None]:
    def read(section: Section, rest: str) -> None:
        number, _, what = rest.partition(" ")
        if number.isdecimal() and len(number) <= 3:
            into(section)[int(number)] = what.lower()

    return read


def _extmap(section: Section, rest: str) -> None:
    number, _, uri = rest.partition(" ")
    number = number.partition("/")[0]
    if number.isdecimal() and 0 < int(number[:4]) < 15:
        section.extensions[int(number)] = uri.split(" ")[0]


def _rid(section: Section, rest: str) -> None:
    rid, _, direction = rest.partition(" ")
    if direction.startswith("send") and len(section.rids) < MAX_RIDS and 0 < len(rid) <= 16 and rid not in section.rids:
        section.rids.append(rid)


def _bundled(section: Section, _: str) -> None:
    """It is reached with the others alone, and has no port of its own for that (RFC 8843, 6): it is not refused."""
    section.port = section.port or DISCARD


def _ssrc(section: Section, rest: str) -> None:
    ssrc = _number(rest.split(" ")[0])
    if ssrc is not None and ssrc not in section.ssrcs and len(section.ssrcs) < 8:
        section.ssrcs.append(ssrc)


def _group(section: Section, rest: str) -> None:
    numbers = [_number(each) for each in rest.split(" ")[1:3]] if rest.startswith("FID ") else []
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None and len(section.repairs) < 8:
        section.repairs[numbers[1]] = numbers[0]


_ATTRIBUTES: Final[dict[str, Callable[[Section, str], None]]] = {
    "mid": _mid,
    "rtpmap": _format_line(lambda section: section.codecs),
    "fmtp": _format_line(lambda section: section.parameters),
    "extmap": _extmap,
    "rid": _rid,
    "ssrc": _ssrc,
    "ssrc-group": _group,
    "bundle-only": _bundled,
}


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 10 and int(text) < 1 << 32 else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A section of an offer whose media is taken."""

    mid: str
    kind: str
    payload_types: dict[int, Codec]
    repair_types: dict[int, int]
    """Payload type of retransmissions -> of what they repeat."""
    extensions: dict[int, str]
    rids: tuple[str, ...]
    ssrcs: tuple[int, ...]
    repairs: dict[int, int]


def accept(section: Section, *, mixed: bool = False) -> Accepted | None:
    """What is taken of a section; None: nothing. `mixed`: its extensions may be long."""
    if section.port == 0 or section.kind not in ("audio", "video") or not section.mid:
        return None
    if section.direction not in ("sendrecv", "sendonly"):
        return None
    # Whoever has nothing but H.264 of larger profiles, as encoders of feeds do, is taken at that: decoders can.
    types = _types(section, ("42",)) or _types(section, ("4d", "64"))
    if not types:
        return None
    repair_types: dict[int, int] = {}
    for number, name in section.codecs.items():
        repeated = _number(section.parameters.get(number, "").removeprefix("apt="))
        if name.startswith("rtx/") and repeated in types:
            repair_types[number] = repeated
    # With it, pictures of VP8 have no numbers any more: it is taken where there are layers that nothing else tells of.
    described = mixed and next(iter(types.values())) in (Codec.VP9, Codec.AV1)
    taken = (*_TAKEN, DEPENDENCY) if described else _TAKEN
    extensions = {number: uri for number, uri in section.extensions.items() if uri in taken}
    mains = tuple(ssrc for ssrc in section.ssrcs if ssrc not in section.repairs)
    rids = tuple(section.rids)
    return Accepted(section.mid, section.kind, types, repair_types, extensions, rids, mains, dict(section.repairs))


def _types(section: Section, profiles: tuple[str, ...]) -> dict[int, Codec]:
    found = {number: codec_of(section, number, name, profiles) for number, name in section.codecs.items()}
    return {number: codec for number, codec in found.items() if codec is not None}


_BY_NAME: Final[dict[str, tuple[Codec, tuple[str, ...]]]] = {
    "vp8/90000": (Codec.VP8, ()),
    "vp9/90000": (Codec.VP9, ("profile-id=1", "profile-id=2", "profile-id=3")),
    "av1/90000": (Codec.AV1, ("profile=1", "profile=2")),
}
"""With what says that a codec is of a profile which not everybody can decode: 10 bits, or other chroma."""


def codec_of(section: Section, number: int, name: str, profiles: tuple[str, ...] = ("42",)) -> Codec | None:
    """The codec of a payload type, if it is one that can be forwarded; of H.264 in these profiles."""
    if section.kind == "audio":
        return Codec.OPUS if name == "opus/48000/2" else None
    parameters = section.parameters.get(number, "")
    if name in _BY_NAME:
        codec, other_profiles = _BY_NAME[name]
        return None if any(each in parameters.replace(" ", "") for each in other_profiles) else codec
    fits = any(f"profile-level-id={profile}" in parameters for profile in profiles)
    return Codec.H264 if name == "h264/90000" and "packetization-mode=1" in parameters and fits else None


@dataclass(frozen=True, slots=True)
class Local:
    """What a description of ours says of this end."""

    ufrag: str
    password: str
    fingerprint: str
    addresses: Sequence[tuple[str, int]]
    """Where it can be reached: host and UDP port, the best first."""


def answer(offer: Description, accepted: Sequence[Accepted | None], local: Local) -> str:
    """The answer to a publisher: each of its sections is taken or refused."""
    mids = [taken.mid for taken in accepted if taken is not None]
    setup = "active" if offer.setup == "passive" else "passive"
    lines = head(local, mids, mixed=offer.mixed)
    for section, taken in zip(offer.sections, accepted, strict=True):
        if taken is None:
            lines += refused(section)
        else:
            lines += _answered(section, taken, local, setup)
    return "\r\n".join(lines) + "\r\n"


def refused(section: Section) -> list[str]:
    """A section of the other side on which nothing is sent."""
    formats = " ".join(section.formats[:1]) or "0"
    lines = [f"m={section.kind} 0 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0"]
    return lines + ([f"a=mid:{section.mid}", "a=inactive"] if section.mid else ["a=inactive"])


def _answered(section: Section, taken: Accepted, local: Local, setup: str) -> list[str]:
    numbers = [*taken.payload_types, *taken.repair_types]
    lines = media(taken.kind, numbers, taken.mid, local, setup)
    lines.append("a=recvonly")
    lines += [f"a=extmap:{number} {uri}" for number, uri in taken.extensions.items()]
    wide = TRANSPORT_WIDE in taken.extensions.values()
    for number, codec in taken.payload_types.items():
        lines += format_lines(number, codec, section.parameters.get(number, ""))
        feedback = [*(_FEEDBACK if codec.video else ("nack",)), *(("transport-cc",) if wide else ())]
        lines += [f"a=rtcp-fb:{number} {each}" for each in feedback]
    for number, repeated in taken.repair_types.items():
        lines += [f"a=rtpmap:{number} rtx/90000", f"a=fmtp:{number} apt={repeated}"]
    if taken.rids:
        lines += [f"a=rid:{rid} recv" for rid in taken.rids]
        lines.append(f"a=simulcast:recv {';'.join(taken.rids)}")
    return lines


@dataclass(frozen=True, slots=True)
class SlotOffer:
    """A slot as a subscriber is offered it."""

    mid: str
    kind: str
    ssrc: int
    repair_ssrc: int


def offer(slots: Iterable[SlotOffer], local: Local) -> str:
    """The offer to a subscriber: sections that stay, whatever is sent on them."""
    all_slots = list(slots)
    lines = head(local, [slot.mid for slot in all_slots], mixed=True)
    for slot in all_slots:
        lines += _offered(slot, local)
    return "\r\n".join(lines) + "\r\n"


def _offered(slot: SlotOffer, local: Local) -> list[str]:
    video = slot.kind == "video"
    codecs = [codec for codec in PAYLOAD_TYPES if codec.video == video]
    numbers = [number for codec in codecs for number in (PAYLOAD_TYPES[codec], REPAIR_TYPES.get(codec)) if number]
    lines = media(slot.kind, numbers if video else [*numbers, RED_TYPE], slot.mid, local, "actpass")
    lines += ["a=sendonly", f"a=msid:{slot.mid} {slot.mid}"]
    if video:
        lines.append(f"a=extmap:{ABS_SEND_TIME_NUMBER} {ABS_SEND_TIME}")
        lines.append(f"a=extmap:{TRANSPORT_WIDE_NUMBER} {TRANSPORT_WIDE}")
        lines.append(f"a=extmap:{DEPENDENCY_NUMBER} {DEPENDENCY}")
    for codec in codecs:
        number = PAYLOAD_TYPES[codec]
        lines += format_lines(number, codec, _PARAMETERS.get(codec, ""))
        if not video:
            continue
        lines += [f"a=rtcp-fb:{number} {each}" for each in FEEDBACK_ASKED]
        lines += [f"a=rtpmap:{REPAIR_TYPES[codec]} rtx/90000", f"a=fmtp:{REPAIR_TYPES[codec]} apt={number}"]
    if not video:
        lines += red_lines(RED_TYPE, PAYLOAD_TYPES[Codec.OPUS])
    if video:
        lines.append(f"a=ssrc-group:FID {slot.ssrc} {slot.repair_ssrc}")
    ssrcs = (slot.ssrc, slot.repair_ssrc) if video else (slot.ssrc,)
    return lines + [f"a=ssrc:{ssrc} cname:rushes" for ssrc in ssrcs]


def head(local: Local, mids: Sequence[str], *, mixed: bool = False) -> list[str]:
    """The lines before the first section."""
    bundle = [f"a=group:BUNDLE {' '.join(mids)}"] if mids else []
    long = [f"a={MIXED}"] if mixed else []
    return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", *bundle, *long, "a=msid-semantic: WMS *"]


def media(kind: str, numbers: Sequence[int], mid: str, local: Local, setup: str) -> list[str]:
    """A section's lines up to its direction."""
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, numbers))}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    return lines + candidates(local)


def candidates(local: Local) -> list[str]:
    """Where this end can be reached, the best first."""
    lines = []
    for index, (host, port) in enumerate(local.addresses):
        family = 65_535 - index
        priority = 126 << 24 | family << 8 | 255
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host")
    return [*lines, "a=end-of-candidates"]


def red_lines(number: int, sound: int) -> list[str]:
    """Sound with the packet before it (RFC 2198)."""
    return [f"a=rtpmap:{number} {RED}", f"a=fmtp:{number} {sound}/{sound}"]


def format_lines(number: int, codec: Codec, parameters: str) -> list[str]:
    """What a payload type is."""
    suffix = "/2" if codec is Codec.OPUS else ""
    lines = [f"a=rtpmap:{number} {codec.value}/{codec.clock_hz}{suffix}"]
    return [*lines, f"a=fmtp:{number} {parameters}"] if parameters else lines
