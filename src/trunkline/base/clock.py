"""The clock and randomness as ports, so that everything inside stays deterministic.

Real implementations live in ``server/``; tests pass their own.
"""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Two clocks: wall time for what people see, monotonic for durations."""

    def now_ms(self) -> int:
        """Wall time in milliseconds since 1970; may jump."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class Randomness(Protocol):
    """A source of unguessable identifiers."""

    def token(self, size_bytes: int) -> str:
        """A URL-safe random string carrying ``size_bytes`` bytes of entropy."""
        ...
