"""When to try again: exponential back-off with jitter, and what the receiver asks for."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 24 * 3600.0
LONGEST_PROBE_S = 300.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How attempts are spread.

    Attributes:
        first_s: pause after the first failure.
        longest_s: no pause is longer, unless the receiver asks for it.
        disable_after_s: how long nothing may succeed before a webhook is switched off.
    """

    first_s: float = 1.0
    longest_s: float = 3600.0
    disable_after_s: float = 5 * 24 * 3600.0

    def pause_s(self, attempts: int, roll: float, asked_s: float | None = None) -> float:
        """How long to wait after ``attempts`` failures.

        Args:
            attempts: how many failed, from 1.
            roll: a random number from 0 to 1; pauses spread over half to the whole of the present one.
            asked_s: what Retry-After asked for; it is never undercut, and capped at a day.
        """
        doubled = self.first_s * 2.0 ** min(attempts - 1, 40)
        pause = min(doubled, self.longest_s) * (0.5 + 0.5 * roll)
        if asked_s is not None:
            pause = max(pause, min(asked_s, MAX_RETRY_AFTER_S))
        return pause

    def probe_s(self, failures: int, roll: float, asked_s: float | None = None) -> float:
        """How long to leave a receiver alone that fails for every conversation; never more than some minutes."""
        return min(self.pause_s(failures, roll), LONGEST_PROBE_S) if asked_s is None else self.pause_s(1, roll, asked_s)

    def is_hopeless(self, failing_since_ms: int, now_ms: int) -> bool:
        """Whether a webhook failed for so long that it is switched off."""
        return failing_since_ms > 0 and now_ms - failing_since_ms >= self.disable_after_s * 1000


def retry_after_s(value: str, now_s: float) -> float | None:
    """What a Retry-After header asks for, as seconds from now; None when it says nothing that can be understood."""
    text = value.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, at.timestamp() - now_s)
    except (TypeError, ValueError, OverflowError):
        return None
