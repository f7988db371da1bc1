"""A sequence of numbered pictures in one archive: which pictures, in which order, which are missing. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from svc_media.core.error import ArchiveUnsafe, MediaTooLong, SequenceBroken

MAX_PICTURES: Final = 100_000
MAX_PICTURE_BYTES: Final = 1 << 30
MAX_RATIO: Final = 200
"""Bytes out of an archive for each that is in it; of more, it is made to fill disks."""
FREE_BYTES: Final = 256 << 20
"""So much may come out of any archive."""
_ENDINGS: Final = ("png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp")
_UNREAD: Final = ("exr", "dpx", "cin", "hdr", "tga", "psd", "svg", "avif", "heic")
_IGNORED: Final = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.I)
_NUMBER: Final = re.compile(r"^(.*?)(\d+)(\D*)$", re.S)
_NAMED_GAPS: Final = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive."""

    name: str
    size_bytes: int
    packed_bytes: int
    """As it lies in the archive."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made of an archive: a file for each frame, the one before it where its number is missing."""

    names: tuple[str, ...]
    """The file of each frame, in order."""
    first_number: int
    """Of the first frame; 0: the names have no numbers."""
    remarks: tuple[str, ...]
    """What people should know, such as which numbers are missing."""


def plan_sequence(entries: Sequence[Entry]) -> Plan:
    """The frames. Raises ArchiveUnsafe, SequenceBroken, MediaTooLong."""
    check_entries(entries)
    if any(each.name == "[Content_Types].xml" for each in entries):
        raise SequenceBroken("This is an office document, not an archive of pictures.")
    names = [each.name for each in entries if _ending(each.name) in _ENDINGS]
    others = sorted({_ending(each.name) for each in entries} & set(_UNREAD))
    if not names:
        what = f"pictures of a kind that is not read ({', '.join(others)})" if others else "no pictures"
        raise SequenceBroken(f"The archive has {what}: a sequence is numbered PNG, JPEG, WebP, TIFF or BMP pictures.")
    kinds = Counter(_kind(name) for name in names)
    if len(kinds) > 1:
        raise SequenceBroken(f"The pictures of a sequence must be of one kind; here are {' and '.join(sorted(kinds))}.")
    left_out = sum(1 for each in entries if not _IGNORED.search(each.name)) - len(names)
    remarks = (f"Other files in the archive were left out: {left_out}.",) if left_out > 0 else ()
    return _numbered(names, remarks)


def check_entries(entries: Sequence[Entry]) -> None:
    """Raises ArchiveUnsafe for what no camera and no renderer writes."""
    for each in entries:
        parts = each.name.replace("\\", "/").split("/")
        if each.name.startswith(("/", "\\")) or ".." in parts or "\0" in each.name or ":" in parts[0]:
            raise ArchiveUnsafe("The archive has a file that would lie outside of it; it is not read.")
        if each.size_bytes > MAX_PICTURE_BYTES:
            raise ArchiveUnsafe("The archive has a picture of more than 1 GB; it is not read.")
    out, packed = sum(each.size_bytes for each in entries), sum(each.packed_bytes for each in entries)
    if out > FREE_BYTES and out > MAX_RATIO * packed:
        raise ArchiveUnsafe("The archive would grow to more than 200 times its size; it is not read.")


def _ending(name: str) -> str:
    return "" if _IGNORED.search(name) or name.endswith("/") else name.rpartition(".")[2].lower()


def _kind(name: str) -> str:
    return {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF"}.get(_ending(name), _ending(name).upper())


def _numbered(names: Sequence[str], remarks: tuple[str, ...]) -> Plan:
    found: dict[int, str] = {}
    stems: set[tuple[str, str]] = set()
    for name in sorted(names):
        match = _NUMBER.match(name.rpartition(".")[0])
        if match is None:
            raise SequenceBroken(f"“{_short(name)}” has no number in its name: a sequence is numbered pictures.")
        number = int(match[2][-9:])
        stems.add((match[1], match[3]))
        if number in found:
            raise SequenceBroken(f"Two pictures have the number {number}: {_short(found[number])}, {_short(name)}.")
        found[number] = name
    if len(stems) > 1:
        examples = ", ".join(_short(name) for name in sorted(names)[:1] + sorted(names)[-1:])
        raise SequenceBroken(f"These are pictures of several sequences ({examples}, ...): upload each by itself.")
    return _filled(found, remarks)


def _filled(found: dict[int, str], remarks: tuple[str, ...]) -> Plan:
    """Holds the picture before where a number is missing, so that frame numbers stay those of the files."""
    numbers = sorted(found)
    first, last = numbers[0], numbers[-1]
    missing = last - first + 1 - len(numbers)
    if last - first + 1 > MAX_PICTURES:
        raise MediaTooLong(f"A sequence has at most {MAX_PICTURES:,} frames.")
    if missing > len(numbers):
        raise SequenceBroken(f"Of the numbers from {first} to {last} more are missing than are there.")
    names = [found[first]]
    for number in range(first + 1, last + 1):
        names.append(found.get(number, names[-1]))
    if missing:
        gaps = [_span(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
        more = f" and {len(gaps) - _NAMED_GAPS} more gaps" if len(gaps) > _NAMED_GAPS else ""
        named = ", ".join(gaps[:_NAMED_GAPS])
        count = "1 number is" if missing == 1 else f"{missing} numbers are"
        said = f"{count} missing, where the picture before is held: {named}{more}."
        remarks = (said, *remarks)
    return Plan(tuple(names), first, remarks)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _short(name: str) -> str:
    return "".join(char for char in name[-60:] if char.isprintable())
