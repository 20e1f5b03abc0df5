"""A journal on a faulty file system together with what its user was told about it.

Everything that was acknowledged must be there after any crash; the one append that was under way may
be there or not; nothing else may.
"""

from __future__ import annotations

import random
from typing import Any

from tests.faults.faulty_io import FaultyIo, SimulatedCrash
from trunkline.store.journal.file_journal import FileJournal

DIRECTORY = "/data/journal"


class JournalWorld:
    """One user, one disk, many crashes."""

    def __init__(self, seed: int, *, fsync: bool = True, **options: Any) -> None:
        self.io = FaultyIo(seed)
        self.random = random.Random(seed)
        self.fsync = fsync
        self.options = {"segment_size_bytes": 4096, "preallocate_bytes": 1024, **options}
        self.acked: dict[int, bytes] = {}
        self.in_flight: bytes | None = None
        self.trimmed_before = 1
        self.journal: FileJournal | None = None
        self.torn_starts = 0

    def open(self) -> FileJournal:
        """Open the journal; a crash during it leaves none."""
        self.journal = None
        self.journal = FileJournal.open(
            DIRECTORY, self.io, fsync=self.fsync, entropy=self.random.randbytes, **self.options
        )
        self.torn_starts += self.journal.report.truncated_bytes > 0
        return self.journal

    def append(self, payload: bytes | None = None) -> int:
        """Append and note what was acknowledged."""
        assert self.journal is not None
        if payload is None:
            size = self.random.choice((0, 1, 30, 200, 600, 1500))
            payload = self.random.randbytes(size)
        self.in_flight = payload
        lsn = self.journal.append(payload)
        self.in_flight = None
        assert lsn not in self.acked, f"frame number {lsn} was given out twice"
        self.acked[lsn] = payload
        return lsn

    def trim(self, before_lsn: int) -> int:
        """Trim, noting that frames below may be gone from now on."""
        assert self.journal is not None
        self.trimmed_before = max(self.trimmed_before, before_lsn)
        return self.journal.trim(before_lsn)

    def make_spare(self) -> None:
        """Prepare a segment; the next append begins it, or the one that finds its own full."""
        assert self.journal is not None
        assert self.journal.make_spare()

    def run_until_crash(self, steps: int) -> bool:
        """Append, and now and then trim, until the file system crashes; True if it did."""
        try:
            for step in range(steps):
                self.append()
                if step % 7 == 6:
                    self.trim(max(self.acked) - 3)
                if self.random.random() < 0.1:
                    self.make_spare()
        except SimulatedCrash:
            return True
        return False

    def check(self) -> None:
        """Compare the opened journal with what its user knows."""
        assert self.journal is not None
        first_lsn = self.journal.first_lsn
        assert first_lsn <= self.trimmed_before, f"frames below {first_lsn} are gone, none were trimmed so far up"
        found = dict(self.journal.read(first_lsn - 1))
        assert list(found) == list(range(first_lsn, self.journal.last_lsn + 1)), "frames are not numbered densely"
        lost = [lsn for lsn in self.acked if lsn >= first_lsn and lsn not in found]
        assert not lost, f"acknowledged frames {lost} are lost"
        for lsn, payload in found.items():
            if lsn in self.acked:
                assert payload == self.acked[lsn], f"frame {lsn} has changed"
            else:
                assert lsn == max(self.acked, default=0) + 1, f"frame {lsn} was invented"
                assert payload == self.in_flight, f"frame {lsn} is not what was being appended"
                # Whoever saw it may rely on it from now on.
                self.acked[lsn] = payload
        self.in_flight = None
