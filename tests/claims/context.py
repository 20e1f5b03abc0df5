"""What a scenario is given: a seed, a size, a directory of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(slots=True)
class Context:
    """Everything a scenario may depend on, so that a run can be repeated from its report.

    Attributes:
        seed: Decides everything random.
        full: The sizes of the published report, instead of the short ones of `make test`.
        minutes: How long scenarios that go by time may take altogether; None for their own choice.
        directory: An empty directory for data, logs and histories.
    """

    seed: int
    full: bool
    minutes: float | None
    directory: Path

    def rng(self, *names: object) -> random.Random:
        """Return a generator of its own for a part of the scenario, so that parts do not disturb one another."""
        return random.Random("/".join(map(str, (self.seed, *names))))

    def size(self, *, short: _T, full: _T) -> _T:
        """Choose between the two sizes."""
        return full if self.full else short
