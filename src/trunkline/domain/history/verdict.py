"""What a check found, in numbers and sentences.

Lives here: the collector the invariants report to, and the immutable result. Does not live here: any rule.
"""

import msgspec

from trunkline.domain.history.bound import upper_bound_95

__all__ = ["EXAMPLES_KEPT", "INVARIANTS", "Findings", "Verdict", "Violations"]

INVARIANTS: dict[str, str] = {
    "I1": "durability: an acknowledged send is in the log at the acknowledged position",
    "I2": "no invention: what is in the log or delivered was sent",
    "I3": "no duplicate: an id is in the log at most once",
    "I4": "a refused send is never in the log",
    "I5": "contiguous: the log has every number exactly once",
    "I6": "real-time order: a send acknowledged before another was made is before it in the log",
    "I7": "sender order: the sends of one device are in the log in the order they were made",
    "I8": "delivery: each device gets its view of the log in order, without gap or repeat",
    "I9": "convergence: all devices of a scope, and a fresh login, end in the same state",
    "I10": "monotonic: no device sees an older head or epoch than it saw before, or a stale one",
    "I11": "cursors never go back and never pass the head",
}

EXAMPLES_KEPT = 10


class Violations(msgspec.Struct, frozen=True):
    """Violations of one invariant: how many, and the first few in words."""

    count: int
    examples: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True):
    """The result of checking one run.

    Attributes:
        accepted: N, the number of distinct sends that were acknowledged.
        deliveries: Callbacks at devices.
        lost: Acknowledged sends that are not in the log, log positions that are holes, and deliveries never made.
        duplicated: Surplus copies of an id in the log, and repeated deliveries.
        reordered: Sends and deliveries out of order, and acknowledgements that name another position than the log.
        restored_away: Acknowledged sends behind a restore's cut; declared lost by the restore, not counted as lost.
        expired: Acknowledged sends below the retention floor, where nothing can be compared.
        skipped_by_resync: Entries that devices took from a snapshot instead of callbacks, after a justified resync.
        unresolved: Sends that never got an answer.
        violations: By invariant; an invariant that held is absent.
    """

    accepted: int
    deliveries: int
    lost: int
    duplicated: int
    reordered: int
    restored_away: int
    expired: int
    skipped_by_resync: int
    unresolved: int
    violations: dict[str, Violations]

    @property
    def clean(self) -> bool:
        """True when every invariant held."""
        return not self.violations

    @property
    def total_violations(self) -> int:
        """Number of violations of all invariants together."""
        return sum(found.count for found in self.violations.values())

    @property
    def bound_95(self) -> float:
        """95 % upper bound of the rate of harmed sends: 3/N when there was none."""
        harmed = min(self.accepted, self.lost + self.duplicated + self.reordered)
        return upper_bound_95(harmed, self.accepted)

    def summary(self) -> str:
        """Return the one line every claim ends with."""
        text = (
            f"lost {self.lost}, duplicated {self.duplicated}, reordered {self.reordered} of {self.accepted:,}"
            f" (95 % bound {self.bound_95:.2g})"
        )
        if self.violations:
            names = ", ".join(f"{name} x{found.count:,}" for name, found in self.violations.items())
            text += f"; violated: {names}"
        return text

    def sentences(self) -> list[str]:
        """Return the kept examples as `I8: ...` lines."""
        return [f"{name}: {example}" for name, found in self.violations.items() for example in found.examples]


class Findings:
    """Collects what the invariants report while a check runs."""

    def __init__(self) -> None:
        self.lost = 0
        self.duplicated = 0
        self.reordered = 0
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def report(self, invariant: str, sentence: str) -> None:
        """Count a violation and keep its sentence if it is among the first."""
        self._counts[invariant] = self._counts.get(invariant, 0) + 1
        kept = self._examples.setdefault(invariant, [])
        if len(kept) < EXAMPLES_KEPT:
            kept.append(sentence)

    def violations(self) -> dict[str, Violations]:
        """Return what was reported, in the order of the invariants."""
        return {
            name: Violations(self._counts[name], tuple(self._examples[name]))
            for name in INVARIANTS
            if name in self._counts
        }
