"""Faults to plant into a clean history, each with the invariant that must name it.

Lives here: one function per fault, which changes a `Run` in place and returns False when the history has no place for
it. Does not live here: the histories (`generate`) nor the judgement (`trunkline.domain.history`).
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from tests.unit.history.generate import Run
from trunkline.domain.history import Asked, Cursor, Event, Fail, Head, Invoke, Ok, Recv, Resync, ViewJoin, ViewLeave

Plant = Callable[[Run, random.Random], bool]

# name -> (the invariant that must name it, the counter of the verdict that must count it or "", the function)
FAULTS: dict[str, tuple[str, str, Plant]] = {}


def _fault(invariant: str, counter: str = "") -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        FAULTS[plant.__name__.replace("_", " ")] = (invariant, counter, plant)
        return plant

    return register


def _last_epoch(run: Run, conv: str) -> int:
    return run.epochs[conv][-1][0]


def _acked(run: Run) -> list[tuple[str, int, str]]:
    """Return (conv, index in the entries, id) of acknowledged messages of the final log."""
    acked = {event.id for event in run.all_events() if isinstance(event, Ok)}
    return [
        (conv, index, send_id)
        for conv, entries in run.entries.items()
        for index, (_, send_id) in enumerate(entries)
        if send_id is not None and send_id in acked
    ]


def _places(run: Run, kind: type[Event]) -> list[tuple[str, int]]:
    """Return (device, index) of the events of a kind."""
    return [(dev, i) for dev, events in run.events.items() for i, event in enumerate(events) if isinstance(event, kind)]


def _plain_recvs(run: Run) -> list[tuple[str, int]]:
    """Return deliveries of the last epoch, above the floor."""
    found = []
    for dev, i in _places(run, Recv):
        event = run.events[dev][i]
        assert isinstance(event, Recv)
        if event.epoch == _last_epoch(run, event.conv) and event.seq >= run.floors[event.conv]:
            found.append((dev, i))
    return found


def _exchange_sends(run: Run, conv: str, one: str, other: str) -> None:
    """Exchange two sends everywhere: log, acknowledgements and deliveries agree, only the order is wrong."""
    seqs = {send_id: seq for seq, send_id in run.entries[conv] if send_id in (one, other)}
    new = {one: other, other: one}
    run.entries[conv] = [(seq, new.get(send_id or "", send_id)) for seq, send_id in run.entries[conv]]
    for dev, events in run.events.items():
        for i, event in enumerate(events):
            if isinstance(event, Recv) and event.id in new:
                events[i] = msgspec.structs.replace(event, id=new[event.id])
            elif isinstance(event, Ok) and event.id in new:
                events[i] = msgspec.structs.replace(event, seq=seqs[new[event.id]])
        run.events[dev] = events


@_fault("I1", "lost")
def acknowledged_message_replaced_by_nothing(run: Run, rng: random.Random) -> bool:
    found = _acked(run)
    if not found:
        return False
    conv, index, _ = rng.choice(found)
    run.entries[conv][index] = (run.entries[conv][index][0], None)
    return True


@_fault("I1", "lost")
def acknowledged_tail_lost(run: Run, rng: random.Random) -> bool:
    found = [(conv, i) for conv, i, _ in _acked(run)]
    if not found:
        return False
    conv, index = rng.choice(found)
    del run.entries[conv][index:]
    return True


@_fault("I5", "lost")
def hole_in_the_log(run: Run, rng: random.Random) -> bool:
    convs = [conv for conv, entries in run.entries.items() if len(entries) >= 3]
    if not convs:
        return False
    conv = rng.choice(convs)
    del run.entries[conv][rng.randrange(0, len(run.entries[conv]) - 1)]
    return True


@_fault("I3", "duplicated")
def message_twice_in_the_log(run: Run, rng: random.Random) -> bool:
    found = _acked(run)
    if not found:
        return False
    conv, _, send_id = rng.choice(found)
    run.entries[conv].append((run.entries[conv][-1][0] + 1, send_id))
    return True


@_fault("I5", "duplicated")
def position_given_twice(run: Run, rng: random.Random) -> bool:
    convs = [conv for conv, entries in run.entries.items() if entries]
    if not convs:
        return False
    conv = rng.choice(convs)
    index = rng.randrange(len(run.entries[conv]))
    run.entries[conv].insert(index + 1, (run.entries[conv][index][0], None))
    return True


@_fault("I5", "reordered")
def log_returned_out_of_order(run: Run, rng: random.Random) -> bool:
    convs = [conv for conv, entries in run.entries.items() if len(entries) >= 2]
    if not convs:
        return False
    entries = run.entries[rng.choice(convs)]
    index = rng.randrange(len(entries) - 1)
    entries[index], entries[index + 1] = entries[index + 1], entries[index]
    return True


@_fault("I2")
def phantom_in_the_log(run: Run, rng: random.Random) -> bool:
    conv = rng.choice(list(run.entries))
    last = run.entries[conv][-1][0] if run.entries[conv] else run.floors[conv] - 1
    run.entries[conv].append((last + 1, "nobody,1"))
    return True


@_fault("I2")
def message_of_another_conversation(run: Run, rng: random.Random) -> bool:
    found = _acked(run)
    if not found or len(run.entries) < 2:
        return False
    conv, _, send_id = rng.choice(found)
    other = rng.choice([name for name in run.entries if name != conv])
    last = run.entries[other][-1][0] if run.entries[other] else run.floors[other] - 1
    run.entries[other].append((last + 1, send_id))
    return True


@_fault("I2")
def phantom_delivered(run: Run, rng: random.Random) -> bool:
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev][i] = msgspec.structs.replace(event, id="nobody,1")
    return True


@_fault("I2")
def delivered_before_it_was_sent(run: Run, rng: random.Random) -> bool:
    # A phantom planted before was sent by nobody, so it has no moment to come before.
    sent_at = {event.id: event.t for event in reversed(list(run.all_events())) if isinstance(event, Invoke)}
    found = [(dev, i) for dev, i in _plain_recvs(run) if getattr(run.events[dev][i], "id", None) in sent_at]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv) and event.id is not None
    run.events[dev][i] = msgspec.structs.replace(event, t=sent_at[event.id] - 1)
    return True


@_fault("I4")
def refused_message_is_in_the_log(run: Run, rng: random.Random) -> bool:
    found = _acked(run)
    if not found:
        return False
    _, _, send_id = rng.choice(found)
    for events in run.events.values():
        for i, event in enumerate(events):
            if isinstance(event, Ok) and event.id == send_id:
                events[i] = Fail(send_id, event.t)
    return True


@_fault("I4")
def refused_and_acknowledged(run: Run, rng: random.Random) -> bool:
    found = _places(run, Ok)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Ok)
    run.events[dev].insert(i, Fail(event.id, event.t - 1))
    return True


@_fault("I1", "reordered")
def acknowledgement_names_another_seq(run: Run, rng: random.Random) -> bool:
    acked = {send_id for _, _, send_id in _acked(run)}
    found = []
    for dev, i in _places(run, Ok):
        event = run.events[dev][i]
        assert isinstance(event, Ok)
        conv = next(e.conv for e in run.all_events() if isinstance(e, Invoke) and e.id == event.id)
        if event.id in acked and event.epoch == _last_epoch(run, conv):
            found.append((dev, i))
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Ok)
    run.events[dev][i] = msgspec.structs.replace(event, seq=event.seq + 1)
    return True


@_fault("I6", "reordered")
def later_message_stands_before(run: Run, rng: random.Random) -> bool:
    invoked = {e.id: e for e in run.all_events() if isinstance(e, Invoke)}
    acks: dict[str, int] = {}
    for e in run.all_events():
        if isinstance(e, Ok):
            acks[e.id] = min(e.t, acks.get(e.id, e.t))
    found = _acked(run)
    pairs = [
        (conv, a, b)
        for conv, _, a in found
        for other, _, b in found
        if conv == other and acks[a] < invoked[b].t and invoked[a].dev != invoked[b].dev
    ]
    if not pairs:
        return False
    _exchange_sends(run, *rng.choice(pairs))
    return True


@_fault("I7", "reordered")
def sends_of_one_device_swapped(run: Run, rng: random.Random) -> bool:
    order = [e for e in run.all_events() if isinstance(e, Invoke)]
    inside = {send_id for _, _, send_id in _acked(run)}
    by_key: dict[tuple[str, str], list[str]] = {}
    for e in order:
        if e.id in inside:
            by_key.setdefault((e.dev, e.conv), []).append(e.id)
    pairs = [(conv, ids[i], ids[i + 1]) for (_, conv), ids in by_key.items() for i in range(len(ids) - 1)]
    if not pairs:
        return False
    _exchange_sends(run, *rng.choice(pairs))
    return True


@_fault("I7", "reordered")
def abandoned_send_lands_late(run: Run, rng: random.Random) -> bool:
    """A send the device gave up on is applied from an old connection, after later sends of that device."""
    found = _acked(run)
    if not found:
        return False
    conv, _, send_id = rng.choice(found)
    dev = next(e.dev for e in run.all_events() if isinstance(e, Invoke) and e.id == send_id)
    first = next(i for i, e in enumerate(run.events[dev]) if isinstance(e, Invoke) and e.id == send_id)
    late = f"{dev},late-{conv}"
    run.events[dev].insert(first, Invoke(dev, conv, late, run.events[dev][first].t - 1))
    run.entries[conv].append((run.entries[conv][-1][0] + 1, late))
    return True


@_fault("I8", "lost")
def delivery_left_out(run: Run, rng: random.Random) -> bool:
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    removed = run.events[dev][i]
    assert isinstance(removed, Recv)
    for event in run.events[dev][i:]:
        if isinstance(event, ViewLeave) and event.conv == removed.conv and not event.complete:
            return False  # such a view may end early, so a last delivery left out there is no fault
    del run.events[dev][i]
    return True


@_fault("I8", "duplicated")
def delivery_repeated(run: Run, rng: random.Random) -> bool:
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    run.events[dev].insert(i + 1, run.events[dev][i])
    return True


@_fault("I8", "reordered")
def deliveries_swapped(run: Run, rng: random.Random) -> bool:
    good = set(_plain_recvs(run))
    pairs = []
    for dev, i in good:
        one = run.events[dev][i]
        assert isinstance(one, Recv)
        for j in range(i + 1, len(run.events[dev])):
            other = run.events[dev][j]
            if isinstance(other, ViewLeave | ViewJoin | Resync) and other.conv == one.conv:
                break
            if isinstance(other, Recv) and other.conv == one.conv:
                if (dev, j) in good:
                    pairs.append((dev, i, j))
                break
    if not pairs:
        return False
    dev, i, j = rng.choice(sorted(pairs))
    events = run.events[dev]
    events[i], events[j] = events[j], events[i]
    return True


@_fault("I8", "lost")
def delivered_as_a_placeholder(run: Run, rng: random.Random) -> bool:
    found = [(dev, i) for dev, i in _plain_recvs(run) if getattr(run.events[dev][i], "id", None) is not None]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev][i] = msgspec.structs.replace(event, id=None)
    return True


@_fault("I8", "reordered")
def another_message_delivered_in_its_place(run: Run, rng: random.Random) -> bool:
    found = [(dev, i) for dev, i in _plain_recvs(run) if getattr(run.events[dev][i], "id", None) is not None]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    others = [send_id for _, send_id in run.entries[event.conv] if send_id not in (None, event.id)]
    if not others:
        return False
    run.events[dev][i] = msgspec.structs.replace(event, id=rng.choice(others))
    return True


@_fault("I8", "lost")
def device_stops_short_of_the_head(run: Run, rng: random.Random) -> bool:
    open_views: dict[tuple[str, str], bool] = {}
    for event in run.all_events():
        if isinstance(event, ViewJoin):
            open_views[event.dev, event.conv] = True
        elif isinstance(event, ViewLeave):
            open_views[event.dev, event.conv] = False
    found = [
        (dev, i)
        for dev, i in _plain_recvs(run)
        if open_views[dev, run.events[dev][i].conv]  # type: ignore[union-attr]
        and run.entries[run.events[dev][i].conv]  # type: ignore[union-attr]
        and run.events[dev][i].seq == run.entries[run.events[dev][i].conv][-1][0]  # type: ignore[union-attr]
    ]
    if not found:
        return False
    dev, i = rng.choice(found)
    del run.events[dev][i]
    return True


@_fault("I8")
def delivery_before_join(run: Run, rng: random.Random) -> bool:
    found = []
    for dev, i in _places(run, ViewJoin):
        event = run.events[dev][i]
        assert isinstance(event, ViewJoin)
        known = dict(run.entries[event.conv])
        if event.seq - 1 in known and event.epoch == _last_epoch(run, event.conv):
            found.append((dev, i, Recv(dev, event.conv, event.seq - 1, known[event.seq - 1], event.t, event.epoch)))
    if not found:
        return False
    dev, i, recv = rng.choice(found)
    run.events[dev].insert(i + 1, recv)
    return True


@_fault("I8")
def delivery_after_leave(run: Run, rng: random.Random) -> bool:
    found = []
    for dev, i in _places(run, ViewLeave):
        event = run.events[dev][i]
        assert isinstance(event, ViewLeave)
        known = dict(run.entries[event.conv])
        if event.seq + 1 in known:
            t = run.all_events()[-1].t
            epoch = _last_epoch(run, event.conv)
            found.append((dev, i, Recv(dev, event.conv, event.seq + 1, known[event.seq + 1], t, epoch)))
    if not found:
        return False
    dev, i, recv = rng.choice(found)
    run.events[dev].insert(i + 1, recv)
    return True


@_fault("I8", "lost")
def resync_instead_of_deliveries(run: Run, rng: random.Random) -> bool:
    """The device hides a gap behind a resync although the log still has what it skips."""
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev][i] = Resync(dev, event.conv, event.epoch, event.seq, event.t)
    return True


@_fault("I8", "duplicated")
def resync_back_to_deliver_again(run: Run, rng: random.Random) -> bool:
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev][i + 1 : i + 1] = [Resync(dev, event.conv, event.epoch, event.seq - 1, event.t), event]
    return True


@_fault("I10")
def older_epoch_after_newer(run: Run, rng: random.Random) -> bool:
    found = _plain_recvs(run)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev].insert(i + 1, msgspec.structs.replace(event, epoch=event.epoch - 1))
    return True


@_fault("I9")
def divergent_state(run: Run, rng: random.Random) -> bool:
    from trunkline.domain.history import StateHash

    found = _places(run, StateHash)
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, StateHash)
    run.events[dev][i] = msgspec.structs.replace(event, h="another")
    return True


@_fault("I10")
def head_goes_back(run: Run, rng: random.Random) -> bool:
    found = [(dev, i) for dev, i in _plain_recvs(run) if run.events[dev][i].seq > 1]  # type: ignore[union-attr]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    run.events[dev].insert(i + 1, Head(dev, event.conv, event.epoch, event.seq - 1, event.t))
    return True


@_fault("I10")
def head_past_the_end(run: Run, rng: random.Random) -> bool:
    dev = rng.choice(list(run.events))
    conv = rng.choice(list(run.entries))
    last = run.entries[conv][-1][0] if run.entries[conv] else run.floors[conv] - 1
    run.events[dev].append(Head(dev, conv, _last_epoch(run, conv), last + 1, 1))
    return True


@_fault("I10")
def stale_read(run: Run, rng: random.Random) -> bool:
    """A device that never saw the newer head still must not be told an old one, once it was acknowledged to others."""
    found = [(conv, run.entries[conv][index][0]) for conv, index, _ in _acked(run)]
    if not found:
        return False
    conv, seq = rng.choice(found)
    t = max(event.t for event in run.all_events())
    run.events["user/new:d"] = [Head("user/new:d", conv, _last_epoch(run, conv), seq - 1, t + 2, t + 1)]
    return True


@_fault("I10")
def answer_below_what_the_device_had_seen_when_it_asked(run: Run, rng: random.Random) -> bool:
    found = [(dev, i) for dev, i in _plain_recvs(run) if run.events[dev][i].seq > 1]  # type: ignore[union-attr]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Recv)
    asked = Asked(dev, event.conv, event.t)
    run.events[dev][i + 1 : i + 1] = [asked, Head(dev, event.conv, event.epoch, event.seq - 1, event.t, event.t)]
    return True


@_fault("I11")
def cursor_goes_back(run: Run, rng: random.Random) -> bool:
    found = [(dev, i) for dev, i in _places(run, Cursor) if run.events[dev][i].seq > 1]  # type: ignore[union-attr]
    if not found:
        return False
    dev, i = rng.choice(found)
    event = run.events[dev][i]
    assert isinstance(event, Cursor)
    run.events[dev].insert(i + 1, msgspec.structs.replace(event, seq=event.seq - 1))
    return True


@_fault("I11")
def cursor_past_the_head(run: Run, rng: random.Random) -> bool:
    dev = rng.choice(list(run.events))
    conv = rng.choice(list(run.entries))
    last = run.entries[conv][-1][0] if run.entries[conv] else run.floors[conv] - 1
    t = max(event.t for event in run.all_events())
    run.events[dev].append(Cursor(dev, conv, "user/x", "read", last + 1, t, _last_epoch(run, conv)))
    return True


@_fault("I11")
def cursor_on_a_message_not_yet_sent(run: Run, rng: random.Random) -> bool:
    found = _acked(run)
    if not found:
        return False
    conv, index, send_id = rng.choice(found)
    invoked = next(e for e in run.all_events() if isinstance(e, Invoke) and e.id == send_id)
    dev = rng.choice(list(run.events))
    seq = run.entries[conv][index][0]
    run.events[dev].append(Cursor(dev, conv, "user/x", "read", seq, invoked.t - 1, _last_epoch(run, conv)))
    return True
