"""Drives a journal on a faulty file system and writes the history of it, for R3 to R6.

One frame is one send, the frame number is its `seq`, so that the same checker judges the journal alone. Lives here:
the history and the final log of a journal. Does not live here: which faults (`scenarios`), the file system
(`tests.faults.faulty_io`).
"""

from __future__ import annotations

import random

from tests.faults.faulty_io import FaultyIo, SimulatedCrash
from trunkline.domain.history import Event, Fail, FinalLog, Head, Invoke, Ok, Unknown, Verdict, check_history
from trunkline.protocol.journal.errors import JournalError, JournalNotApplied
from trunkline.store.journal.file_journal import FileJournal

DIRECTORY = "/journal"
CONV = "journal"
DEV = "writer"
SEGMENT_BYTES = 4_096


class JournalHistory:
    """A journal that is appended to, crashes, and is opened again, with its history."""

    def __init__(
        self, io: FaultyIo, rng: random.Random, *, fsync: bool = True, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.io = io
        self.rng = rng
        self.fsync = fsync
        self.segment_bytes = segment_bytes
        self.events: list[Event] = []
        self.acked = 0
        self.journal: FileJournal | None = None
        self._t = 0
        self._n = 0

    def tick(self) -> int:
        """Return the next moment; the order of moments is all that counts."""
        self._t += 1
        return self._t

    def open(self) -> FileJournal:
        """Open the journal, as a start of the server would."""
        self.journal = FileJournal.open(
            DIRECTORY,
            self.io,
            segment_size_bytes=self.segment_bytes,
            preallocate_bytes=1_024,
            fsync=self.fsync,
            entropy=self.rng.randbytes,
        )
        asked = self.tick()
        self.events.append(Head(DEV, CONV, 0, self.journal.last_lsn, self.tick(), asked))
        return self.journal

    def append(self) -> bool:
        """Append one frame and write down how it went; False when the journal refused or failed."""
        assert self.journal is not None
        self._n += 1
        send_id = f"o,{self._n}"
        payload = f"{send_id} ".encode() + self.rng.randbytes(self.rng.choice((0, 20, 300, 900)))
        self.events.append(Invoke(DEV, CONV, send_id, self.tick()))
        try:
            lsn = self.journal.append(payload)
        except JournalNotApplied:
            self.events.append(Fail(send_id, self.tick()))
            return False
        except (JournalError, SimulatedCrash) as error:
            self.events.append(Unknown(send_id, self.tick()))
            if isinstance(error, SimulatedCrash):
                raise
            return False
        self.events.append(Ok(send_id, lsn, 0, self.tick()))
        self.acked += 1
        return True

    def prepare_segment(self) -> None:
        """Prepare a segment, as the journal's thread does beside a busy journal."""
        assert self.journal is not None
        self.journal.make_spare(lambda: None)

    def final_log(self) -> FinalLog:
        """Read the whole journal."""
        assert self.journal is not None
        first = self.journal.first_lsn
        entries = [(lsn, payload.split(b" ", 1)[0].decode()) for lsn, payload in self.journal.read(first - 1)]
        return FinalLog(CONV, entries, floor=first)

    def verdict(self) -> Verdict:
        """Judge everything so far."""
        return check_history(self.events, [self.final_log()])
