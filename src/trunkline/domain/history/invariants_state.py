"""I9 to I11: the state devices end in, the heads they saw, and the cursors.

* **I9 convergence**: the last state hash of every device of a scope is the same, and equals the one a fresh login got.
  Devices named as `absent` are left out: they were gone at the end.
* **I10 monotonic**: a device never sees a smaller head than a head or delivery it saw before in that epoch, never an
  older epoch, and never a head that the final log does not reach. An answer is held to what the device had seen when
  it `Asked`, because a delivery may overtake it; it is also not below any entry that was acknowledged, to anyone,
  before that moment (otherwise the read was stale).
* **I11 cursors**: a cursor, as one device sees it, never goes back within an epoch, never passes the final head, and
  never stands on a message that had not been sent yet.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping

from trunkline.domain.history.events import Asked, Cursor, Head, Recv, StateHash
from trunkline.domain.history.invariants_order import place_of
from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import SendTable
from trunkline.domain.history.verdict import Findings

__all__ = ["Cursors", "Heads", "StateHashes"]


class StateHashes:
    """I9."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, str]] = {}

    def on_state_hash(self, event: StateHash) -> None:
        """Remember the last hash of the device."""
        self._last.setdefault(event.scope, {})[event.dev] = event.h

    def finish(self, fresh: Mapping[str, str], absent: Collection[str], findings: Findings) -> None:
        """Compare the devices of each scope with each other and with the fresh login."""
        for scope, by_device in self._last.items():
            present = {dev: h for dev, h in by_device.items() if dev not in absent}
            hashes = list(present.values())
            expected = fresh.get(scope) or max(hashes, key=hashes.count, default="")
            source = "a fresh login" if scope in fresh else "most devices"
            for dev, h in present.items():
                if h != expected:
                    findings.report("I9", f"{scope}: {dev} ended in state {h}, {source} in {expected}")


class Heads:
    """I10."""

    def __init__(self, logs: Mapping[str, FinalLog], findings: Findings) -> None:
        self._logs = logs
        self._findings = findings
        self._top: dict[tuple[str, str], tuple[int, int]] = {}
        self._asked: list[Head] = []
        self._top_when_asked: dict[tuple[str, str, int], tuple[int, int] | None] = {}

    def on_recv(self, event: Recv) -> None:
        """A delivery shows that the head is at least there."""
        key = (event.dev, event.conv)
        top = self._top.get(key)
        seen = (event.epoch, event.seq)
        if top is None or seen > top:
            self._top[key] = seen

    def on_asked(self, event: Asked) -> None:
        """Remember what the device had seen by now."""
        self._top_when_asked[event.dev, event.conv, event.t] = self._top.get((event.dev, event.conv))

    def on_head(self, event: Head) -> None:
        """Check a head against what the device saw before and against the final log."""
        key = (event.dev, event.conv)
        name = f"{event.dev} in {event.conv}"
        top = self._top.get(key)
        seen = (event.epoch, event.seq)
        bound = self._top_when_asked.pop((event.dev, event.conv, event.asked_t), top)
        if bound is not None and seen < bound:
            self._findings.report(
                "I10", f"{name}: saw head {seen[1]} (epoch {seen[0]}) after {bound[1]} (epoch {bound[0]})"
            )
        if top is None or seen > top:
            self._top[key] = seen
        log = self._logs[event.conv]
        if event.seq > log.head and log.survives(event.epoch, event.seq):
            self._findings.report("I10", f"{name}: saw head {event.seq}, but the log ends at {log.head}")
        if event.asked_t:
            self._asked.append(event)

    def finish(self, sends: SendTable) -> None:
        """Check that no answer was stale."""
        if not self._asked:
            return
        acked: dict[str, list[tuple[int, int]]] = {head.conv: [] for head in self._asked}
        for send in sends:
            if send.acks and send.conv in acked:
                place = place_of(send, self._logs[send.conv])
                if place is not None:
                    acked[send.conv].append((send.acked_t, place))
        tops: dict[str, list[int]] = {}
        for conv, pairs in acked.items():
            pairs.sort()
            top = 0
            tops[conv] = [top := max(top, place) for _, place in pairs]
        for head in self._asked:
            before = bisect_left(acked[head.conv], (head.asked_t, 0))
            if before and tops[head.conv][before - 1] > head.seq and self._is_current(head):
                self._findings.report(
                    "I10",
                    f"{head.dev} in {head.conv}: a stale read: head {head.seq} when"
                    f" {tops[head.conv][before - 1]} had been acknowledged",
                )

    def _is_current(self, head: Head) -> bool:
        return self._logs[head.conv].kept_until(head.epoch) is None


class Cursors:
    """I11."""

    def __init__(self, logs: Mapping[str, FinalLog], findings: Findings) -> None:
        self._logs = logs
        self._findings = findings
        self._last: dict[tuple[str, str, str, str], tuple[int, int]] = {}
        self._earliest: dict[tuple[str, int], Cursor] = {}

    def on_cursor(self, event: Cursor) -> None:
        """Check a cursor against the last one the device saw and against the final head."""
        key = (event.dev, event.conv, event.owner, event.kind)
        last = self._last.get(key)
        now = (event.epoch, event.seq)
        if last is not None and now < last:
            self._findings.report("I11", f"{_name(event)} went back from {last[1]} to {event.seq}")
        else:
            self._last[key] = now
        log = self._logs[event.conv]
        if event.seq > log.head and log.survives(event.epoch, event.seq):
            self._findings.report("I11", f"{_name(event)} is at {event.seq}, past the head {log.head}")
        elif log.survives(event.epoch, event.seq):
            earliest = self._earliest.get((event.conv, event.seq))
            if earliest is None or event.t < earliest.t:
                self._earliest[event.conv, event.seq] = event

    def finish(self, sends: SendTable) -> None:
        """Check that no cursor stood on a message before it was sent."""
        for (conv, seq), event in self._earliest.items():
            send = sends.by_id.get(self._logs[conv].ids.get(seq) or "")
            if send is not None and event.t < send.invoked_t:
                self._findings.report("I11", f"{_name(event)} was at {seq} before {send.id} was sent")


def _name(event: Cursor) -> str:
    return f"{event.conv}: the {event.kind} cursor of {event.owner}, as {event.dev} saw it,"
