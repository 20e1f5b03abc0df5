"""A second checker, written from the definitions without a thought for speed: the oracle for the real one.

It compares everything with everything, keeps no running state where a definition does without, and reports only which
invariants are violated. I2 and I8 come out together as `I2/I8`: whether a wrong delivery is called an invention or a
wrong view is a matter of wording.
"""

from __future__ import annotations

from itertools import combinations

from tests.unit.history.generate import Run
from trunkline.domain.history import (
    Asked,
    Cursor,
    Event,
    Fail,
    FinalLog,
    Head,
    Invoke,
    Ok,
    Recv,
    Resync,
    StateHash,
    ViewJoin,
    ViewLeave,
)

_ANY = object()


def naive_violations(run: Run) -> set[str]:
    """Return the names of the violated invariants."""
    events = run.all_events()
    logs = {log.conv: log for log in run.logs()}
    found: set[str] = set()
    found |= _log(events, logs)
    found |= _order(events, logs)
    found |= _views(run, logs)
    found |= _state(run, events, logs)
    return found


def _conv_of(events: list[Event], send_id: str) -> str | None:
    return next((e.conv for e in events if isinstance(e, Invoke) and e.id == send_id), None)


def _comparable(log: FinalLog, epoch: int, seq: int) -> bool:
    return all(seq < first for later, first in log.epochs if later > epoch)


def _log(events: list[Event], logs: dict[str, FinalLog]) -> set[str]:
    found: set[str] = set()
    oks = [e for e in events if isinstance(e, Ok)]
    failed = {e.id for e in events if isinstance(e, Fail)}
    for ok in oks:
        conv = _conv_of(events, ok.id)
        if conv is None:
            found.add("I2/I8")
            continue
        log = logs[conv]
        if ok.epoch not in [epoch for epoch, _ in log.epochs]:
            found.add("I1")
        in_doubt = not _comparable(log, ok.epoch, ok.seq) or ok.seq < log.floor or ok.seq in log.erased
        if not in_doubt and (ok.seq, ok.id) not in log.entries:
            found.add("I1")
        if ok.id in failed:
            found.add("I4")
    for log in logs.values():
        ids = [send_id for _, send_id in log.entries if send_id is not None]
        if any(_conv_of(events, send_id) != log.conv for send_id in ids):
            found.add("I2/I8")
        if any(ids.count(send_id) > 1 for send_id in ids):
            found.add("I3")
        if any(send_id in failed for send_id in ids):
            found.add("I4")
        if [seq for seq, _ in log.entries] != list(range(log.floor, log.floor + len(log.entries))):
            found.add("I5")
    return found


def _position(events: list[Event], log: FinalLog, send_id: str) -> int | None:
    for seq, there in log.entries:
        if there == send_id:
            return seq
    for e in events:
        if isinstance(e, Ok) and e.id == send_id and e.seq < log.floor and _comparable(log, e.epoch, e.seq):
            return e.seq
    return None


def _order(events: list[Event], logs: dict[str, FinalLog]) -> set[str]:
    found: set[str] = set()
    failed = {e.id for e in events if isinstance(e, Fail)}
    sends = [e for e in events if isinstance(e, Invoke)]
    firsts = {e.id: e for e in reversed(sends)}
    acked_t = {
        send_id: min((e.t for e in events if isinstance(e, Ok) and e.id == send_id), default=None) for send_id in firsts
    }
    place = {send_id: _position(events, logs[e.conv], send_id) for send_id, e in firsts.items()}
    ordered = sorted(firsts.values(), key=sends.index)
    for a, b in combinations(ordered, 2):
        at, bt = place[a.id], place[b.id]
        if a.conv != b.conv or at is None or bt is None:
            continue
        for one, other, one_at, other_at in ((a, b, at, bt), (b, a, bt, at)):
            t = acked_t[one.id]
            if t is not None and t < other.t and not one_at < other_at:
                found.add("I6")
        if a.dev == b.dev and not {a.id, b.id} & failed and not at < bt:
            found.add("I7")
    return found


def _views(run: Run, logs: dict[str, FinalLog]) -> set[str]:
    """Write down what each device had to be given, and compare it with what it was given."""
    found: set[str] = set()
    invoked = {e.id: e.t for e in run.all_events() if isinstance(e, Invoke)}
    for dev, events in run.events.items():
        for log in logs.values():
            mine = [e for e in events if isinstance(e, Recv | Resync | ViewJoin | ViewLeave) and e.conv == log.conv]
            if mine and not _view_is_right(mine, log, gone=dev in run.absent):
                found.add("I2/I8")
            for e in mine:
                if isinstance(e, Recv) and e.id in invoked and e.t < invoked[e.id] and (e.seq, e.id) in log.entries:
                    found.add("I2/I8")
    return found


def _view_is_right(mine: list[Recv | Resync | ViewJoin | ViewLeave], log: FinalLog, *, gone: bool) -> bool:
    position, epoch, inside, joined, ended = 1, -1, True, False, 0
    for e in mine:
        if isinstance(e, ViewLeave):
            if not inside or position - 1 > e.seq or (e.complete and position - 1 < e.seq):
                return False
            inside = False
            ended = e.seq
            continue
        if isinstance(e, ViewJoin):
            if not joined and e is not mine[0]:
                return False
            if joined and e.seq <= ended and (e.epoch == epoch or _comparable(log, epoch, e.seq)):
                return False
            if e.seq > log.head + 1 and _comparable(log, e.epoch, e.seq):
                return False
            position, epoch, inside, joined = e.seq, max(e.epoch, epoch), True, True
            continue
        if epoch == -1:
            epoch = e.epoch
        if e.epoch < epoch:
            continue  # that is I10
        if isinstance(e, Resync) and e.epoch > epoch and not _comparable(log, epoch, ended):
            inside = True
        if not inside:
            return False
        if isinstance(e, Resync):
            if e.epoch == epoch and (position >= log.floor or e.seq < position - 1):
                return False
            if e.seq > log.head and _comparable(log, e.epoch, e.seq):
                return False
            position, epoch = e.seq + 1, e.epoch
            continue
        if e.epoch != epoch or e.seq != position:
            return False
        if _comparable(log, e.epoch, e.seq) and e.seq >= log.floor:
            there = dict(reversed(log.entries)).get(e.seq, _ANY)
            if there != e.id and not (there is None and e.seq in log.erased):
                return False
        position += 1
    if not inside or gone:
        return True
    return position == log.head + 1 and (epoch == -1 or _comparable(log, epoch, position - 1))


def _state(run: Run, events: list[Event], logs: dict[str, FinalLog]) -> set[str]:
    found: set[str] = set()
    hashes = {(e.dev, e.scope): e.h for e in events if isinstance(e, StateHash) and e.dev not in run.absent}
    for (_, scope), h in hashes.items():
        if h != run.fresh.get(scope, h) or any(s == scope and o != h for (_, s), o in hashes.items()):
            found.add("I9")
    oks = [e for e in events if isinstance(e, Ok)]
    invoked = {e.id: e for e in events if isinstance(e, Invoke)}
    for mine in run.events.values():
        for i, e in enumerate(mine):
            earlier = [
                o
                for o in mine[:i]
                if isinstance(o, Recv | Head | Resync | ViewJoin) and o.conv == getattr(e, "conv", "")
            ]
            if isinstance(e, Recv | Resync | ViewJoin) and any(
                e.epoch < o.epoch for o in earlier if not isinstance(o, Head)
            ):
                found.add("I10")
            if isinstance(e, Head):
                asked = Asked(e.dev, e.conv, e.asked_t)
                until = mine.index(asked) if asked in mine else i
                before = [o for o in mine[:until] if isinstance(o, Recv | Head) and o.conv == e.conv]
                if any((e.epoch, e.seq) < (o.epoch, o.seq) for o in before):
                    found.add("I10")
                log = logs[e.conv]
                if e.seq > log.head and _comparable(log, e.epoch, e.seq):
                    found.add("I10")
                newest = all(epoch <= e.epoch for epoch, _ in log.epochs)
                for ok in oks:
                    if e.asked_t and newest and invoked[ok.id].conv == e.conv and ok.t < e.asked_t:
                        place = _position(events, log, ok.id)
                        if place is not None and place > e.seq:
                            found.add("I10")
            if isinstance(e, Cursor):
                log = logs[e.conv]
                same = [
                    o for o in mine[:i]
                    if isinstance(o, Cursor) and (o.conv, o.owner, o.kind) == (e.conv, e.owner, e.kind)
                ]  # fmt: skip
                if any((e.epoch, e.seq) < (o.epoch, o.seq) for o in same):
                    found.add("I11")
                if _comparable(log, e.epoch, e.seq):
                    send = invoked.get(dict(reversed(log.entries)).get(e.seq) or "")
                    if e.seq > log.head or (send is not None and e.t < send.t):
                        found.add("I11")
    return found
