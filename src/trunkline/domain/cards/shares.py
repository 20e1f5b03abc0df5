"""How much the next claim of a red packet gets. Integers only; the shares add up to the amount, whatever is drawn.

A random share is drawn between 1 and twice the mean of what is left, so all claims expect the same, whoever is first.
It needs only what is left and a number that nobody can foresee, so no list of shares exists anywhere that could leak.
"""

from __future__ import annotations


def equal_share(amount: int, shares: int, claimed: int) -> int:
    """The share of claim number ``claimed`` (from 0): all alike; the first ones take the remainder, 1 each."""
    return amount // shares + (1 if claimed < amount % shares else 0)


def random_share(left: int, shares_left: int, draw: int) -> int:
    """A share of what is ``left``: at least 1, and at least 1 stays for every later claim."""
    if shares_left <= 1:
        return left
    most = min(left - (shares_left - 1), 2 * left // shares_left)
    return 1 + draw % most
