"""Headers of tus 1.0 (resumable uploads): what a client says, checked."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import google_crc32c

from rushes.errors import Conflict, FailedPrecondition, InvalidArgument, ResourceExhausted

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination,concatenation"
MAX_METADATA_BYTES = 8 * 1024
MAX_NAME_CHARS = 255
MAX_PARTS = 64
MAX_RATE = 240
_SAFE_MAX = 2**53
_RATE = re.compile(r"([0-9]{1,7})(?:/([1-9][0-9]{0,3}))?")


class WrongOffset(Conflict):
    """The client's offset is not where the upload stands."""

    reason = "WRONG_OFFSET"


class WrongChecksum(InvalidArgument):
    """The bytes are not what the client's checksum says."""

    reason = "WRONG_CHECKSUM"


class UploadTooLarge(ResourceExhausted):
    """The file is larger than is taken."""

    reason = "UPLOAD_TOO_LARGE"


class UploadBusy(Conflict):
    """Another request is writing to the upload."""

    reason = "UPLOAD_BUSY"


class UnknownVersion(FailedPrecondition):
    """The client speaks another version of tus."""

    reason = "TUS_VERSION"


class Sum(Protocol):
    """A running checksum, as hashlib has them."""

    def update(self, data: bytes | memoryview, /) -> None:
        """More bytes."""

    def digest(self) -> bytes:
        """The sum of all."""


class _Crc32c:
    """google-crc32c, which has no types, in that shape."""

    def __init__(self) -> None:
        module: Any = google_crc32c
        self._sum = module.Checksum()

    def update(self, data: bytes | memoryview, /) -> None:
        """More bytes."""
        self._sum.update(bytes(data))

    def digest(self) -> bytes:
        """The sum of all."""
        digest: bytes = self._sum.digest()
        return digest


CHECKSUMS: dict[str, Callable[[], Sum]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32c": _Crc32c,
}


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must add up to."""

    algorithm: str
    digest: bytes

    def start(self) -> Sum:
        """A running sum."""
        return CHECKSUMS[self.algorithm]()


def parse_checksum(header: str) -> Checksum | None:
    """Upload-Checksum: "ALGORITHM BASE64"; None: there is none."""
    if not header:
        return None
    algorithm, _, encoded = header.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise InvalidArgument(f"This checksum is not known; take one of {', '.join(sorted(CHECKSUMS))}.")
    digest = _decode(encoded, "Upload-Checksum")
    if len(digest) != len(CHECKSUMS[algorithm]().digest()):
        raise InvalidArgument(f"This is no {algorithm}: it has {len(digest)} bytes.")
    return Checksum(algorithm, digest)


def _decode(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(f"{header} is not base64.") from error


def parse_metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: "KEY BASE64,KEY BASE64"."""
    if len(header) > MAX_METADATA_BYTES:
        raise InvalidArgument("Upload-Metadata is too long.")
    metadata: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if not (key.isascii() and key.isprintable()) or key in metadata:
            raise InvalidArgument("A key of Upload-Metadata is not ASCII, or is there twice.")
        try:
            metadata[key] = _decode(encoded, "Upload-Metadata").decode()
        except UnicodeDecodeError as error:
            raise InvalidArgument("Upload-Metadata is not UTF-8.") from error
    return metadata


def parse_number(header: str, name: str, *, most: int = _SAFE_MAX) -> int:
    """A header that must be a whole number from 0 on."""
    if not header.isascii() or not header.isdecimal() or len(header) > 16 or int(header) > most:
        raise InvalidArgument(f"{name} must be a whole number from 0 to {most}.")
    return int(header)


def safe_name(name: str) -> str:
    """A file name as people see it: without folders and control characters, 255 characters at most."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(char for char in last if char.isprintable()).strip(" .")
    return clean[:MAX_NAME_CHARS].rstrip(" .") or "untitled"


def parse_rate(text: str) -> str:
    """Metadata `rate`: frames a second of a sequence or a sound, such as "24" or "24000/1001"; empty: none chosen."""
    if not text:
        return ""
    found = _RATE.fullmatch(text)
    rate = Fraction(int(found[1]), int(found[2] or 1)) if found else Fraction(0)
    if not 1 <= rate <= MAX_RATE:
        raise InvalidArgument(f"rate must be from 1 to {MAX_RATE} frames a second, such as 24 or 24000/1001.")
    return str(rate)


@dataclass(frozen=True, slots=True)
class Concat:
    """Upload-Concat: a part, or the whole of parts that are there."""

    partial: bool = False
    parts: tuple[str, ...] = ()


def parse_concat(header: str) -> Concat:
    """Upload-Concat: "partial" or "final;/uploads/A /uploads/B"."""
    if not header:
        return Concat()
    if header.strip() == "partial":
        return Concat(partial=True)
    kind, _, urls = header.partition(";")
    parts = tuple(url.rstrip("/").rsplit("/", 1)[-1] for url in urls.split())
    if kind.strip() != "final" or not 0 < len(parts) <= MAX_PARTS or len(set(parts)) != len(parts):
        raise InvalidArgument(f'Upload-Concat must be "partial" or "final;" and 1 to {MAX_PARTS} different uploads.')
    return Concat(parts=parts)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a whole file a part goes, when the client says so beforehand: then joining costs nothing."""

    group: str
    at: int
    total: int


def parse_place(metadata: Mapping[str, str], length: int) -> Place | None:
    """Metadata `group`, `at` and `total` of a part."""
    if "group" not in metadata:
        return None
    group = metadata["group"]
    if not (8 <= len(group) <= 64 and group.isascii() and group.isalnum()):
        raise InvalidArgument("group must be 8 to 64 letters and digits.")
    place = Place(group, parse_number(metadata.get("at", ""), "at"), parse_number(metadata.get("total", ""), "total"))
    if place.at + length > place.total:
        raise InvalidArgument("The part reaches past the end of its whole.")
    return place
