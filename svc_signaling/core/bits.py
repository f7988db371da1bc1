"""Bits of headers that are not decoded, only looked at."""


class Bits:
    """Reads bits; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """So many were read."""
        return self._at

    def bit(self) -> int:
        """The next one."""
        byte, shift = divmod(self._at, 8)
        self._at += 1
        return self._data[byte] >> (7 - shift) & 1 if byte < len(self._data) else 0

    def number(self, bits: int) -> int:
        """Some together, the highest first."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self.bit()
        return value

    def golomb(self) -> int:
        """An unsigned number of Exp-Golomb's code."""
        zeros = 0
        while zeros < 32 and not self.bit():
            zeros += 1
        return (1 << zeros) - 1 + self.number(zeros)

    def signed(self) -> int:
        """A signed one."""
        code = self.golomb()
        return (code + 1) // 2 if code & 1 else -(code // 2)
