"""What a PDF that rushes.exchange.pdf wrote says, read back: enough of the format for that and no more."""

import re
import zlib

_STREAM = re.compile(rb"<<(?P<head>[^\x00]*?)>>\s*stream\r?\n", re.S)
_MAP = re.compile(rb"begincmap(.*?)endcmap", re.S)
_WORD = re.compile(rb"\(((?:[^()\\]|\\.)*)\)", re.S)
_PAIR = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4,8})>")
_ESCAPES = {b"\\(": b"(", b"\\)": b")", b"\\\\": b"\\", b"\\r": b"\r", b"\\n": b"\n"}


def streams(data: bytes) -> list[bytes]:
    """The streams of a file, without pictures and fonts."""
    found = []
    for match in _STREAM.finditer(data):
        raw = data[match.end() : data.index(b"endstream", match.end())]
        try:
            found.append(zlib.decompress(raw))
        except zlib.error:
            continue
    return found


def pages(data: bytes) -> list[bytes]:
    """The operators of each page."""
    return [each for each in streams(data) if b" Tf" in each]


def said(data: bytes) -> str:
    """All words of all pages, as Latin letters or by the maps of the embedded fonts, without blanks."""
    maps = [_map(each) for each in _MAP.findall(data)]
    words = [_plain(each) for page in pages(data) for each in _WORD.findall(page)]
    if not maps:
        return "".join(word.decode("latin-1") for word in words)
    # Each font numbers its letters by itself; a word is read by every one of them.
    return "\n".join("".join(_read(word, known) for word in words) for known in maps)


def _plain(word: bytes) -> bytes:
    return re.sub(rb"\\[()\\rn]", lambda found: _ESCAPES[found[0]], word, flags=re.S)


def _map(stream: bytes) -> dict[int, str]:
    return {int(a, 16): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in _PAIR.findall(stream)}


def _read(word: bytes, known: dict[int, str]) -> str:
    numbers = [int.from_bytes(word[at : at + 2], "big") for at in range(0, len(word) - 1, 2)]
    return "".join(known.get(number, "") for number in numbers)
