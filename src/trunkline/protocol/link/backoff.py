"""How long to wait before trying again: full jitter (``spec/link.md`` section 9).

Randomness comes in as ``roll``, a number in [0, 1), so that the same roll always gives the same wait.
What is not here: the waiting, and the decision whether to try again (``closing``).
"""

from __future__ import annotations

RECONNECT_BASE_S = 0.5
RECONNECT_CEILING_S = 30.0
RETRY_CEILING_S = 30.0
_RETRY_BASE_S = 0.1


def reconnect_ceiling_s(attempt: int) -> float:
    """The longest wait before reconnect number ``attempt``, counted from 0 since the last good connection."""
    # 2**6 * 0.5 already exceeds the ceiling; the cap keeps the power small after a night offline.
    return min(RECONNECT_CEILING_S, RECONNECT_BASE_S * 2.0 ** min(attempt, 6))


def reconnect_delay_s(attempt: int, roll: float) -> float:
    """A random wait in [0, ``reconnect_ceiling_s(attempt)``)."""
    return roll * reconnect_ceiling_s(attempt)


def draining_delay_s(reconnect_in_ms: int, roll: float) -> float:
    """A random wait in [0, twice what the draining server named)."""
    return roll * 2.0 * max(reconnect_in_ms, 0) / 1000.0


def retry_delay_s(retry_ms: int, attempt: int, roll: float) -> float:
    """How long to wait before repeating a request that was refused with "later" or whose outcome is unknown.

    Where the server named a time: that, and up to as much again, so that many refused clients do not come back
    together. Else full jitter under a ceiling that doubles with every attempt, counted from 1.
    """
    if retry_ms > 0:
        return (1.0 + roll) * retry_ms / 1000.0
    return roll * min(RETRY_CEILING_S, _RETRY_BASE_S * 2.0 ** min(attempt, 9))
