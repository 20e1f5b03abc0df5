"""The real clock and the real randomness."""

from __future__ import annotations

import secrets
import time


class SystemClock:
    """``base.clock.Clock`` of the operating system."""

    @staticmethod
    def now_ms() -> int:
        """Wall time in milliseconds."""
        return time.time_ns() // 1_000_000

    @staticmethod
    def monotonic_s() -> float:
        """Monotonic seconds."""
        return time.monotonic()


class SystemRandomness:
    """``base.clock.Randomness`` of the operating system."""

    @staticmethod
    def token(size_bytes: int) -> str:
        """A URL-safe random string."""
        return secrets.token_urlsafe(size_bytes)
