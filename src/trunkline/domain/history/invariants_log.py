"""I1 to I5: what the final log must hold, given what was sent and how it was answered.

* **I1 durability**: `ok(id, seq, epoch)` means that the final log has `id` at `seq`. Every acknowledgement of an id is
  held to this, so two acknowledgements cannot differ. Not covered: positions a declared restore took away (counted as
  `restored_away`), positions below the retention floor (`expired`), and messages erased on purpose.
* **I2 no invention**: every id in the log was invoked, for that conversation.
* **I3 no duplicate**: an id is in the log at most once, acknowledged or not, and in one conversation only.
* **I4**: a send that got `fail` is not in the log, and got no `ok` either.
* **I5 contiguous**: the store returns positions `floor, floor + 1, ...` in this order, each once.

One pass over the log and one over the sends.
"""

from collections.abc import Mapping

from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import Send, SendTable
from trunkline.domain.history.verdict import Findings

__all__ = ["LogCounts", "check_log", "check_sends"]


class LogCounts:
    """Numbers that the verdict reports beside the violations."""

    __slots__ = ("accepted", "expired", "restored_away", "unresolved")

    def __init__(self) -> None:
        self.accepted = 0
        self.expired = 0
        self.restored_away = 0
        self.unresolved = 0


def check_log(log: FinalLog, sends: SendTable, findings: Findings) -> None:
    """Check I2, I3 and I5 in one log."""
    _check_numbers(log, sends, findings)
    _check_ids(log, sends, findings)


def _check_numbers(log: FinalLog, sends: SendTable, findings: Findings) -> None:
    """Check I5 by walking the positions in the order the store returned them."""
    holes: set[int] = set()
    expected = log.floor
    for seq, _ in log.entries:
        if seq == expected:
            expected += 1
        elif seq > expected:
            holes.update(range(expected, seq))
            expected = seq + 1
        elif seq in holes:
            holes.discard(seq)
            findings.reordered += 1
            findings.report("I5", f"{log.conv}: the store returned {seq} after {expected - 1}")
        elif seq < log.floor:
            findings.report("I5", f"{log.conv}: position {seq} is below the floor {log.floor}")
        else:
            findings.duplicated += 1
            findings.report("I5", f"{log.conv}: position {seq} is there twice")
    if holes:
        acked = {
            ack.seq for send in sends if send.conv == log.conv for ack in send.acks if log.survives(ack.epoch, ack.seq)
        }
        for seq in sorted(holes):
            findings.report("I5", f"{log.conv}: position {seq} is missing")
            if seq not in acked:  # an acknowledged one is counted as lost by I1
                findings.lost += 1


def _check_ids(log: FinalLog, sends: SendTable, findings: Findings) -> None:
    """Check I2 and I3 by walking the ids."""
    seen: dict[str, int] = {}
    for seq, send_id in log.entries:
        if send_id is None:
            continue
        if send_id in seen:
            findings.report("I3", f"{log.conv}: {send_id} is at {seen[send_id]} and again at {seq}")
            if seq != seen[send_id]:  # one position returned twice is counted as a duplicate by I5
                findings.duplicated += 1
            continue
        seen[send_id] = seq
        send = sends.by_id.get(send_id)
        if send is None:
            findings.report("I2", f"{log.conv}: {send_id} at {seq} was never sent by anyone")
        elif send.conv != log.conv:
            findings.report("I2", f"{log.conv}: {send_id} at {seq} was sent to {send.conv}")


def check_sends(sends: SendTable, logs: Mapping[str, FinalLog], findings: Findings) -> LogCounts:
    """Check I1 and I4, and I3 across conversations, by walking the sends."""
    counts = LogCounts()
    for send in sends:
        log = logs[send.conv]
        if send.acks:
            counts.accepted += 1
            _check_acks(send, log, counts, findings)
        elif not send.failed:
            counts.unresolved += 1
        if send.failed:
            if send.acks:
                findings.report("I4", f"{send.conv}: {send.id} was refused and also acknowledged")
            if send.id in log.seq_of:
                findings.report("I4", f"{send.conv}: {send.id} was refused but is at {log.seq_of[send.id]}")
    for orphan in sends.orphans:
        findings.report("I2", f"an answer came for {orphan.id}, which nobody sent: {type(orphan).__name__.lower()}")
    return counts


def _check_acks(send: Send, log: FinalLog, counts: LogCounts, findings: Findings) -> None:
    """Hold every acknowledgement of one send to the log."""
    surviving = 0
    expired = False
    lost = False
    for ack in send.acks:
        if not any(epoch == ack.epoch for epoch, _ in log.epochs):
            findings.report(
                "I1", f"{log.conv}: {send.id} was acknowledged in epoch {ack.epoch}, which the log never had"
            )
        if not log.survives(ack.epoch, ack.seq):
            continue
        surviving += 1
        if ack.seq < log.floor:
            expired = True
            continue
        if log.ids.get(ack.seq) == send.id or log.seq_of.get(send.id) == ack.seq:
            continue
        if ack.seq in log.erased and ack.seq in log.ids and log.ids[ack.seq] is None:
            continue
        actual = log.seq_of.get(send.id)
        if actual is None:
            lost = True
            findings.report("I1", f"{log.conv}: {send.id} was acknowledged at {ack.seq} but is not in the log")
        else:
            findings.reordered += 1
            findings.report("I1", f"{log.conv}: {send.id} was acknowledged at {ack.seq} but is at {actual}")
    if lost:
        findings.lost += 1
    if expired:
        counts.expired += 1
    if surviving == 0 and send.id not in log.seq_of:
        counts.restored_away += 1
