"""What a number of failures in N trials says about the true failure rate.

Lives here: the 95 % upper bound printed beside every claim. Does not live here: counting.
"""

import math

__all__ = ["trials_needed", "upper_bound_95"]

_RULE_OF_THREE = 3.0
_MISS_PROBABILITY = 0.05


def upper_bound_95(failures: int, trials: int) -> float:
    """Return the rate that the true failure rate is below with 95 % confidence.

    With no failure in N trials that is 3/N (the rule of three). With failures it is the Poisson bound: the rate at
    which seeing that few failures would have had a probability of 5 %. Without trials nothing is known and it is 1.
    """
    if failures < 0 or trials < 0 or failures > trials:
        raise ValueError(f"need 0 <= failures <= trials, got {failures} of {trials}")
    if trials == 0:
        return 1.0
    if failures == 0:
        return min(1.0, _RULE_OF_THREE / trials)
    low, high = float(failures), 2.0 * failures + 20.0
    for _ in range(80):
        middle = (low + high) / 2
        if _poisson_at_most(failures, middle) > _MISS_PROBABILITY:
            low = middle
        else:
            high = middle
    return min(1.0, high / trials)


def trials_needed(rate: float) -> int:
    """Return how many trials without a failure are needed before a claim of "less than `rate`" may be printed."""
    if not 0 < rate <= 1:
        raise ValueError(f"a rate is above 0 and at most 1, got {rate}")
    return math.ceil(_RULE_OF_THREE / rate)


def _poisson_at_most(k: int, mean: float) -> float:
    """Probability of at most `k` events at this mean, summed in logarithms so that it cannot underflow midway."""
    log_mean = math.log(mean)
    return math.fsum(math.exp(i * log_mean - mean - math.lgamma(i + 1)) for i in range(k + 1))
