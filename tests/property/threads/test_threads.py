"""Followers, cursors, unread and reply counts of threads against a model that looks at every entry each time.

One run of random events goes three ways: as records through the projection (in batches of any size), as entries through
a device's local store, and into the model. All three must agree, for every thread and party.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.index_suite import project
from tests.support.memory_directory import memory_directory
from trunkline.client.applying import Applier
from trunkline.client.store import LocalStore
from trunkline.domain.conversation import Conversation, unread_of
from trunkline.domain.log.records import EntriesHidden, Entry, EntryAppended, Record, ThreadMarked
from trunkline.services.messages.views import view_of
from trunkline.services.threads.ports import Place
from trunkline.store.sqlite import SqliteIndex
from trunkline.store.sqlite.threads import SqliteThreads
from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView
from trunkline.wire.content import encode_content

APP, NAME = "a_1", "g"
PARTIES = [f"user/u{i}" for i in range(4)]
ME = PARTIES[0]
"""Never leaves, so that its device sees everything."""

party = st.sampled_from(PARTIES)
mentions = st.sampled_from([(), (), ("*",), (PARTIES[0],), (PARTIES[1], PARTIES[3])])
event = st.one_of(
    st.tuples(st.just("say"), party, mentions),
    st.tuples(st.just("reply"), party, st.integers(0, 30), mentions),
    st.tuples(st.just("reply"), party, st.integers(0, 30), mentions),
    st.tuples(st.just("recall"), st.integers(0, 30)),
    st.tuples(st.just("edit"), st.integers(0, 30)),
    st.tuples(st.just("follow"), party, st.integers(0, 30), st.booleans()),
    st.tuples(st.just("read"), party, st.integers(0, 30), st.integers(0, 5)),
    st.tuples(st.just("hide"), party, st.integers(0, 60)),
    st.tuples(st.just("leave"), st.sampled_from(PARTIES[2:])),
    st.tuples(st.just("join"), st.sampled_from(PARTIES[2:])),
)


class Mark(NamedTuple):
    following: bool
    read: int


class World:
    """The log, made as the services make it, and everything that happened in order."""

    def __init__(self) -> None:
        self.state = Conversation(APP, NAME, 1)
        self.log: list[Entry] = []
        self.records: list[Record] = []
        self.marks: dict[tuple[str, int], Mark] = {}
        self.hidden: set[tuple[str, int]] = set()
        self.append(types.CREATED, ME, {"kind": "group", "members": PARTIES, "owner": ME})

    def append(self, type: str, sender: str, content: dict[str, Any], counts: bool = False, **more: Any) -> Entry:
        state = self.state
        member = state.members.get(sender)
        own = member.own + 1 if counts and member is not None else 0
        seq = state.head + 1
        entry = Entry(seq, seq * 10, sender, type, encode_content(content), state.count + counts, own, **more)
        state.apply(entry)
        self.log.append(entry)
        self.records.append(EntryAppended(APP, NAME, entry))
        return entry

    def present(self, name: str) -> bool:
        return self.state.member(name) is not None

    def pick(self, found: list[Entry], which: int) -> Entry | None:
        return found[which % len(found)] if found else None

    def roots(self) -> list[Entry]:
        return [e for e in self.log if e.type == types.TEXT and not e.thread]

    def gone(self) -> set[int]:
        return {e.target for e in self.log if e.type == types.RECALLED}

    def do(self, kind: str, *what: Any) -> None:
        getattr(self, kind)(*what)

    def say(self, sender: str, named: tuple[str, ...]) -> None:
        if self.present(sender):
            self.append(types.TEXT, sender, {"text": "x"}, counts=True, mentions=named)

    def reply(self, sender: str, which: int, named: tuple[str, ...]) -> None:
        root = self.pick(self.roots(), which)
        if root is None or not self.present(sender):
            return
        first = not any(e.thread == root.seq and not e.target for e in self.log)
        entry = self.append(types.TEXT, sender, {"text": "x"}, thread=root.seq, mentions=named)
        newly = {sender: entry.seq} | {p: entry.seq - 1 for p in named if p not in ("*", sender)}
        if first and root.sender not in newly and (root.sender, root.seq) not in self.hidden:
            newly[root.sender] = entry.seq - 1
        for name, read in newly.items():
            mark = self.marks.get((name, root.seq), Mark(False, 0))
            if self.present(name) and not mark.following:
                self.marks[name, root.seq] = Mark(True, max(mark.read, read))

    def recall(self, which: int) -> None:
        target = self.pick([e for e in self.log if e.type == types.TEXT and e.seq not in self.gone()], which)
        if target is not None:
            content = {"sender": target.sender, "mentions": list(target.mentions), "counted": target.thread == 0}
            self.append(types.RECALLED, target.sender, content, target=target.seq, thread=target.thread)

    def edit(self, which: int) -> None:
        target = self.pick([e for e in self.log if e.type == types.TEXT and e.seq not in self.gone()], which)
        if target is not None:
            self.append(types.EDITED, target.sender, {"content": {"text": "y"}}, target=target.seq)

    def follow(self, name: str, which: int, on: bool) -> None:
        root = self.pick(self.roots(), which)
        if root is not None and self.present(name):
            self.records.append(ThreadMarked(APP, NAME, root.seq, name, on, self.state.head if on else 0))
            mark = self.marks.get((name, root.seq), Mark(False, 0))
            self.marks[name, root.seq] = Mark(on, max(mark.read, self.state.head if on else 0))

    def read(self, name: str, which: int, back: int) -> None:
        root = self.pick(self.roots(), which)
        if root is not None and self.present(name):
            seq = max(1, self.state.head - back)
            self.records.append(ThreadMarked(APP, NAME, root.seq, name, None, seq))
            mark = self.marks.get((name, root.seq), Mark(False, 0))
            self.marks[name, root.seq] = Mark(mark.following, max(mark.read, seq))

    def hide(self, name: str, which: int) -> None:
        entry = self.pick([e for e in self.log if e.type == types.TEXT], which)
        if entry is not None and self.present(name):
            counted = (entry.seq,) if not entry.thread and entry.sender != name else ()
            record = EntriesHidden(APP, NAME, name, (entry.seq,), 0, counted)
            self.state.hide(record)
            self.records.append(record)
            self.hidden.add((name, entry.seq))

    def leave(self, name: str) -> None:
        if self.present(name):
            self.append(types.MEMBERS_REMOVED, name, {"parties": [name], "reason": "left"})
            self.marks = {k: m._replace(following=False) if k[0] == name else m for k, m in self.marks.items()}

    def join(self, name: str) -> None:
        if not self.present(name):
            self.append(types.MEMBERS_ADDED, ME, {"parties": [name]})

    # --- what must come out -----------------------------------------------------------------

    def replies(self, root: int) -> list[Entry]:
        gone = self.gone()
        return [e for e in self.log if e.thread == root and e.type == types.TEXT and e.seq not in gone]

    def unread(self, name: str, root: int) -> tuple[int, int]:
        mark = self.marks.get((name, root), Mark(False, 0))
        found = [
            e
            for e in self.replies(root)
            if e.seq > mark.read and e.sender != name and (name, e.seq) not in self.hidden and mark.following
        ]
        return len(found), sum(1 for e in found if name in e.mentions or "*" in e.mentions)


def run(events: list[tuple[Any, ...]]) -> World:
    world = World()
    for kind, *what in events:
        world.do(kind, *what)
    return world


async def check_index(world: World, directory: Path, batch: int) -> None:
    index = SqliteIndex.open(directory / "index.db", 1, batch_s=600.0)
    try:
        groups = [(lsn, [record]) for lsn, record in enumerate(world.records, 1)]
        for start in range(0, len(groups), batch):
            await project(index, groups[start : start + batch])
        threads = SqliteThreads(index.reader)
        overlays = await index.reader.overlays(APP, NAME, 1, world.state.head)
        for root in world.roots():
            place = Place(APP, NAME, root.seq)
            replies = world.replies(root.seq)
            summary = await threads.summary(place, [(1, 2**53)])
            assert (summary.replies, summary.last) == (len(replies), replies[-1].seq if replies else 0)
            assert set(summary.senders) == {e.sender for e in replies}
            if root.seq in overlays:
                assert overlays[root.seq].replies == len(replies)
            found = await threads.replies(place, [(1, 2**53)], 1, 2**53, 500, False)
            assert [e for e, o in found if not (o and o.recalled)] == replies
            for name in PARTIES:
                mark = world.marks.get((name, root.seq), Mark(False, 0))
                assert tuple(await threads.following(place, name)) == tuple(mark)
                if mark.following:
                    hidden = list(world.state.members[name].hidden)
                    assert await threads.unread(place, name, mark.read, hidden) == world.unread(name, root.seq)
        loaded = await index.reader.conversation(APP, NAME)
        assert loaded is not None
        for name in PARTIES:
            assert unread_of(loaded, name) == unread_of(world.state, name)
            followed = await threads.followed(APP, name, None, 500)
            assert {p.thread for p in followed} == {
                root for (of, root), m in world.marks.items() if of == name and m.following and root in threaded(world)
            }
            changes = await threads.changes(APP, name, 0, 500)
            assert {(c.thread, c.following, c.read) for c in changes} == {
                (root, *m) for (of, root), m in world.marks.items() if of == name
            }
    finally:
        await index.close()


def threaded(world: World) -> set[int]:
    """Where anybody ever replied."""
    return {e.thread for e in world.log if e.thread}


def check_device(world: World) -> None:
    store = LocalStore(":memory:", "d1")
    with store.database.transaction(durable=False):
        store.database.put("party", ME)
    applier = Applier(store, None)
    applier.view(ConversationView(conversation=NAME, kind="group", epoch=1, head=0))
    for record in world.records:
        if isinstance(record, EntryAppended):
            applier.apply([view_of(world.state, record.entry)])
        elif isinstance(record, ThreadMarked) and record.party == ME:
            with store.database.transaction(durable=False):
                store.threads.change(NAME, record.thread, record.following, record.read)
        elif isinstance(record, EntriesHidden) and record.party == ME:
            with store.database.transaction(durable=False):
                store.history.hide(NAME, record.seqs, 0)
    for root in world.roots():
        replies = world.replies(root.seq)
        mark = store.threads.get(NAME, root.seq)
        assert (mark.following, mark.read) == world.marks.get((ME, root.seq), Mark(False, 0))
        assert store.threads.unread(NAME, root.seq, ME) == world.unread(ME, root.seq)
        held = store.history.get(NAME, root.seq)
        if held is not None and held.now is not None:
            assert held.now.replies == len(replies)
        else:
            assert not replies or (ME, root.seq) in world.hidden
    view = store.conversations.get(NAME)
    assert view is not None and view.view is not None
    store.close()


@settings(max_examples=200, deadline=None)
@given(st.lists(event, min_size=1, max_size=70), st.integers(1, 50))
def test_index_device_and_model_agree(events: list[tuple[Any, ...]], batch: int) -> None:
    world = run(events)
    check_device(world)
    with memory_directory() as directory:
        asyncio.run(check_index(world, Path(directory), batch))
