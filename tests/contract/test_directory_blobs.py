"""The local directory fulfils the contract of blob stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.blob_suite import BlobSuite
from trunkline.store.blobs.directory import DirectoryBlobStore
from trunkline.store.blobs.files_io import FileThreads


class TestDirectoryBlobs(BlobSuite):
    """The suite, and what only a directory has."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DirectoryBlobStore]:
        threads = FileThreads(2)
        yield DirectoryBlobStore(tmp_path / "blobs", threads)
        threads.close()

    @pytest.mark.parametrize("key", ["../etc/passwd", "a/../../x.content", "/etc/passwd", "a/b/c.content", "a/b", ""])
    async def test_no_key_leads_out_of_the_directory(self, store: DirectoryBlobStore, tmp_path: Path, key: str) -> None:
        with pytest.raises(ValueError, match="not a blob key"):
            await store.put(key, tmp_path / "source")

    async def test_nothing_temporary_stays(self, store: DirectoryBlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        await store.put("a_one/f_1.content", source)
        await store.put("a_one/f_1.content", source)
        files = [path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
        assert files == ["f_1.content"]
