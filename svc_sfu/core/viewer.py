"""The offer of whoever only watches (WHEP): which of its sections can be slots, and the answer to it.

Slots that we offer have numbers of ours; here the other side has numbered codecs and extensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from svc_sfu.core import sdp
from svc_sfu.core.codec import Codec
from svc_sfu.core.sdp import ABS_SEND_TIME, Description, DescriptionInvalid, Local, Section, SlotOffer

MAX_WATCHED: Final = 16
"""Most sections of an offer that are sent anything."""


@dataclass(frozen=True, slots=True)
class Formats:
    """How a slot's packets are numbered."""

    payload_types: dict[Codec, int]
    repair_types: dict[Codec, int]
    send_time: int
    """Number of the extension that says when a packet was sent; 0: it is not wanted."""
    wide: int = 0
    """Number of the extension with a packet's number on the transport, which feedback is about; 0: it is not wanted."""
    red: int = 0
    """Payload type of sound with the packet before it; 0: it is not wanted."""
    described: int = 0
    """Number of the extension that says which frames a frame needs; 0: it is not wanted."""


OURS: Final = Formats(sdp.PAYLOAD_TYPES, sdp.REPAIR_TYPES, sdp.ABS_SEND_TIME_NUMBER)
"""As in an offer of ours, of pictures."""
OURS_SOUND: Final = Formats(sdp.PAYLOAD_TYPES, {}, 0)
"""The same of sound."""
OURS_RED: Final = Formats(sdp.PAYLOAD_TYPES, {}, 0, red=sdp.RED_TYPE)
"""The same for who takes the packet before along."""


@cache
def ours(codecs: frozenset[Codec], wide: bool, described: bool = False) -> Formats:
    """The same for who can decode only these; `wide`: and tells of each packet when it arrived; `described`: and takes
    dependency descriptors.
    """
    types = {codec: number for codec, number in sdp.PAYLOAD_TYPES.items() if codec in codecs}
    repairs = {codec: number for codec, number in sdp.REPAIR_TYPES.items() if codec in codecs}
    numbers = (0, sdp.TRANSPORT_WIDE_NUMBER) if wide else (sdp.ABS_SEND_TIME_NUMBER, 0)
    return Formats(types, repairs, *numbers, described=sdp.DEPENDENCY_NUMBER if described else 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A section that media can be sent on."""

    section: Section
    formats: Formats


def wanted(offer: Description) -> list[Wanted | None]:
    """What of each section can be sent; None: nothing. Raises DescriptionInvalid where that is all of them."""
    found = [_wanted(section, offer.mixed) for section in offer.sections]
    taken = [each for each in found if each is not None]
    if not taken or len(taken) > MAX_WATCHED:
        raise DescriptionInvalid(
            f"1 to {MAX_WATCHED} sections that receive Opus, VP8, H.264, VP9 or AV1 can be answered"
        )
    mids = [each.section.mid for each in taken]
    if len(set(mids)) < len(mids):
        raise DescriptionInvalid("two sections have the same mid")
    return found


def _wanted(section: Section, mixed: bool) -> Wanted | None:
    if section.port == 0 or section.kind not in ("audio", "video") or not section.mid:
        return None
    if section.direction not in ("sendrecv", "recvonly"):
        return None
    types: dict[Codec, int] = {}
    for number, name in section.codecs.items():
        codec = sdp.codec_of(section, number, name)
        if codec is not None:
            types.setdefault(codec, number)
    if not types:
        return None
    repairs: dict[Codec, int] = {}
    for number, name in section.codecs.items():
        repeated = section.parameters.get(number, "").removeprefix("apt=")
        if name.startswith("rtx/"):
            repairs.update({codec: number for codec, main in types.items() if str(main) == repeated and codec.video})
    send_time = next((number for number, uri in section.extensions.items() if uri == ABS_SEND_TIME), 0)
    wide = next((number for number, uri in section.extensions.items() if uri == sdp.TRANSPORT_WIDE), 0)
    red = next((number for number, name in section.codecs.items() if name == sdp.RED), 0)
    if section.kind == "video":
        described = next((number for number, uri in section.extensions.items() if uri == sdp.DEPENDENCY), 0)
        described = described if mixed else 0
        return Wanted(section, Formats(types, repairs, 0 if wide else send_time, wide, described=described))
    return Wanted(section, Formats(types, repairs, 0, red=red))


def answer(offer: Description, wishes: Sequence[Wanted | None], slots: Sequence[SlotOffer], local: Local) -> str:
    """The answer: `slots` are those of the sections that are wanted, in their order."""
    setup = "active" if offer.setup == "passive" else "passive"
    left = iter(slots)
    lines = sdp.head(local, [slot.mid for slot in slots], mixed=offer.mixed)
    for section, wish in zip(offer.sections, wishes, strict=True):
        lines += sdp.refused(section) if wish is None else _sent(wish, next(left), local, setup)
    return "\r\n".join(lines) + "\r\n"


def _sent(wish: Wanted, slot: SlotOffer, local: Local, setup: str) -> list[str]:
    formats, video = wish.formats, slot.kind == "video"
    numbers = [*formats.payload_types.values(), *formats.repair_types.values()]
    numbers += [formats.red] if formats.red else []
    lines = sdp.media(slot.kind, numbers, slot.mid, local, setup)
    lines += ["a=sendonly", f"a=msid:rushes {slot.kind}{slot.mid}"]
    if formats.send_time:
        lines.append(f"a=extmap:{formats.send_time} {ABS_SEND_TIME}")
    if formats.wide:
        lines.append(f"a=extmap:{formats.wide} {sdp.TRANSPORT_WIDE}")
    if formats.described:
        lines.append(f"a=extmap:{formats.described} {sdp.DEPENDENCY}")
    for codec, number in formats.payload_types.items():
        lines += sdp.format_lines(number, codec, wish.section.parameters.get(number, ""))
        lines += [f"a=rtcp-fb:{number} {each}" for each in sdp.FEEDBACK_ASKED if video]
        repair = formats.repair_types.get(codec)
        if repair is not None:
            lines += [f"a=rtpmap:{repair} rtx/90000", f"a=fmtp:{repair} apt={number}"]
    if formats.red:
        lines += sdp.red_lines(formats.red, formats.payload_types[Codec.OPUS])
    if formats.repair_types:
        lines.append(f"a=ssrc-group:FID {slot.ssrc} {slot.repair_ssrc}")
    ssrcs = (slot.ssrc, slot.repair_ssrc) if formats.repair_types else (slot.ssrc,)
    return lines + [f"a=ssrc:{ssrc} cname:rushes" for ssrc in ssrcs]
