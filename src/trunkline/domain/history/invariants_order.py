"""I6 and I7: the order of sends in the final log.

Both speak about sends whose place is known: those in the final log, and acknowledged ones below the retention floor.

* **I6 real-time order**: if the first `ok` of `a` came before the first `invoke` of `b` (strictly, on the shared clock)
  and both are in one conversation, then `a` stands before `b`. Sends that overlap in time may stand either way.
* **I7 sender order**: if one device invoked `a` before `b` for one conversation, in the order of its own history, and
  did not see either refused, then `a` stands before `b`. Only the *first* invoke of an id counts: a retry does not
  move a send. This covers sends the device gave up on (`unknown`, or no answer at all): such a send may be absent,
  but if it is in the log it must not stand behind a later send of that device. That is the case of the late retry
  from an old connection.

A sort by time and a sweep with a running maximum for I6, one pass with a running maximum for I7. A send is counted
once in `reordered` even if it breaks both.
"""

from collections.abc import Mapping

from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import Send, SendTable
from trunkline.domain.history.verdict import Findings

__all__ = ["check_order", "place_of"]


def place_of(send: Send, log: FinalLog) -> int | None:
    """Return where a send stands in the log, None when it is not there and never was comparable."""
    seq = log.seq_of.get(send.id)
    if seq is not None:
        return seq
    for ack in send.acks:
        if log.survives(ack.epoch, ack.seq) and (ack.seq < log.floor or ack.seq in log.erased):
            return ack.seq
    return None


def check_order(sends: SendTable, logs: Mapping[str, FinalLog], findings: Findings) -> None:
    """Check I6 and I7 for all conversations."""
    late: set[str] = set()
    made: dict[str, list[tuple[int, int, str]]] = {conv: [] for conv in logs}
    acked: dict[str, list[tuple[int, int, str]]] = {conv: [] for conv in logs}
    last_of_device: dict[tuple[str, str], tuple[int, str]] = {}
    for send in sends:
        place = place_of(send, logs[send.conv])
        if place is None:
            continue
        made[send.conv].append((send.invoked_t, place, send.id))
        if send.acks:
            acked[send.conv].append((send.acked_t, place, send.id))
        if send.failed:
            continue
        key = (send.dev, send.conv)
        before = last_of_device.get(key)
        if before is None or place > before[0]:
            last_of_device[key] = (place, send.id)
        else:
            late.add(send.id)
            findings.report(
                "I7",
                f"{send.conv}: {send.dev} sent {before[1]} before {send.id}, but they are at {before[0]} and {place}",
            )
    for conv in logs:
        _sweep(conv, made[conv], acked[conv], late, findings)
    findings.reordered += len(late)


def _sweep(
    conv: str,
    made: list[tuple[int, int, str]],
    acked: list[tuple[int, int, str]],
    late: set[str],
    findings: Findings,
) -> None:
    """Check I6 in one conversation; both lists hold (time, place, id) and are sorted here."""
    made.sort()
    acked.sort()
    done = 0
    top_place, top_id = 0, ""
    for invoked_t, place, send_id in made:
        while done < len(acked) and acked[done][0] < invoked_t:
            if acked[done][1] > top_place:
                top_place, top_id = acked[done][1], acked[done][2]
            done += 1
        if place <= top_place:
            late.add(send_id)
            findings.report(
                "I6",
                f"{conv}: {top_id} at {top_place} was acknowledged before {send_id} was sent, yet that is at {place}",
            )
