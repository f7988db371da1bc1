"""Header blocks of HTTP/2 (RFC 7541) without a dynamic table: every block stands alone, so they can be kept and joined.

The peer is told that our table has no room (HEADER_TABLE_SIZE=0), and we never use its.
"""

from collections.abc import Iterable

from gateway.core import huffman

Field = tuple[str, str]

_STATIC: tuple[Field, ...] = (
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
    ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
    ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""),
    ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
    ("www-authenticate", ""),
)  # fmt: skip

_NAMES: dict[str, int] = {}
for _index, (_name, _value) in enumerate(_STATIC, 1):
    _NAMES.setdefault(_name, _index)
_WHOLE = {field: index for index, field in enumerate(_STATIC, 1)}
_SECRET = frozenset(("authorization", "cookie", "rushes-service"))
MAX_CACHED = 2_000
MAX_CACHED_BYTES = 512


class HeaderError(ValueError):
    """The block is not what RFC 7541 says, or needs a table that it was told not to use."""


def encode(fields: Iterable[Field]) -> bytes:
    """A block, or a part of one: parts joined are a block. Names are in lower case."""
    out = bytearray()
    for field in fields:
        index = _WHOLE.get(field)
        if index is not None:
            out.append(0x80 | index)
            continue
        name, value = field
        kind = 0x10 if name in _SECRET else 0x00
        index = _NAMES.get(name)
        if index is None:
            out.append(kind)
            out += _text(name)
        else:
            out += _integer(index, 4, kind)
        out += _text(value)
    return bytes(out)


def _text(text: str) -> bytes:
    raw = text.encode("latin-1")
    return _integer(len(raw), 7, 0) + raw


def _integer(number: int, bits: int, first: int) -> bytes:
    limit = (1 << bits) - 1
    if number < limit:
        return bytes((first | number,))
    out = bytearray((first | limit,))
    number -= limit
    while number >= 0x80:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


class Decoder:
    """Reads blocks; those seen before come from memory, as the same tuple."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Field, ...]] = {}

    def decode(self, block: bytes) -> tuple[Field, ...]:
        """The fields of a block. Raises HeaderError."""
        fields = self._known.get(block)
        if fields is None:
            fields = tuple(_Reader(block).fields())
            if len(block) <= MAX_CACHED_BYTES:
                if len(self._known) >= MAX_CACHED:
                    self._known.clear()
                self._known[block] = fields
        return fields


class _Reader:
    """One block, from its beginning to its end."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    def fields(self) -> list[Field]:
        """All fields."""
        found: list[Field] = []
        try:
            while self._at < len(self._block):
                field = self._next()
                if field is not None:
                    found.append(field)
        except (IndexError, huffman.HuffmanError) as error:
            raise HeaderError("a header block is cut or broken") from error
        return found

    def _next(self) -> Field | None:
        first = self._block[self._at]
        if first & 0x80:
            return _STATIC[self._index(7)]
        if first & 0x40:  # to be put into the table, which has no room
            return self._literal(6)
        if first & 0x20:
            if self._integer(5):
                raise HeaderError("a table that was not offered")
            return None
        return self._literal(4)

    def _literal(self, bits: int) -> Field:
        if self._block[self._at] & ((1 << bits) - 1):
            name = _STATIC[self._index(bits)][0]
        else:
            self._at += 1
            name = self._text()
        return name, self._text()

    def _index(self, bits: int) -> int:
        index = self._integer(bits)
        if not 0 < index <= len(_STATIC):
            raise HeaderError("an entry of a table that was not offered")
        return index - 1

    def _integer(self, bits: int) -> int:
        limit = (1 << bits) - 1
        number = self._block[self._at] & limit
        self._at += 1
        if number < limit:
            return number
        shift = 0
        while True:
            byte = self._block[self._at]
            self._at += 1
            number += (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return number
            if shift > 28:
                raise HeaderError("a number without end")

    def _text(self) -> str:
        coded = self._block[self._at] & 0x80
        size = self._integer(7)
        raw = self._block[self._at : self._at + size]
        if len(raw) < size:
            raise HeaderError("a text is cut")
        self._at += size
        return (huffman.decode(raw) if coded else raw).decode("latin-1")
