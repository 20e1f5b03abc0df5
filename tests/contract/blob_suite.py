"""What every blob store does; run against each adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.services.files.ports import BlobMissing, BlobStore


class BlobSuite:
    """Subclasses give a fixture ``store``."""

    @staticmethod
    async def bytes_of(store: BlobStore, key: str, start: int, end: int) -> bytes:
        return b"".join([piece async for piece in store.read(key, start, end)])

    @pytest.mark.parametrize("size_bytes", [0, 1, 1000, 3_000_001])
    async def test_what_was_put_is_read_whole_and_in_ranges(
        self, store: BlobStore, tmp_path: Path, size_bytes: int
    ) -> None:
        data = bytes(i * 7 % 251 for i in range(1000)) * (size_bytes // 1000 + 1)
        data = data[:size_bytes]
        source = tmp_path / "source"
        source.write_bytes(data)
        await store.put("a_one/f_1.content", source)
        assert await self.bytes_of(store, "a_one/f_1.content", 0, size_bytes) == data
        third = size_bytes // 3
        assert await self.bytes_of(store, "a_one/f_1.content", third, 2 * third) == data[third : 2 * third]
        assert await self.bytes_of(store, "a_one/f_1.content", third, third) == b""

    async def test_the_source_may_go_and_a_second_put_replaces(self, store: BlobStore, tmp_path: Path) -> None:
        for text in (b"first", b"again"):
            source = tmp_path / "source"
            source.write_bytes(text)
            await store.put("a_one/f_2.content", source)
            source.unlink()
            assert await self.bytes_of(store, "a_one/f_2.content", 0, 5) == text

    async def test_putting_the_same_source_twice_is_fine(self, store: BlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"same")
        await store.put("a_one/f_3.content", source)
        await store.put("a_one/f_3.content", source)
        assert await self.bytes_of(store, "a_one/f_3.content", 0, 4) == b"same"

    async def test_apps_are_apart(self, store: BlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"mine")
        await store.put("a_one/f_4.content", source)
        with pytest.raises(BlobMissing):
            await self.bytes_of(store, "a_two/f_4.content", 0, 4)

    async def test_what_was_deleted_is_missing_and_deleting_again_is_fine(
        self, store: BlobStore, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"gone")
        await store.put("a_one/f_5.content", source)
        await store.delete("a_one/f_5.content")
        await store.delete("a_one/f_5.content")
        with pytest.raises(BlobMissing):
            await self.bytes_of(store, "a_one/f_5.content", 0, 4)

    async def test_a_range_beyond_the_end_is_an_error_not_a_short_answer(
        self, store: BlobStore, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"short")
        await store.put("a_one/f_6.content", source)
        with pytest.raises(OSError, match=r".+"):
            await self.bytes_of(store, "a_one/f_6.content", 0, 6)
