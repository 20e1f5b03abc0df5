"""The projector's process: reads committed groups from the journal's files and applies them to ``index.db``.

Started by ``appliers``: questions come on standard input, answers go to standard output. It ends when its input does,
or with the process that started it.

Not here: what is written (``projection``), when (``projector``).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from trunkline.domain.log.records import decode_group
from trunkline.protocol.journal.scan import FrameScanner
from trunkline.store.journal.file_io import OsFileIo
from trunkline.store.journal.segment import READ_CHUNK_BYTES, read_exactly, read_header
from trunkline.store.slices import ask_for_slices
from trunkline.store.sqlite.appliers import SIZE_BYTES, Answer, Ask
from trunkline.store.sqlite.checkpoints import PAUSE_S, checkpoint_gently, open_for_good, opened_log, write_out
from trunkline.store.sqlite.connection import Database, connect_sqlite3, prepare
from trunkline.store.sqlite.projection import Projection
from trunkline.store.sqlite.schema import read_meta

_PR_SET_PDEATHSIG = 1
_BATCH_BYTES = 16 * 1024 * 1024
"""Read from the journal for one transaction at most, however many groups were asked for."""
_YOUNG_OBJECTS = 50_000
_SLICE_S = 0.01
"""Long, so that whoever has asked for short ones may interrupt it at any time."""


class SegmentReader:
    """Goes on reading one segment as it grows, never beyond what is durable of it."""

    def __init__(self, directory: Path, name: str, first_lsn: int) -> None:
        self._io = OsFileIo()
        self._name = name
        self.first_lsn = first_lsn
        self._fd = self._io.open(str(directory / name))
        header = read_header(self._io, self._fd, name, first_lsn)
        self._scanner = FrameScanner(header)
        self._read_up_to = self._scanner.offset

    @property
    def next_lsn(self) -> int:
        """The next group to come."""
        return self._scanner.next_lsn

    def groups(self, up_to_lsn: int, durable_bytes: int) -> Iterator[tuple[int, bytes]]:
        """The groups that follow, with their size; fewer than asked for when the segment ends before."""
        scanner = self._scanner
        while scanner.next_lsn <= up_to_lsn:
            frame = scanner.next_frame()
            if frame is not None:
                yield frame.lsn, frame.payload
                continue
            size = 0 if scanner.stopped else min(READ_CHUNK_BYTES, durable_bytes - self._read_up_to)
            data = read_exactly(self._io, self._fd, self._name, size, self._read_up_to) if size > 0 else b""
            if not data:
                return
            self._read_up_to += len(data)
            scanner.feed(data)

    def close(self) -> None:
        """Release the file."""
        self._io.close(self._fd)


class Hand:
    """Applies groups to one index, in the file ``path``; the journal's are in ``directory``."""

    def __init__(self, db: Database, path: Path, directory: Path, epoch: int) -> None:
        self._db = db
        self._path = path
        self._descriptor = open_for_good(path)
        self._directory = directory
        self._projection = Projection(db, epoch, lambda: None)
        self._projected_lsn = read_meta(db, "projected_lsn")
        self._reader: SegmentReader | None = None

    def answer(self, ask: Ask) -> Answer:
        """Do what was asked, whole or not at all."""
        begun_s, records = time.process_time(), 0
        try:
            if not ask.up_to_lsn:
                return Answer(self._projected_lsn, moved=checkpoint_gently(self._db, self._path, self._descriptor))
            while self._projected_lsn < ask.up_to_lsn:
                records += self._apply(ask)
        except Exception as error:
            self._projection.forget()
            self._drop_reader()
            # Somebody else may have written meanwhile (a restored or erased store): look again.
            with contextlib.suppress(Exception):
                self._projected_lsn = read_meta(self._db, "projected_lsn")
            code = getattr(error, "sqlite_errorcode", 0)
            return Answer(self._projected_lsn, error=f"{type(error).__name__}: {error}", error_code=code)
        return Answer(self._projected_lsn, records, time.process_time() - begun_s)

    def _apply(self, ask: Ask) -> int:
        """Apply one transaction's worth of groups; returns how many records that were."""
        groups = []
        size_bytes = 0
        for lsn, payload in self._read(ask):
            groups.append((lsn, decode_group(payload)))
            size_bytes += len(payload)
            if size_bytes >= _BATCH_BYTES:
                break
        if not groups:
            raise RuntimeError(f"group {self._projected_lsn + 1} is not in the journal's files")
        self._projection.project(groups)
        self._projected_lsn = groups[-1][0]
        return sum(len(records) for _, records in groups)

    def _read(self, ask: Ask) -> Iterator[tuple[int, bytes]]:
        wanted = self._projected_lsn + 1
        for name, first_lsn, durable_bytes in ask.segments:
            following = [first for _, first, _ in ask.segments if first > first_lsn]
            if following and following[0] <= wanted:
                continue
            reader = self._reader
            if reader is None or reader.first_lsn != first_lsn or reader.next_lsn > wanted:
                self._drop_reader()
                reader = self._reader = SegmentReader(self._directory, name, first_lsn)
            for lsn, payload in reader.groups(ask.up_to_lsn, durable_bytes):
                if lsn >= wanted:
                    wanted = lsn + 1
                    yield lsn, payload

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def serve(hand: Hand, asks: BinaryIO, answers: BinaryIO, between: Callable[[], object] = lambda: None) -> None:
    """Answer until there are no more questions, calling ``between`` after each answer."""
    decode = msgspec.msgpack.Decoder(Ask).decode
    encode = msgspec.msgpack.Encoder().encode
    while len(head := asks.read(SIZE_BYTES)) == SIZE_BYTES:
        message = encode(hand.answer(decode(asks.read(int.from_bytes(head, "big")))))
        answers.write(len(message).to_bytes(SIZE_BYTES, "big") + message)
        answers.flush()
        between()


def main(path: str, directory: str, epoch: str) -> int:
    """Open the index and serve."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    # They are for the server, which then ends this process in order.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ask_for_slices(_SLICE_S)
    gc.set_threshold(_YOUNG_OBJECTS, 100, 100)
    db = connect_sqlite3(Path(path))
    prepare(db, writer=True)
    hand = Hand(db, Path(path), Path(directory), int(epoch))
    try:
        serve(hand, sys.stdin.buffer, sys.stdout.buffer, lambda: write_log_out(Path(path)))
    finally:
        db.close()
    return 0


def write_log_out(path: Path) -> None:
    """Leave a checkpoint less to do, until the next question comes. Only an optimisation: no error is one."""
    with contextlib.suppress(OSError), opened_log(path) as descriptor:
        # One question waits for its answer before the next is put, so none is in the buffer.
        write_out(descriptor, lambda: not select.select([sys.stdin], [], [], PAUSE_S)[0])
