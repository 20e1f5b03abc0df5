"""Who applies committed groups to the tables: the projector's own thread, or a process of its own.

A thread shares the interpreter's lock with the event loop, so each of its slices is a wait for a message. The process
(``projecting``) shares nothing but the files: it reads the groups from the journal, where they are durable already.

Not here: when groups are applied (``projector``), what is written (``projection``).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from trunkline.services.log.journal_port import SegmentInfo
from trunkline.store.sqlite.checkpoints import checkpoint, open_for_good
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.projection import Group, Projection

log = logging.getLogger("trunkline.projector")
PROGRAM = """
import os, sys
try:
    os.nice(int(sys.argv[4]))
except OSError:  # where system calls are filtered it has the server's own priority
    pass
from trunkline.store.sqlite.projecting import main
sys.exit(main(*sys.argv[1:4]))
"""
"""Lower in priority before anything is imported: a server that starts on the same core goes first."""
SIZE_BYTES = 4
LOST_AT_MOST = 3
"""How often in a row the process may be lost, without having applied anything, before that is a failure."""
MEASURED_RECORDS = 1_000
"""Fewer in one go say little of how fast it is."""
_END_S = 10.0


class Ask(msgspec.Struct, array_like=True):
    """To the process: apply every group up to ``up_to_lsn``; 0 asks for a checkpoint.

    ``segments`` are those of the journal it may have to read: name, first lsn, and the size that is durable.
    """

    up_to_lsn: int
    segments: tuple[tuple[str, int, int], ...] = ()


class Answer(msgspec.Struct, array_like=True):
    """From the process: what is done, or why not.

    Attributes:
        projected_lsn: how far the tables are.
        records: applied for this answer, in ``cpu_s`` seconds of its processor time.
        moved: whether a checkpoint moved everything.
        error_code: SQLite's; 0 when the error is not SQLite's.
    """

    projected_lsn: int = 0
    records: int = 0
    cpu_s: float = 0.0
    moved: bool = False
    error: str = ""
    error_code: int = 0


class NotApplied(sqlite3.OperationalError):
    """SQLite refused a batch in the process, and nothing of it is applied; with the code it gave there."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.sqlite_errorcode = code


class Segments(Protocol):
    """The part of the journal that is needed."""

    def segments(self) -> tuple[SegmentInfo, ...]:
        """The segments, oldest first, with what is durable of each."""
        ...


class Applier(Protocol):
    """Applies groups; used by the projector's thread alone.

    Attributes:
        records_per_s: of processor time, as far as is known; 0 at first.
        reads_journal: whether it takes the records from the journal and not from the groups it is given.
    """

    records_per_s: float
    reads_journal: bool

    def apply(self, groups: Sequence[Group]) -> None:
        """Apply whole groups in one transaction."""
        ...

    def forget(self) -> None:
        """Hold nothing in memory any more: a transaction failed."""
        ...

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the file; whether all of it was moved."""
        ...

    def close(self) -> None:
        """End; may be called twice."""
        ...


class InThread:
    """Applies on the calling thread."""

    records_per_s = 0.0
    reads_journal = False

    def __init__(self, db: Database, epoch: int, pause: Callable[[], None]) -> None:
        self._db = db
        self._projection = Projection(db, epoch, pause)

    def apply(self, groups: Sequence[Group]) -> None:
        """Apply whole groups in one transaction."""
        self._projection.project(groups)

    def forget(self) -> None:
        """Hold nothing in memory any more."""
        self._projection.forget()

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the file."""
        return checkpoint(self._db)

    def close(self) -> None:
        """Nothing to end."""


class InProcess:
    """Has a process of its own apply what the journal holds. The process ends with this one, however that ends.

    Args:
        path: of ``index.db``.
        journal: where the groups are; ``directory`` is where its files are.
        epoch: of the store.
        niceness: of the process.
    """

    reads_journal = True

    def __init__(self, path: Path, journal: Segments, directory: Path, epoch: int, niceness: int) -> None:
        # -P: what lies in the directory that the server was started in is no part of the program.
        self._path = path
        self._command = [sys.executable, "-P", "-c", PROGRAM, str(path), str(directory), str(epoch), str(niceness)]
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = self._start()
        self.records_per_s = 0.0

    def apply(self, groups: Sequence[Group]) -> None:
        """Have everything up to the last group applied."""
        up_to_lsn = groups[-1][0]
        first_lsn = groups[0][0]
        segments = tuple(
            (segment.name, segment.first_lsn, segment.size_bytes)
            for segment in self._journal.segments()
            if segment.last_lsn >= first_lsn
        )
        answer = self._ask(Ask(up_to_lsn, segments))
        if answer.records >= MEASURED_RECORDS and answer.cpu_s > 0:
            self.records_per_s = answer.records / answer.cpu_s
        if answer.projected_lsn < up_to_lsn:
            raise RuntimeError(f"the index ends at {answer.projected_lsn} instead of {up_to_lsn}")

    def forget(self) -> None:
        """The process has forgotten by itself."""

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the file."""
        return self._ask(Ask(0)).moved

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(OSError):  # it is gone already, with a question still on its way
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _start(self) -> subprocess.Popen[bytes]:
        # Not in a session of its own: the kernel would share the processor between the two sessions evenly, whatever
        # the niceness (autogroups).
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603

    def _ask(self, ask: Ask) -> Answer:
        """One question and its answer. A lost process is started again: it goes on where the tables are."""
        lost = 0
        while True:
            if self._process is None:
                self._process = self._start()
            try:
                return self._checked(self._exchange(self._process, ask))
            except (OSError, EOFError) as error:
                code = self._process.poll()
                self.close()
                lost += 1
                log.warning("the projector's process was lost", extra={"exit_code": code, "error": str(error)})
                if lost >= LOST_AT_MOST:
                    # The next process would have done this first; closing the last connection may remove the log.
                    open_for_good(self._path)
                    raise RuntimeError("the projector's process is lost again and again") from error

    @staticmethod
    def _checked(answer: Answer) -> Answer:
        if answer.error_code:
            raise NotApplied(answer.error, answer.error_code)
        if answer.error:
            raise RuntimeError(answer.error)
        return answer

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], ask: Ask) -> Answer:
        assert process.stdin is not None and process.stdout is not None
        message = msgspec.msgpack.encode(ask)
        process.stdin.write(len(message).to_bytes(SIZE_BYTES, "big") + message)
        process.stdin.flush()
        size = int.from_bytes(_exactly(process.stdout.read(SIZE_BYTES), SIZE_BYTES), "big")
        return msgspec.msgpack.decode(_exactly(process.stdout.read(size), size), type=Answer)


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise EOFError("the process ended")
    return data
