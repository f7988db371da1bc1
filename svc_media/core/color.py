"""Names of colour numbers (ITU-T H.273), as ffmpeg spells them."""

from typing import Final

from svc_media.core.facts import Color

_PRIMARIES: Final = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
_TRANSFERS: Final = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_MATRICES: Final = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}
_RANGES: Final = {1: "tv", 2: "pc"}


def color_of(primaries: int, transfer: int, matrix: int, range_: int) -> Color:
    """The colour of a picture from its numbers."""
    return Color(
        _PRIMARIES.get(primaries, ""), _TRANSFERS.get(transfer, ""), _MATRICES.get(matrix, ""), _RANGES.get(range_, "")
    )
