"""The Huffman code of HPACK (RFC 7541, Appendix B). It is canonical: the lengths of its codes are all it takes."""

_LENGTHS = bytes(
    (
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
        7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
        23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
        21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    )
)  # fmt: skip


def _codes() -> dict[tuple[int, int], int]:
    """(bits, code) -> byte."""
    found: dict[tuple[int, int], int] = {}
    code = bits = 0
    for symbol in sorted(range(256), key=lambda one: (_LENGTHS[one], one)):
        code <<= _LENGTHS[symbol] - bits
        bits = _LENGTHS[symbol]
        found[bits, code] = symbol
        code += 1
    return found


_CODES = _codes()
_LONGEST = max(_LENGTHS)


class HuffmanError(ValueError):
    """The bits are no text."""


def decode(data: bytes) -> bytes:
    """The text of a Huffman-coded string; what is left over must be less than a byte of ones."""
    out = bytearray()
    code = bits = 0
    for byte in data:
        for shift in range(7, -1, -1):
            code = code << 1 | (byte >> shift & 1)
            bits += 1
            symbol = _CODES.get((bits, code))
            if symbol is not None:
                out.append(symbol)
                code = bits = 0
            elif bits >= _LONGEST:
                raise HuffmanError("a code that stands for nothing")
    if bits > 7 or code != (1 << bits) - 1:
        raise HuffmanError("the padding is wrong")
    return bytes(out)
