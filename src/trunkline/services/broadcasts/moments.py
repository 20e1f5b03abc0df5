"""Moments: one order for changes of tags and broadcasts, so that "the tags at the time of sending" is exact."""

from __future__ import annotations


class Moments:
    """Gives out ascending numbers, beyond every number that is in the index.

    Args:
        last: the highest one given out before.
    """

    def __init__(self, last: int) -> None:
        self._last = last

    def next(self) -> int:
        """The next moment."""
        self._last += 1
        return self._last
