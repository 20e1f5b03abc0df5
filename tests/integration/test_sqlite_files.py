"""Files in the index: who owns them, which messages refer to them, and when they go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trunkline.domain.log.records import (
    Entry,
    EntryAppended,
    FileAttached,
    FilePurged,
    FileRemoved,
    FileStored,
    FileVariant,
    PartyErased,
    Record,
    decode_group,
    encode_group,
)
from trunkline.store.sqlite import SqliteIndex
from trunkline.store.sqlite.files import SqliteFileIndex
from trunkline.wire import entries as types
from trunkline.wire.content import encode_content

APP, ROOM, ANN, BOB = "a_one", "team", "user/ann", "user/bob"


class World:
    """An index that is given groups, as the journal would give them."""

    def __init__(self, path: Path) -> None:
        self.index = SqliteIndex.open(path, 1, batch_s=0.01)
        self.files = SqliteFileIndex(self.index.reader)
        self._lsn = 0
        self._seq = 0
        self._count = 0

    async def take(self, *records: Record) -> None:
        """Project one group, after a way through the journal's encoding."""
        self._lsn += 1
        self.index.projector.submit(self._lsn, decode_group(encode_group(list(records))))
        self.index.projector.hurry()
        await self.index.projector.run(lambda _: None)
        while self.index.projector.projected_lsn < self._lsn:
            await self.index.projector.run(lambda _: None)

    def entry(self, type: str, content: dict[str, object], *, sender: str = ANN, target: int = 0) -> EntryAppended:
        self._seq += 1
        self._count += type == types.IMAGE
        return EntryAppended(
            APP,
            ROOM,
            Entry(self._seq, 1000 + self._seq, sender, type, encode_content(content), self._count, 0, target=target),
        )

    async def founded(self) -> None:
        await self.take(
            self.entry(types.CREATED, {"kind": "group", "owner": ANN, "members": [ANN, BOB], "settings": {}})
        )

    async def share(self, *files: str, sender: str = ANN) -> int:
        message = self.entry(types.IMAGE, {"file": files[0]}, sender=sender)
        await self.take(message, *(FileAttached(APP, file, ROOM, self._seq) for file in files))
        return self._seq

    async def idle(self, never: int = 10**6, detached: int = 10**6) -> list[str]:
        return [file for _, file in await self.files.idle(never, detached, 10)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path / "index.db")
    await opened.founded()
    yield opened
    await opened.index.close()


def stored(file: str, owner: str = ANN, app: str = APP, at_ms: int = 500) -> FileStored:
    small = FileVariant("thumbnail", "image/jpeg", 9, 3, 2)
    return FileStored(app, file, owner, "x.png", "image/png", "image", 99, b"h" * 32, at_ms, 30, 20, variants=(small,))


async def test_a_file_is_found_as_it_was_recorded_in_its_app_only(world: World) -> None:
    await world.take(stored("f_1"))
    found = await world.files.file(APP, "f_1")
    assert found is not None
    assert (found.stored, found.uses, found.removed) == (stored("f_1"), 0, False)
    assert await world.files.file("a_two", "f_1") is None


async def test_files_of_an_owner_come_in_pages(world: World) -> None:
    await world.take(*(stored(f"f_{n}") for n in range(5)), stored("f_9", BOB), stored("f_8", app="a_two"))
    first = await world.files.owned(APP, ANN, "", 3)
    rest = await world.files.owned(APP, ANN, first[-1].file, 3)
    assert [f.file for f in first + rest] == ["f_0", "f_1", "f_2", "f_3", "f_4"]


async def test_uses_are_seen_by_members_only(world: World) -> None:
    await world.take(stored("f_1"))
    seq = await world.share("f_1")
    assert await world.files.uses(APP, "f_1", BOB, 10) == [(ROOM, seq)]
    assert await world.files.uses(APP, "f_1", "user/eve", 10) == []
    assert await world.files.uses("a_two", "f_1", BOB, 10) == []


@pytest.mark.parametrize("how", [types.RECALLED, types.EXPIRED])
async def test_a_message_that_is_taken_back_uses_nothing(world: World, how: str) -> None:
    await world.take(stored("f_1"), stored("f_2"))
    seq = await world.share("f_1", "f_2")
    other = await world.share("f_2")
    assert await world.idle() == []
    await world.take(world.entry(how, {"sender": ANN, "mentions": [], "counted": True}, target=seq))
    assert await world.files.uses(APP, "f_1", BOB, 10) == []
    assert await world.files.uses(APP, "f_2", BOB, 10) == [(ROOM, other)]
    assert await world.idle() == ["f_1"]


async def test_idle_files_are_told_apart_by_whether_a_message_ever_used_them(world: World) -> None:
    await world.take(stored("f_never"), stored("f_once"))
    seq = await world.share("f_once")
    await world.take(world.entry(types.RECALLED, {"sender": ANN, "mentions": [], "counted": True}, target=seq))
    assert await world.idle(never=501, detached=0) == ["f_never"]
    assert await world.idle(never=0, detached=10**6) == ["f_once"]
    assert await world.idle(never=500, detached=1000) == []


async def test_a_removed_file_is_listed_until_its_bytes_are_gone(world: World) -> None:
    await world.take(stored("f_1"))
    await world.share("f_1")
    await world.take(FilePurged(APP, "f_1"))
    assert await world.files.removed(10) == []
    await world.take(FileRemoved(APP, "f_1", 2000, "deleted"))
    found = await world.files.file(APP, "f_1")
    assert found is not None and found.removed
    assert await world.files.owned(APP, ANN, "", 10) == []
    assert await world.files.uses(APP, "f_1", BOB, 10) == []
    assert await world.files.aged(10**6, 10) == []
    assert [f.file for f in await world.files.removed(10)] == ["f_1"]
    await world.take(FilePurged(APP, "f_1"))
    assert await world.files.file(APP, "f_1") is None


async def test_retention_finds_the_oldest_first(world: World) -> None:
    await world.take(stored("f_new", at_ms=900), stored("f_old", at_ms=100), stored("f_mid", at_ms=500))
    assert await world.files.aged(900, 10) == [(APP, "f_old"), (APP, "f_mid")]


async def test_erasing_a_party_removes_its_files_and_the_uses_by_its_messages(world: World) -> None:
    await world.take(stored("f_ann"), stored("f_bob", BOB), stored("f_else", app="a_two"))
    await world.share("f_ann", "f_bob")
    await world.take(PartyErased(APP, ANN, 3000))
    assert [f.file for f in await world.files.removed(10)] == ["f_ann"]
    bobs = await world.files.file(APP, "f_bob")
    assert bobs is not None and (bobs.uses, bobs.removed) == (0, False)
    elsewhere = await world.files.file("a_two", "f_else")
    assert elsewhere is not None and not elsewhere.removed
