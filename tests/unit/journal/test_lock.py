"""The lock on a data directory, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.lock import DataDirectoryLock, DataDirectoryLocked

_HOLDER = """
import sys
from trunkline.store.journal.lock import DataDirectoryLock
lock = DataDirectoryLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def _holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    source = str(Path(__file__).parents[3] / "src")
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def test_another_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        with pytest.raises(DataDirectoryLocked) as caught:
            DataDirectoryLock(tmp_path)
        assert caught.value.pid == holder.pid
        assert str(caught.value) == (
            f"the data directory {tmp_path} is in use by process {holder.pid}; "
            "stop it first, or choose another directory"
        )
        with pytest.raises(DataDirectoryLocked):
            FileJournal.open(tmp_path)
    DataDirectoryLock(tmp_path).release()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with DataDirectoryLock(tmp_path):
            assert (tmp_path / "LOCK").read_text() == f"{os.getpid()}\n"


def test_a_stale_file_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "LOCK").write_text("1\n")
    DataDirectoryLock(tmp_path).release()


def test_a_lock_file_with_unreadable_content_still_excludes(tmp_path: Path) -> None:
    with DataDirectoryLock(tmp_path):
        (tmp_path / "LOCK").write_text("?")
        with pytest.raises(DataDirectoryLocked, match="in use by another process") as caught:
            DataDirectoryLock(tmp_path)
        assert caught.value.pid is None


def test_release_may_be_called_twice(tmp_path: Path) -> None:
    lock = DataDirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DataDirectoryLock(tmp_path).release()


def test_a_journal_may_lie_below_a_locked_data_directory(tmp_path: Path) -> None:
    with DataDirectoryLock(tmp_path), FileJournal.open(tmp_path / "journal") as journal:
        assert journal.append(b"a") == 1
