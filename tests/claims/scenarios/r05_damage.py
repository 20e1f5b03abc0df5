"""R5: bits flip and bytes vanish in journal files: found and refused, never served as a shorter log."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.claims.context import Context
from tests.claims.journal_history import CONV, DIRECTORY, JournalHistory
from tests.claims.report import ScenarioReport
from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from trunkline.domain.history import FinalLog
from trunkline.protocol.journal.errors import JournalCorrupt, JournalError, JournalUnsupported, JournalWrongStore

Damage = Callable[[FaultyIo, random.Random, list[str]], str]


async def run(ctx: Context) -> ScenarioReport:
    """Damage closed journals in every way, and tear the last write of running ones."""
    report = ScenarioReport("R5", "torn writes, flipped bits, missing bytes", fault_kinds="one damage per journal")
    times = ctx.size(short=60, full=1_500)
    for name, damage in (
        ("a bit flips", _flip),
        ("the tail is cut off", _cut_tail),
        ("bytes vanish in the middle", _cut_middle),
        ("a block reads as zeros", _zero),
    ):
        refused = complete = 0
        for number in range(times):
            outcome, frames, what = _damaged(ctx.rng("R5", name, number), damage)
            report.faults += 1
            report.n += frames
            refused += outcome == "refused"
            complete += outcome == "complete"
            if outcome not in ("refused", "complete"):
                report.check(f"{name}: refused or complete", False, f"{what}: {outcome}")
        report.check(f"{name}: never silently shorter", True, f"{refused} refused, {complete} with nothing missing")
        report.check(f"{name}: some are refused", refused > 0, f"{refused} of {times}")
    for number in range(times):
        rng = ctx.rng("R5", "torn", number)
        history = JournalHistory(FaultyIo(rng.randrange(1 << 32)), rng)
        _tear(history, rng)
        report.faults += 1
        report.judge(history.verdict())
    report.notes.append(
        "Damage that hits committed bytes stops the store with the file and the offset; unused space may be damaged"
        " without harm. Repair is from a backup: there is one copy."
    )
    return report


def _damaged(rng: random.Random, damage: Damage) -> tuple[str, int, str]:
    """Fill a journal, close it, damage it, and open it again."""
    io = FaultyIo(rng.randrange(1 << 32))
    history = JournalHistory(io, rng)
    journal = history.open()
    for _ in range(rng.randint(5, 60)):
        history.append()
    before = history.final_log()
    paths = sorted(f"{DIRECTORY}/{segment.name}" for segment in journal.segments())
    journal.close()
    what = damage(io, rng, paths)
    try:
        history.open()
        after = history.final_log()
    except (JournalCorrupt, JournalUnsupported, JournalWrongStore):
        return "refused", history.acked, what
    except JournalError as error:
        return f"{type(error).__name__}: {error}", history.acked, what
    return _compare(before, after), history.acked, what


def _compare(before: FinalLog, after: FinalLog) -> str:
    if after.entries == before.entries:
        return "complete"
    return f"{CONV} went from {len(before.entries)} to {len(after.entries)} entries without a word"


def _flip(io: FaultyIo, rng: random.Random, paths: list[str]) -> str:
    path = rng.choice(paths)
    bit = rng.randrange(len(io.content(path)) * 8)
    io.flip_bit(path, bit)
    return f"bit {bit} of {path}"


def _cut_tail(io: FaultyIo, rng: random.Random, paths: list[str]) -> str:
    path = rng.choice(paths)
    content = io.content(path)
    size = rng.randrange(len(content))
    io.replace(path, content[:size])
    return f"{path} cut to {size} of {len(content)} bytes"


def _cut_middle(io: FaultyIo, rng: random.Random, paths: list[str]) -> str:
    path = rng.choice(paths)
    content = io.content(path)
    start = rng.randrange(len(content))
    size = rng.randint(1, 600)
    io.replace(path, content[:start] + content[start + size :])
    return f"{size} bytes at {start} of {path}"


def _zero(io: FaultyIo, rng: random.Random, paths: list[str]) -> str:
    path = rng.choice(paths)
    content = bytearray(io.content(path))
    start = rng.randrange(len(content)) // 512 * 512
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    io.replace(path, bytes(content))
    return f"512 zeros at {start} of {path}"


def _tear(history: JournalHistory, rng: random.Random) -> None:
    """Lose power inside the sync of a write, of which any part may have arrived."""
    history.open()
    for _ in range(rng.randint(0, 20)):
        history.append()

    def die(operation: str) -> None:
        if operation == "fdatasync":
            raise SimulatedCrash("in the sync")

    history.io.before_each(die)
    try:
        while True:
            history.append()
    except SimulatedCrash:
        pass
    history.io.before_each(None)
    history.io.lose_power(Loss.TORN)
    history.open()
    for _ in range(3):
        history.append()
