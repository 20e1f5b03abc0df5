"""The history checker: all invariants over one run.

Lives here: who gets which event, and the verdict. Does not live here: any invariant (`invariants_*`), files, clocks.

The final logs are given first, so that deliveries, by far the most frequent event, are judged as they stream by and
need not be kept: the memory is that of the sends and the logs. The time is O(n log n), of which the sorting is the
smallest part.

    checker = Checker(logs)
    for line_file in histories:
        checker.feed_all(decode_lines(line_file))
    verdict = checker.finish()
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from trunkline.domain.history.events import (
    Asked,
    Cursor,
    Event,
    Fail,
    Head,
    Invoke,
    Ok,
    Recv,
    Resync,
    StateHash,
    Unknown,
    ViewJoin,
    ViewLeave,
)
from trunkline.domain.history.invariants_log import check_log, check_sends
from trunkline.domain.history.invariants_order import check_order
from trunkline.domain.history.invariants_state import Cursors, Heads, StateHashes
from trunkline.domain.history.invariants_view import Views
from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import ContradictoryHistoryError, SendTable
from trunkline.domain.history.verdict import Findings, Verdict

__all__ = ["Checker", "check_history"]


class Checker:
    """Judges one run.

    Args:
        logs: The final log of every conversation that any event names.
        fresh_hashes: By scope, the state hash of a device that logged in after everything had come to rest.
        absent: Devices that were gone at the end, and so need not have caught up.
        resync_gap: How many missing entries the server documents as too many to send one by one; None when it has no
            such limit.
    """

    def __init__(
        self,
        logs: Iterable[FinalLog],
        *,
        fresh_hashes: Mapping[str, str] | None = None,
        absent: Collection[str] = (),
        resync_gap: int | None = None,
    ) -> None:
        self._logs = {log.conv: log for log in logs}
        self._fresh_hashes = fresh_hashes or {}
        self._absent = frozenset(absent)
        self._findings = Findings()
        self._sends = SendTable()
        self._views = Views(self._logs, self._findings, resync_gap)
        self._heads = Heads(self._logs, self._findings)
        self._cursors = Cursors(self._logs, self._findings)
        self._hashes = StateHashes()
        self._finished = False
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            Invoke: self._sends.on_invoke,
            Ok: self._sends.on_ok,
            Fail: self._sends.on_fail,
            Unknown: self._sends.on_unknown,
            Recv: self._on_recv,
            Resync: self._views.on_resync,
            ViewJoin: self._views.on_join,
            ViewLeave: self._views.on_leave,
            Cursor: self._cursors.on_cursor,
            Asked: self._heads.on_asked,
            Head: self._heads.on_head,
            StateHash: self._hashes.on_state_hash,
        }

    def feed(self, event: Event) -> None:
        """Take the next event of some device."""
        self.feed_all((event,))

    def feed_all(self, events: Iterable[Event]) -> None:
        """Take events; those of one device must come in that device's order."""
        handlers = self._handlers
        try:
            for event in events:
                handlers[type(event)](event)
        except KeyError as error:
            raise ContradictoryHistoryError(f"an event names {error}, for which no final log was given") from error

    def finish(self) -> Verdict:
        """Check what can only be said at the end and return the verdict. Call once."""
        if self._finished:
            raise RuntimeError("finish() was called before; make a new Checker for another run")
        self._finished = True
        self._sends.settle()
        for send in self._sends:
            if send.conv not in self._logs:
                raise ContradictoryHistoryError(f"{send.id} was sent to {send.conv}, for which no final log was given")
        for log in self._logs.values():
            check_log(log, self._sends, self._findings)
        counts = check_sends(self._sends, self._logs, self._findings)
        check_order(self._sends, self._logs, self._findings)
        self._views.finish(self._sends, self._absent)
        self._heads.finish(self._sends)
        self._cursors.finish(self._sends)
        self._hashes.finish(self._fresh_hashes, self._absent, self._findings)
        return Verdict(
            accepted=counts.accepted,
            deliveries=self._views.deliveries,
            lost=self._findings.lost,
            duplicated=self._findings.duplicated,
            reordered=self._findings.reordered,
            restored_away=counts.restored_away,
            expired=counts.expired,
            skipped_by_resync=self._views.skipped_by_resync,
            unresolved=counts.unresolved,
            violations=self._findings.violations(),
        )

    def _on_recv(self, event: Recv) -> None:
        self._views.on_recv(event)
        self._heads.on_recv(event)


def check_history(
    events: Iterable[Event],
    logs: Iterable[FinalLog],
    *,
    fresh_hashes: Mapping[str, str] | None = None,
    absent: Collection[str] = (),
    resync_gap: int | None = None,
) -> Verdict:
    """Check one run in one call; the arguments are those of `Checker`."""
    checker = Checker(logs, fresh_hashes=fresh_hashes, absent=absent, resync_gap=resync_gap)
    checker.feed_all(events)
    return checker.finish()
