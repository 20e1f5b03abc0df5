"""Clean histories of random shape: a correct toy server and devices, driven by a seed.

Lives here: the toy world, and `Run`, a history that planting can change. Does not live here: faults (`planting`).
Messages overlap in time, answers get lost, sends are refused, members come and go, retention overtakes devices that
were away, and the store is sometimes restored from a backup.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

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
    Unknown,
    Verdict,
    ViewJoin,
    ViewLeave,
    check_history,
)


@dataclass
class Run:
    """A whole history: events by device, the logs, and what the checker is told besides."""

    events: dict[str, list[Event]]
    entries: dict[str, list[tuple[int, str | None]]]
    epochs: dict[str, list[tuple[int, int]]]
    floors: dict[str, int]
    erased: dict[str, set[int]]
    fresh: dict[str, str]
    absent: set[str] = field(default_factory=set)

    def logs(self) -> list[FinalLog]:
        return [
            FinalLog(
                conv,
                entries,
                epochs=self.epochs[conv],
                erased=self.erased.get(conv, ()),
                floor=self.floors.get(conv, 1),
            )
            for conv, entries in self.entries.items()
        ]

    def all_events(self) -> list[Event]:
        return [event for events in self.events.values() for event in events]

    def check(self) -> Verdict:
        return check_history(self.all_events(), self.logs(), fresh_hashes=self.fresh, absent=self.absent)


class _Member:
    """What the toy keeps for a device in a conversation."""

    def __init__(self) -> None:
        self.next = 1
        self.visible = True
        self.epoch = 1
        self.end: int | None = None


class Toy:
    """The correct server and its devices."""

    def __init__(self, rng: random.Random, *, devices: int, convs: int, retention: bool, restore: bool) -> None:
        self.rng = rng
        self.t = 0
        self.epoch = 1
        self.retention = retention
        self.restore = restore
        self.run = Run({}, {}, {}, {}, {}, {})
        self.members: dict[tuple[str, str], _Member] = {}
        self.pending: dict[tuple[str, str], deque[str]] = {}
        self.unacked: list[tuple[str, str, str, int, int]] = []
        self.numbers: dict[str, int] = {}
        self.backup: dict[str, int] | None = None
        self.cursors: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.devs = [f"user/u{i}:d" for i in range(devices)]
        self.convs = [f"g.{i}" for i in range(convs)]
        for dev in self.devs:
            self.run.events[dev] = []
            self.numbers[dev] = 0
        for conv in self.convs:
            self.run.entries[conv] = []
            self.run.epochs[conv] = [(1, 1)]
            self.run.floors[conv] = 1
            for dev in self.devs:
                self.members[dev, conv] = _Member()
                self.note(dev, ViewJoin(dev, conv, 1, self.tick(), 1))

    def tick(self) -> int:
        self.t += self.rng.randrange(1, 50)
        return self.t

    def note(self, dev: str, event: Event) -> None:
        self.run.events[dev].append(event)

    def head(self, conv: str) -> int:
        return len(self.run.entries[conv])

    def pick(self) -> tuple[str, str]:
        return self.rng.choice(self.devs), self.rng.choice(self.convs)

    def invoke(self) -> None:
        dev, conv = self.pick()
        if not self.members[dev, conv].visible:
            return
        self.numbers[dev] += 1
        send_id = f"{dev},{self.numbers[dev]}"
        self.pending.setdefault((dev, conv), deque()).append(send_id)
        self.note(dev, Invoke(dev, conv, send_id, self.tick()))

    def apply(self, *, certain: bool = False) -> None:
        """Let the server decide one waiting send: accept, accept with a lost answer, refuse, or lose the request."""
        waiting = [key for key, ids in self.pending.items() if ids]
        if not waiting:
            return
        dev, conv = self.rng.choice(waiting)
        send_id = self.pending[dev, conv].popleft()
        roll = 0.0 if certain else self.rng.random()
        if roll < 0.9:
            self.run.entries[conv].append((self.head(conv) + 1, send_id))
            if roll < 0.85:
                self.unacked.append((dev, conv, send_id, self.head(conv), self.epoch))
            else:
                self.note(dev, Unknown(send_id, self.tick()))
        elif roll < 0.95:
            self.note(dev, Fail(send_id, self.tick()))
        else:
            self.note(dev, Unknown(send_id, self.tick()))

    def ack(self) -> None:
        if self.unacked:
            dev, _, send_id, seq, epoch = self.unacked.pop(self.rng.randrange(len(self.unacked)))
            self.note(dev, Ok(send_id, seq, epoch, self.tick()))
            if self.rng.random() < 0.05:
                self.note(dev, Ok(send_id, seq, epoch, self.tick()))  # the retry gets the same answer

    def change(self) -> None:
        conv = self.rng.choice(self.convs)
        self.run.entries[conv].append((self.head(conv) + 1, None))

    def deliver(self, dev: str, conv: str) -> bool:
        """Give the device its next entry, or the resync it has earned."""
        member = self.members[dev, conv]
        limit = self.head(conv) if member.end is None else member.end
        if member.epoch != self.epoch:
            kept = min(first for epoch, first in self.run.epochs[conv] if epoch > member.epoch) - 1
            member.epoch = self.epoch
            position = max(min(member.next - 1, self.rng.randint(0, kept)), self.run.floors[conv] - 1)
            if member.visible:
                self.note(dev, Resync(dev, conv, self.epoch, position, self.tick()))
                member.next = position + 1
            return True
        if not member.visible or member.next > limit:
            return False
        if member.next < self.run.floors[conv]:
            position = self.rng.randrange(self.run.floors[conv] - 1, self.head(conv) + 1)
            self.note(dev, Resync(dev, conv, self.epoch, position, self.tick()))
            member.next = position + 1
            return True
        seq, send_id = self.run.entries[conv][member.next - 1]
        self.note(dev, Recv(dev, conv, seq, send_id, self.tick(), self.epoch))
        member.next += 1
        return True

    def look(self) -> None:
        dev, conv = self.pick()
        if self.members[dev, conv].epoch == self.epoch:
            asked = self.tick()
            head = self.head(conv)
            if self.rng.random() < 0.5:
                self.note(dev, Asked(dev, conv, asked))
                self.apply()
                while self.rng.random() < 0.7 and self.deliver(dev, conv):
                    pass  # deliveries overtake the answer
            self.note(dev, Head(dev, conv, self.epoch, head, self.tick(), asked))

    def cursor(self) -> None:
        dev, conv = self.pick()
        member = self.members[dev, conv]
        if member.visible and member.epoch == self.epoch and member.next > 1:
            key = (dev, conv, "read")
            at = max(self.cursors.get(key, (self.epoch, 0)), (self.epoch, self.rng.randrange(1, member.next)))
            self.cursors[key] = at
            self.note(dev, Cursor(dev, conv, dev.split(":")[0], "read", at[1], self.tick(), self.epoch))

    def leave_or_join(self) -> None:
        dev, conv = self.pick()
        member = self.members[dev, conv]
        if member.epoch != self.epoch or self.pending.get((dev, conv)):
            return
        self.run.entries[conv].append((self.head(conv) + 1, None))
        if not member.visible:
            member.visible, member.end, member.next = True, None, self.head(conv)
            self.note(dev, ViewJoin(dev, conv, member.next, self.tick(), self.epoch))
        elif self.rng.random() < 0.5:
            while self.deliver(dev, conv):
                pass
            self.note(dev, ViewLeave(dev, conv, self.head(conv), self.tick()))
            member.visible = False
        else:
            self.note(dev, ViewLeave(dev, conv, self.head(conv), self.tick(), complete=False))
            member.visible = False

    def trim(self) -> None:
        conv = self.rng.choice(self.convs)
        if self.retention and self.head(conv) > max(4, self.run.floors[conv]):
            floor = self.rng.randrange(self.run.floors[conv], self.head(conv))
            self.run.floors[conv] = max(self.run.floors[conv], floor)

    def save_or_restore(self) -> None:
        if not self.restore:
            return
        if self.backup is None:
            if not self.run.epochs[self.convs[0]][1:]:
                self.backup = {conv: self.head(conv) for conv in self.convs}
            return
        if any(self.run.floors[conv] > kept + 1 for conv, kept in self.backup.items()):
            return
        self.epoch += 1
        for conv, kept in self.backup.items():
            del self.run.entries[conv][kept:]
            self.run.epochs[conv].append((self.epoch, kept + 1))
        for member in self.members.values():
            if not member.visible:
                member.epoch = self.epoch
        self.backup = None

    def finish(self) -> Run:
        while any(self.pending.values()):
            self.apply(certain=True)
        while self.unacked:
            self.ack()
        for key in self.members:
            while self.deliver(*key):
                pass
        for conv in self.convs:
            floor = self.run.floors[conv]
            self.run.entries[conv] = [entry for entry in self.run.entries[conv] if entry[0] >= floor]
            self.run.fresh[conv] = f"h{self.head(conv)}"
            for dev in self.devs:
                if self.members[dev, conv].visible:
                    self.note(dev, StateHash(dev, conv, self.run.fresh[conv], self.tick()))
        return self.run


def generate(
    seed: int, *, steps: int = 300, devices: int = 3, convs: int = 2, retention: bool = False, restore: bool = False
) -> Run:
    """Make a clean history."""
    rng = random.Random(seed)
    toy = Toy(rng, devices=devices, convs=convs, retention=retention, restore=restore)
    actions = [
        (toy.invoke, 30), (toy.apply, 30), (toy.ack, 30), (toy.change, 3), (toy.look, 6), (toy.cursor, 6),
        (toy.leave_or_join, 3), (toy.trim, 1), (toy.save_or_restore, 1),
        (lambda: toy.deliver(*toy.pick()), 50),
    ]  # fmt: skip
    chosen = rng.choices([action for action, _ in actions], [weight for _, weight in actions], k=steps)
    for action in chosen:
        action()
    return toy.finish()
