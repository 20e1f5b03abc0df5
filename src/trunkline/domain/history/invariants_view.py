"""I8: what each device's callback must have been given. Checked event by event, with a few integers per view.

A *view* is what one device may see of one conversation: from the `seq` of its `ViewJoin` (inclusive) to the `seq` of
its `ViewLeave` (inclusive), or to the head when it never left. A device without a join event has a view from 1. After
leaving, a new join opens a new view.

* Within a view, callbacks come at `start, start + 1, ...`, each once, each with the id the final log has there, and
  when the run has come to rest an open view has reached the head (devices named as `absent` excepted: they were gone
  at the end). `None` stands for an entry that is not a message; a message given as None is a lost message.
* Nothing is delivered outside a view: not before its start, not after its end.
* A `resync` moves the view to just after its `seq`. It is an excuse and so must be earned: in the same epoch only when
  the next entry had fallen below the retention floor (or more than `resync_gap` entries were missing, when the server
  documents such a limit); otherwise only when the epoch is new. Only a new epoch may move it back, because then the
  application is told that what it had is void. It never moves past the head.
* An epoch never changes without a resync.
* A delivery of an id that is not in the log, or before the send was made, is an invention (I2); a delivery in an older
  epoch than before is not monotonic (I10).
"""

from collections.abc import Collection, Mapping

from trunkline.domain.history.events import Recv, Resync, ViewJoin, ViewLeave
from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import ContradictoryHistoryError, SendTable
from trunkline.domain.history.verdict import Findings

__all__ = ["Views"]

_FOREVER = 1 << 62
_HOLE = "\0hole"


class _View:
    """Where one device stands in one conversation."""

    __slots__ = ("compare_until", "epoch", "first_seen", "ids", "implicit", "log", "missing", "name", "next", "open",
                 "start", "until")  # fmt: skip

    def __init__(
        self, name: str, log: FinalLog, start: int, epoch: int, first_seen: list[int], *, implicit: bool
    ) -> None:
        self.name = name
        self.log = log
        self.ids = log.ids
        self.first_seen = first_seen
        self.start = start
        self.next = start
        self.until = 0
        self.open = True
        self.implicit = implicit
        self.missing: set[int] = set()
        self.epoch = epoch
        self.compare_until = 0
        self.enter_epoch(epoch)

    def enter_epoch(self, epoch: int) -> None:
        """Take positions to be of this epoch from here on."""
        until = self.log.kept_until(epoch)
        self.epoch = epoch
        self.compare_until = _FOREVER if until is None else until


class Views:
    """I8 for all devices and conversations of a run."""

    def __init__(self, logs: Mapping[str, FinalLog], findings: Findings, resync_gap: int | None) -> None:
        self._logs = logs
        self._findings = findings
        self._resync_gap = resync_gap
        self._views: dict[tuple[str, str], _View] = {}
        self._first_seen = {conv: [_FOREVER] * (log.head + 1) for conv, log in logs.items()}
        self.deliveries = 0
        self.skipped_by_resync = 0

    def on_join(self, event: ViewJoin) -> None:
        """Open a view."""
        view = self._views.get((event.dev, event.conv))
        log = self._logs[event.conv]
        if event.seq > log.head + 1 and log.survives(event.epoch, event.seq):
            self._report(f"{event.dev} in {event.conv}: the view begins at {event.seq}, past the head {log.head}")
        if view is None:
            self._open(event.dev, event.conv, event.seq, event.epoch, implicit=False)
        elif view.implicit:
            self._report(f"{view.name}: got entries up to {view.next - 1} before it joined at {event.seq}")
            view.implicit = False
        elif view.open:
            raise ContradictoryHistoryError(f"{view.name} joined at {event.seq} without having left")
        else:
            if event.epoch > view.epoch:
                view.until = min(view.until, view.compare_until - 1)
            if event.seq <= view.until:
                self._report(f"{view.name}: joined again at {event.seq}, inside the view that ended at {view.until}")
            view.start = view.next = max(event.seq, view.until + 1)
            view.open = True
            if event.epoch < view.epoch:
                self._findings.report("I10", f"{view.name}: joined in epoch {event.epoch}, having seen {view.epoch}")
            else:
                view.enter_epoch(event.epoch)

    def on_leave(self, event: ViewLeave) -> None:
        """Close a view."""
        view = self._views.get((event.dev, event.conv))
        if view is None:
            view = self._open(event.dev, event.conv, 1, self._logs[event.conv].epochs[0][0], implicit=False)
        if not view.open:
            raise ContradictoryHistoryError(f"{view.name} left at {event.seq} without being there")
        if view.next - 1 > event.seq:
            self._report(f"{view.name}: got entries up to {view.next - 1}, but its view ended at {event.seq}")
        elif event.complete:
            view.missing.update(range(view.next, event.seq + 1))
        view.open = False
        view.until = max(event.seq, view.next - 1)

    def on_recv(self, event: Recv) -> None:
        """Check one delivery; the first branch is the only one that a clean history takes."""
        self.deliveries += 1
        view = self._views.get((event.dev, event.conv))
        if view is None:
            view = self._open(event.dev, event.conv, 1, event.epoch, implicit=True)
        seq = event.seq
        if (
            view.next == seq < view.compare_until
            and view.epoch == event.epoch
            and view.open
            and view.ids.get(seq, _HOLE) == event.id
        ):
            view.next = seq + 1
            if event.t < view.first_seen[seq]:
                view.first_seen[seq] = event.t
        else:
            self._on_odd_recv(view, event)

    def on_resync(self, event: Resync) -> None:
        """Move a view, if the resync was earned."""
        view = self._views.get((event.dev, event.conv))
        if view is None:
            view = self._open(event.dev, event.conv, 1, event.epoch, implicit=False)
        if not view.open and event.epoch > view.epoch and view.until >= view.compare_until:
            view.open = True  # the restore took the leaving away
        if not view.open:
            self._report(f"{view.name}: a resync to {event.seq} after its view ended at {view.until}")
            return
        log = view.log
        last = view.next - 1
        earliest = last
        earned = True
        if event.epoch < view.epoch:
            self._findings.report("I10", f"{view.name}: a resync to epoch {event.epoch}, having seen {view.epoch}")
            return
        if event.epoch > view.epoch:
            earliest = 0
            if not any(epoch == event.epoch for epoch, _ in log.epochs):
                self._report(f"{view.name}: a resync to epoch {event.epoch}, which the log never had")
            view.enter_epoch(event.epoch)
        else:
            gap = log.head - last
            earned = view.next < log.floor or (self._resync_gap is not None and gap > self._resync_gap)
        if event.seq < earliest:
            self._report(f"{view.name}: a resync back to {event.seq}, having got everything up to {last}")
            return
        if event.seq > log.head and log.survives(event.epoch, event.seq):
            self._report(f"{view.name}: a resync to {event.seq}, past the head {log.head}")
        skipped = max(0, min(event.seq, log.head) - last)
        if earned:
            self.skipped_by_resync += skipped
        else:
            self._findings.lost += skipped
            self._report(
                f"{view.name}: a resync from {last} to {event.seq} though the log still had {view.next}"
                f" (floor {log.floor})"
            )
        view.next = event.seq + 1
        view.start = min(view.start, view.next)

    def finish(self, sends: SendTable, absent: Collection[str]) -> None:
        """Check what can only be said at the end: what never came, and that nothing came before it was sent."""
        for (dev, _), view in self._views.items():
            if view.missing:
                self._findings.lost += len(view.missing)
                self._report(f"{view.name}: never got {_ranges(view.missing)}")
            if not view.open or dev in absent:
                continue
            if view.next > view.compare_until:
                self._report(f"{view.name}: still at {view.next - 1} of epoch {view.epoch}, which a restore took away")
            elif view.next <= view.log.head:
                behind = view.log.head - view.next + 1
                self._findings.lost += behind
                self._report(f"{view.name}: stopped at {view.next - 1}, {behind} short of the head {view.log.head}")
        for conv, first_seen in self._first_seen.items():
            ids = self._logs[conv].ids
            for seq, seen_t in enumerate(first_seen):
                if seen_t == _FOREVER:
                    continue
                send = sends.by_id.get(ids.get(seq) or "")
                if send is not None and seen_t < send.invoked_t:
                    self._findings.report("I2", f"{conv}: {send.id} was delivered before it was sent")

    def _open(self, dev: str, conv: str, start: int, epoch: int, *, implicit: bool) -> _View:
        view = _View(f"{dev} in {conv}", self._logs[conv], start, epoch, self._first_seen[conv], implicit=implicit)
        self._views[dev, conv] = view
        return view

    def _on_odd_recv(self, view: _View, event: Recv) -> None:
        """Say what is wrong with a delivery that is not simply the next one."""
        what = f"{view.name}: got {event.id or 'an entry'} at {event.seq}"
        if event.epoch < view.epoch:
            self._findings.report("I10", f"{what} in epoch {event.epoch}, having seen epoch {view.epoch}")
            return
        if event.epoch > view.epoch:
            self._report(f"{what} in epoch {event.epoch} without a resync from epoch {view.epoch}")
            view.enter_epoch(event.epoch)
        if not view.open:
            self._report(f"{what} after its view ended at {view.until}")
            return
        if event.seq < view.start:
            self._report(f"{what} before its view began at {view.start}")
            return
        if self._is_wrong_content(view, event, what) and event.seq > view.log.head:
            return
        if event.seq >= view.next:
            if event.seq > view.next:
                view.missing.update(range(view.next, event.seq))
            view.next = event.seq + 1
        elif event.seq in view.missing:
            view.missing.discard(event.seq)
            self._findings.reordered += 1
            self._report(f"{what} after {view.next - 1}")
        else:
            self._findings.duplicated += 1
            self._report(f"{what} again")

    def _is_wrong_content(self, view: _View, event: Recv, what: str) -> bool:
        """Compare a delivery with the final log, where the two can be compared."""
        seq, log = event.seq, view.log
        if seq < log.floor or seq >= view.compare_until:
            return False
        expected = log.ids.get(seq, _HOLE)
        if expected == event.id or (expected is None and seq in log.erased):
            if event.id is not None and event.t < view.first_seen[seq]:
                view.first_seen[seq] = event.t
            return False
        if event.id is None:
            if expected == _HOLE:
                self._findings.report("I2", f"{what}, where the log has nothing")
            else:
                self._findings.lost += 1
                self._report(f"{what} that is not a message in place of {expected}")
        elif event.id in log.seq_of:
            self._findings.reordered += 1
            self._report(f"{what}, but it is at {log.seq_of[event.id]}")
        else:
            self._findings.report("I2", f"{what}, but it is not in the log")
        return True

    def _report(self, sentence: str) -> None:
        self._findings.report("I8", sentence)


def _ranges(seqs: set[int]) -> str:
    """Write positions as `3, 5-9`, the first few of them."""
    parts: list[list[int]] = []
    for seq in sorted(seqs):
        if parts and seq == parts[-1][1] + 1:
            parts[-1][1] = seq
        else:
            parts.append([seq, seq])
    text = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in parts[:5])
    return text if len(parts) <= 5 else f"{text} and {len(parts) - 5} more ranges"
