"""What projecting an entry into the SQLite index costs, and what it does to the event loop beside it.

Run ``python -m bench.micro_projector``. One core; 1,000 direct conversations of 2,000 users, groups of 64 entries.
Three tables: CPU of the projector's thread per entry; how late a timer of the event loop fires while
batches are projected; how long queries take.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from trunkline.domain.identity import direct_conversation_id
from trunkline.domain.log.records import CursorMoved, Entry, EntryAppended, Record
from trunkline.store.sqlite import SqliteIndex
from trunkline.wire import entries as types

APP = "a_bench"
GROUP = 64
encode = msgspec.msgpack.encode


class Load:
    """Endless entries, round-robin over the conversations, both sides in turn."""

    def __init__(self, conversations: int, cursors: bool) -> None:
        self.pairs = [(f"user/u{2 * i}", f"user/u{2 * i + 1}") for i in range(conversations)]
        self.names = [direct_conversation_id(*pair) for pair in self.pairs]
        self.body = encode({"text": "x" * 100})
        self.seqs = [1] * conversations
        self.cursors = cursors
        self.lsn = 0
        self.position = 0

    def created(self) -> list[Record]:
        return [
            EntryAppended(
                APP, name, Entry(1, 1, pair[0], types.CREATED, encode({"kind": "direct", "members": pair}), 0, 0)
            )
            for name, pair in zip(self.names, self.pairs, strict=True)
        ]

    def group(self, size: int = GROUP) -> tuple[int, list[Record]]:
        records: list[Record] = []
        now_ms = 1_700_000_000_000 + self.lsn
        for _ in range(size):
            at = self.position = (self.position + 1) % len(self.pairs)
            seq = self.seqs[at] = self.seqs[at] + 1
            sender = self.pairs[at][seq & 1]
            entry = Entry(
                seq,
                now_ms,
                sender,
                types.TEXT,
                self.body,
                seq - 1,
                (seq - 1) // 2 + 1,
                f"{sender}-outbox-0123456789",
                seq,
            )
            # As decoded from a socket: no two records share a string object.
            records.append(
                msgspec.msgpack.decode(encode(EntryAppended(APP, self.names[at], entry)), type=EntryAppended)
            )
            if self.cursors:
                records.append(CursorMoved(APP, self.names[at], self.pairs[at][1 - (seq & 1)], seq, seq, seq - 1, 0))
        self.lsn += 1
        return self.lsn, records

    def groups(self, entries: int) -> Iterator[tuple[int, list[Record]]]:
        for _ in range(entries // GROUP):
            yield self.group()


def projector_thread_cpu_s() -> float:
    thread = next(t for t in threading.enumerate() if t.name == "projector")
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


async def projected(index: SqliteIndex, lsn: int) -> None:
    while index.projector.projected_lsn < lsn:
        await asyncio.sleep(0.002)


async def cost(directory: Path, conversations: int, rate: int, batches: int, cursors: bool) -> list[float]:
    """Microseconds of projector CPU per entry, by batch."""
    index = SqliteIndex.open(directory / "index.db", 1, batch_s=60.0, batch_records=1_000_000)
    load = Load(conversations, cursors)
    load.lsn = 1
    index.projector.submit(1, load.created())
    index.projector.hurry()
    await projected(index, 1)
    costs = []
    for _ in range(batches):
        before_s = projector_thread_cpu_s()
        for lsn, records in load.groups(rate):
            index.projector.submit(lsn, records)
        index.projector.hurry()
        await projected(index, load.lsn)
        costs.append((projector_thread_cpu_s() - before_s) * 1e6 / rate)
    await index.close()
    return costs


async def lateness(directory: Path, rate: int, seconds: float, niceness: int, busy: float) -> tuple[list[float], float]:
    """How late (ms) a 1 ms timer fires while a share ``busy`` of the loop's time is spent on records."""
    index = SqliteIndex.open(directory / "index.db", 1, batch_s=1.0, niceness=niceness)
    load = Load(1000, False)
    load.lsn = 1
    index.projector.submit(1, load.created())
    ready = [group for _ in range(int(seconds)) for group in load.groups(rate)]
    late: list[float] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    every_s = GROUP / rate
    for number, (lsn, records) in enumerate(ready):
        due = begun + number * every_s
        if (left := due - loop.time()) > 0:
            await asyncio.sleep(left)
        if left > 0:
            late.append((loop.time() - due) * 1e3)
        index.projector.submit(lsn, records)
        until = loop.time() + busy * every_s
        while loop.time() < until:
            pass
    took_s = loop.time() - begun
    await projected(index, load.lsn)
    await index.close()
    return late, took_s


async def queries(directory: Path) -> dict[str, float]:
    """Median microseconds of a query on an idle loop, including the hop to the thread."""
    index = SqliteIndex.open(directory / "index.db", 1)
    reader = index.reader
    load = Load(1000, False)
    name, (one, _) = load.names[500], load.pairs[500]
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "entries, 100 of a chunked log": lambda: reader.entries(APP, name, 101, 200, 100, False),
        "entries, newest 20": lambda: reader.entries(APP, name, 1, 1 << 40, 20, True),
        "conversation": lambda: reader.conversation(APP, name),
        "sent": lambda: reader.sent(APP, one, f"{one}-outbox-0123456789", 100),
        "outbox": lambda: reader.outbox(APP, one, f"{one}-outbox-0123456789"),
        "inbox": lambda: reader.inbox(APP, one, 0, 100),
        "party": lambda: reader.party(APP, one),
        "inbox_floor (the hop alone)": lambda: reader.inbox_floor(APP, one),
    }
    found = {}
    for what, ask in asked.items():
        times = []
        for _ in range(300):
            begun = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - begun) * 1e6)
        found[what] = statistics.median(times)
    await index.close()
    return found


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=32_000)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--only", choices=("cost", "late", "queries"))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    print(f"Python {sys.version.split()[0]}, core {arguments.core}, {arguments.rate} entries a batch")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for conversations, cursors in ((1000, False), (1000, True), (10_000, False)):
            if arguments.only not in (None, "cost") and not (arguments.only == "queries" and not cursors):
                continue
            path = root / f"cost-{conversations}-{cursors}"
            path.mkdir()
            costs = asyncio.run(cost(path, conversations, arguments.rate, arguments.batches, cursors))
            print(
                f"cost: {conversations:6} conversations{', a cursor per entry' if cursors else '':20}"
                f" {statistics.median(costs[1:]):5.2f} us/entry (first batch {costs[0]:.2f})"
            )
            if conversations == 1000 and not cursors and arguments.only in (None, "queries"):
                for what, micros in asyncio.run(queries(path)).items():
                    print(f"query: {what:32} {micros:7.0f} us")
        if arguments.only in (None, "late"):
            for niceness, busy in ((10, 0.5), (0, 0.5), (10, 0.1), (0, 0.1)):
                path = root / f"late-{niceness}-{busy}"
                path.mkdir()
                late, took_s = asyncio.run(lateness(path, arguments.rate // 2, 6.0, niceness, busy))
                print(
                    f"late: niceness {niceness:2}, loop busy {busy:.0%}: p50 {percentile(late, 0.5):.2f}"
                    f" p99 {percentile(late, 0.99):.2f} max {max(late):.1f} ms ({took_s:.1f} s)"
                )


if __name__ == "__main__":
    main()
