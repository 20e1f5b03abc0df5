"""A fair sample of the messages of one tick, in bounded memory.

The order of preference is: higher priority; then a sender's first message before anybody's second, a second before
anybody's third; then the draw. So a sender who floods takes nothing from those who do not.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Ranked = tuple[int, int, float, int, T]
"""(priority, -how manieth of its sender, draw, -arrival, message): the greater, the sooner it is served."""


class Sampler(Generic[T]):
    """Keeps the best of what it is offered.

    Args:
        capacity: messages kept at most.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: list[Ranked[T]] = []
        self._of_sender: dict[str, int] = {}
        self._arrivals = 0
        self._is_heap = False

    def __len__(self) -> int:
        return len(self._kept)

    def offer(self, message: T, sender: str, priority: int, draw: float) -> T | None:
        """Offer a message; what had to go for it (maybe itself), or None."""
        place = self._of_sender.get(sender, 0) + 1
        self._of_sender[sender] = place
        self._arrivals += 1
        ranked = (priority, -place, draw, -self._arrivals, message)
        if len(self._kept) < self._capacity:
            self._kept.append(ranked)
            return None
        if not self._is_heap:
            heapq.heapify(self._kept)
            self._is_heap = True
        return heapq.heappushpop(self._kept, ranked)[4]

    def take(self, fits: Callable[[T], bool], priority: int) -> tuple[list[T], list[T]]:
        """Take out the messages of a priority: those that ``fits`` accepts, best first; and those that must go."""
        chosen = [ranked for ranked in self._kept if ranked[0] == priority]
        if not chosen:
            return [], []
        self._kept = [ranked for ranked in self._kept if ranked[0] != priority]
        self._is_heap = False
        chosen.sort(reverse=True)
        kept: list[T] = []
        for index, ranked in enumerate(chosen):
            if not fits(ranked[4]):
                return kept, [late[4] for late in chosen[index:]]
            kept.append(ranked[4])
        return kept, []

    def clear(self) -> list[T]:
        """Forget everything; what was kept."""
        left = [ranked[4] for ranked in self._kept]
        self._kept = []
        self._of_sender = {}
        self._is_heap = False
        return left
