"""Unfinished uploads on disk: what counts after a crash, and that nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.services.files.ports import Manifest, Staged
from trunkline.store.blobs.files_io import FileThreads
from trunkline.store.blobs.staging import DirectoryUploadStore

FILE = "f_0123456789abcdefghijkl"


def manifest(size_bytes: int = 10) -> Manifest:
    return Manifest(
        file=FILE,
        app="a_one",
        owner="user/ann",
        name="x",
        mime="",
        size_bytes=size_bytes,
        created_at_ms=1,
        expires_at_ms=2,
    )


@pytest.fixture
def threads() -> Iterator[FileThreads]:
    running = FileThreads(2)
    yield running
    running.close()


async def test_only_what_was_marked_counts_after_a_crash(tmp_path: Path, threads: FileThreads) -> None:
    store = DirectoryUploadStore(tmp_path, threads)
    await store.create(manifest())
    await store.write(FILE, 0, b"01234")
    await store.mark(FILE, 5)
    await store.write(FILE, 5, b"567")
    again = DirectoryUploadStore(tmp_path, threads)
    assert await again.found() == [Staged(manifest(), 5)]
    await again.mark(FILE, 5)
    assert again.path(FILE).read_bytes() == b"01234"


async def test_a_mark_above_what_the_disk_kept_does_not_count(tmp_path: Path, threads: FileThreads) -> None:
    store = DirectoryUploadStore(tmp_path, threads)
    await store.create(manifest())
    await store.write(FILE, 0, b"01234")
    await store.mark(FILE, 5)
    with store.path(FILE).open("r+b") as file:
        file.truncate(3)
    assert await store.found() == [Staged(manifest(), 3)]


@pytest.mark.parametrize("missing", ["json", "part", "mark"])
async def test_half_an_upload_is_removed_at_start(tmp_path: Path, threads: FileThreads, missing: str) -> None:
    store = DirectoryUploadStore(tmp_path, threads)
    await store.create(manifest())
    (tmp_path / f"{FILE}.{missing}").unlink()
    assert await store.found() == []
    assert list(tmp_path.iterdir()) == []


async def test_a_removed_upload_leaves_nothing(tmp_path: Path, threads: FileThreads) -> None:
    store = DirectoryUploadStore(tmp_path, threads)
    await store.create(manifest())
    await store.write(FILE, 0, b"01234")
    await store.remove(FILE)
    await store.remove(FILE)
    assert list(tmp_path.iterdir()) == []


async def test_a_second_upload_of_the_same_id_is_refused_and_harms_nothing(
    tmp_path: Path, threads: FileThreads
) -> None:
    store = DirectoryUploadStore(tmp_path, threads)
    await store.create(manifest())
    await store.write(FILE, 0, b"01234")
    await store.mark(FILE, 5)
    with pytest.raises(FileExistsError):
        await store.create(manifest())
    assert await store.found() == [Staged(manifest(), 5)]
