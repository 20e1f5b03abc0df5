"""Rate limits in HTTP: the headers that tell a caller how much it has left."""

from __future__ import annotations

import math
from collections.abc import MutableMapping

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.limits import Rate, Verdict
from trunkline.edges.http.deps import RequestRates


class Allowance:
    """What a request found in its caller's bucket."""

    __slots__ = ("_rate", "_verdict")

    def __init__(self, rates: RequestRates, caller: Caller, now_s: float, cost: int = 1) -> None:
        self._rate: Rate = rates.rate_for(caller)
        self._verdict: Verdict = rates.take(caller, now_s, cost)

    def check(self) -> None:
        """Refuse the request if the bucket could not cover it.

        Raises:
            TrunklineError: ``RATE_LIMITED`` with the time to wait.
        """
        if not self._verdict.allowed:
            retry_ms = max(1, math.ceil(self._verdict.retry_after_s * 1000))
            raise TrunklineError(
                Code.RATE_LIMITED, f"More than {self._rate.per_s:g} requests a second.", retry_ms=retry_ms
            )

    def describe(self, headers: MutableMapping[str, str]) -> None:
        """Add the RateLimit headers."""
        if self._rate.unlimited:
            return
        headers["RateLimit-Limit"] = str(self._rate.burst)
        headers["RateLimit-Remaining"] = str(self._verdict.remaining)
        headers["RateLimit-Reset"] = str(math.ceil(self._verdict.full_after_s))
