"""Numbers that wrap: sequence numbers of 16 bits and timestamps of 32, compared and extended (RFC 3550 A.1)."""

from __future__ import annotations


def sequence_after(a: int, b: int) -> bool:
    """Whether ``a`` comes after ``b`` on the circle of 65,536."""
    return a != b and (a - b) & 0xFFFF < 0x8000


def timestamp_after(a: int, b: int) -> bool:
    """Whether ``a`` comes after ``b`` on the circle of 2^32."""
    return a != b and (a - b) & 0xFFFFFFFF < 0x80000000


class Unwrapper:
    """Extends wrapping numbers to ones that only grow, by staying nearest to the highest seen.

    Args:
        bits: the width of the wrapping number.
    """

    __slots__ = ("_half", "_mask", "highest")

    def __init__(self, bits: int = 16) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self.highest: int | None = None

    def unwrap(self, number: int) -> int:
        """The extended number; the highest so far moves with it."""
        extended = self.nearest(number)
        if self.highest is None or extended > self.highest:
            self.highest = extended
        return extended

    def nearest(self, number: int) -> int:
        """The extended number, remembering nothing."""
        if self.highest is None:
            return number
        step = (number - self.highest) & self._mask
        return self.highest + (step if step < self._half else step - self._mask - 1)
