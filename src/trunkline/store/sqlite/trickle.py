"""Having the write-ahead log written out little by little, before a checkpoint waits for all of it.

SQLite leaves what it commits in the page cache, and syncs at a checkpoint. Seconds of work are then written at once, and
whatever else waits for the same device, the journal foremost, waits for that. Nothing is durable by this: it only leaves
the sync less to do.

Not here: checkpoints (``appliers``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PIECE_BYTES = 256 * 1024
PAUSE_S = 0.003
_WRITTEN_S = 0.000_2
"""A piece that took less had nothing to write."""
_ALL = 1 | 2 | 4
"""Begin writing, and wait for what was under way before and for what was begun."""


class Trickle:
    """Writes out one database's write-ahead log.

    Args:
        database: its file.
        may_go_on: asked after each written piece, with the seconds it should take to answer.
    """

    def __init__(self, database: Path, may_go_on: Callable[[float], bool]) -> None:
        self._log = database.with_name(database.name + "-wal")
        self._may_go_on = may_go_on
        # Linux alone has it; elsewhere the checkpoint has more to do.
        self._write_range = getattr(ctypes.CDLL(None), "sync_file_range", None)

    def run(self) -> bool:
        """Write what is not written yet; False when it ended before the end."""
        if self._write_range is None:
            return False
        with contextlib.suppress(OSError), self._opened() as descriptor:
            size = os.fstat(descriptor).st_size
            for at in range(0, size, PIECE_BYTES):
                begun_s = time.monotonic()
                if self._write_range(descriptor, ctypes.c_int64(at), ctypes.c_int64(PIECE_BYTES), _ALL):
                    return False
                if time.monotonic() - begun_s > _WRITTEN_S and not self._may_go_on(PAUSE_S):
                    return False
            return True
        return False

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
