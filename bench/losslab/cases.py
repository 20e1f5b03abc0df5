"""One room of the lab, what its network does to it, and what came of it. Not here: running it (``running``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.losslab.impairment import CLEAN, Impairment


@dataclass(slots=True, frozen=True)
class Case:
    """One room of two.

    Attributes:
        up: between the publisher and the server.
        down: between the server and the subscriber.
        joined: the impairment begins when both have joined; otherwise it is there from the start.
        back: the other directions fare the same (acknowledgements are lost as well).
    """

    name: str
    up: Impairment = CLEAN
    down: Impairment = CLEAN
    joined: bool = True
    back: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a case.

    Attributes:
        values: named figures.
        failed: why there are none; "" otherwise.
    """

    case: Case
    values: dict[str, float] = field(default_factory=dict)
    failed: str = ""
