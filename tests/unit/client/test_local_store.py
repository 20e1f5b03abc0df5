"""The local store: ids never used twice, history with changes folded in, files of other versions, transactions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.client.errors import StoreUnusable
from trunkline.client.store import ConversationRow, LocalStore, OutboxRow, SendStatus
from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView, MemberSettings
from trunkline.wire.entries import EntryView


def entry(seq: int, type: str = "text", content: Any = None, *, conversation: str = "g.1", **more: Any) -> EntryView:
    return EntryView(
        conversation=conversation, epoch=7, seq=seq, at_ms=1000 + seq, sender="user/bob", type=type,
        content=content, **more,
    )  # fmt: skip


def row(n: int, text: str = "x", *, outbox: str = "outbox-1", conversation: str = "g.1") -> OutboxRow:
    return OutboxRow(
        outbox=outbox, n=n, conversation=conversation, recipient="", type="text",
        content=msgspec.msgpack.encode({"text": text}), created_at_ms=1,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path):
    opened = LocalStore(tmp_path / "s.db")
    yield opened
    opened.close()


def append(store: LocalStore, *entries: EntryView) -> None:
    with store.database.transaction(durable=False):
        store.history.append(entries)


def test_numbers_are_never_used_twice_even_after_a_crash(tmp_path: Path):
    path = tmp_path / "s.db"
    store = LocalStore(path)
    used = [store.take_n() for _ in range(100)]
    store.database.connection.close()  # as a crash leaves it: nothing else is written
    store = LocalStore(path)
    used += [store.take_n() for _ in range(100)]
    store.close()
    assert used == sorted(set(used))


def test_device_and_outbox_are_made_once(tmp_path: Path):
    first = LocalStore(tmp_path / "s.db")
    made = (first.device, first.outbox_id)
    first.close()
    second = LocalStore(tmp_path / "s.db")
    assert (second.device, second.outbox_id) == made
    second.close()
    other = LocalStore(":memory:")
    assert other.outbox_id != made[1]
    other.close()


def test_the_outbox_commits_with_fsync_and_the_rest_without(store: LocalStore):
    with store.database.transaction(durable=True) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        store.outbox.add([row(1)])
    with store.database.transaction(durable=False) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (1,)
    assert store.database.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_row_leaves_the_outbox_in_the_transaction_that_applies_its_entry(store: LocalStore):
    with store.database.transaction(durable=True):
        store.outbox.add([row(1), row(2)])
    (first, second) = store.outbox.with_status(SendStatus.PENDING)
    with store.database.transaction(durable=False):
        store.outbox.mark_sent(first.id, "g.1", 5)
    assert [r.status for r in store.outbox.unsettled("g.1")] == [SendStatus.SENT, SendStatus.PENDING]
    with store.database.transaction(durable=False):
        store.history.append([entry(5)])
        assert store.outbox.settle("outbox-1", 1)
        assert not store.outbox.settle("outbox-1", 1)
    assert [r.n for r in store.outbox.unsettled("g.1")] == [second.n]


def test_an_answer_after_the_entry_leaves_nothing_behind(store: LocalStore):
    with store.database.transaction(durable=True):
        store.outbox.add([row(1)])
        store.conversations.put(ConversationRow("g.1", last=9))
    (pending,) = store.outbox.with_status(SendStatus.PENDING)
    with store.database.transaction(durable=False):
        store.outbox.mark_sent(pending.id, "g.1", 9)
    assert store.outbox.unsettled("g.1") == []


def test_refused_rows_are_kept_for_the_application_but_not_without_end(store: LocalStore):
    with store.database.transaction(durable=True):
        rows = [row(n) for n in range(1, 206)]
        store.outbox.add(rows)
        for each in rows:
            store.outbox.mark_refused(each.id, 3004, "muted")
    kept = store.outbox.with_status(SendStatus.REFUSED)
    assert [r.n for r in kept] == list(range(6, 206))
    with store.database.transaction(durable=False):
        assert store.outbox.discard(kept[0].id)
        assert not store.outbox.discard(kept[0].id)


def test_changes_are_folded_into_their_messages(store: LocalStore):
    append(
        store,
        entry(1, content={"text": "helo"}),
        entry(2, types.EDITED, {"content": {"text": "hello"}}, target=1),
        entry(3, types.REACTED, {"key": "+1", "on": True}, target=1),
        entry(4, types.PINNED, {"on": True}, target=1),
        entry(5, content={"text": "oops"}),
        entry(6, types.RECALLED, {}, target=5),
        entry(7, types.EDITED, {"content": {"text": "never seen"}}, target=99),
    )
    first, fifth = store.history.get("g.1", 1), store.history.get("g.1", 5)
    assert first is not None
    assert first.now is not None
    assert first.now.content == {"text": "hello"}
    assert (first.now.edited_seq, first.now.pinned, first.now.reactions) == (2, True, {"+1": ["user/bob"]})
    assert first.content == {"text": "hello"}
    assert fifth is not None
    assert fifth.now is not None
    assert (fifth.content, fifth.now.recalled) == (None, True)


def test_erased_content_is_gone_from_the_file(store: LocalStore, tmp_path: Path):
    append(store, entry(1, content={"text": "a-secret-to-erase"}), entry(2, types.ERASED, {}, target=1))
    first = store.history.get("g.1", 1)
    assert first is not None
    assert first.now is not None
    assert first.now.erased
    rows = store.database.connection.execute("SELECT body FROM entry").fetchall()
    assert all(b"a-secret-to-erase" not in body for (body,) in rows)


def test_a_position_can_be_applied_only_once(store: LocalStore):
    append(store, entry(1))
    with pytest.raises(sqlite3.IntegrityError):
        append(store, entry(1))
    store.history.rolled_back()
    append(store, entry(2))
    assert [applied.ord for applied in store.history.applied_after(0, 10)] == [1, 2]


def test_backfilled_entries_are_shown_and_not_handed_out(store: LocalStore):
    append(store, entry(10))
    with store.database.transaction(durable=False):
        store.history.backfill([entry(8), entry(9), entry(10, content="another")])
    assert [e.seq for e in store.history.page("g.1")] == [8, 9, 10]
    assert [e.seq for e in store.history.page("g.1", before_seq=10, limit=1)] == [9]
    assert [applied.entry.seq for applied in store.history.applied_after(0, 10)] == [10]


def test_order_numbers_go_on_after_a_new_epoch(store: LocalStore, tmp_path: Path):
    append(store, entry(1), entry(2))
    with store.database.transaction(durable=False):
        store.history.clear()
    append(store, entry(1))
    (only,) = store.history.applied_after(0, 10)
    assert only.ord == 3


def test_the_list_is_pinned_first_then_most_recent(store: LocalStore):
    def put(name: str, active_at_ms: int, **settings: Any) -> None:
        view = ConversationView(
            conversation=name, kind="group", epoch=7, head=1, active_at_ms=active_at_ms, unread=2,
            settings=MemberSettings(**settings),
        )  # fmt: skip
        store.conversations.put(ConversationRow(name, last=1, view=view))

    with store.database.transaction(durable=False):
        put("old", 1)
        put("new", 9)
        put("pinned", 2, pinned=True, order=5)
        put("pinned-first", 0, pinned=True, order=1)
        put("hidden", 99, hidden=True)
        put("muted", 5, mute=True)
    names = [view.conversation for view in store.conversations.listed(10, 0)]
    assert names == ["pinned-first", "pinned", "new", "muted", "old"]
    assert [view.conversation for view in store.conversations.listed(2, 1)] == ["pinned", "new"]
    assert store.conversations.unread_total() == 8
    with store.database.transaction(durable=False):
        store.conversations.remove(["new"])
    assert "new" not in [view.conversation for view in store.conversations.listed(10, 0)]


def test_a_transaction_that_raises_changes_nothing(store: LocalStore):
    with pytest.raises(ZeroDivisionError), store.database.transaction(durable=True):
        store.outbox.add([row(1)])
        raise ZeroDivisionError
    assert store.outbox.count_pending() == 0


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path):
    path = tmp_path / "s.db"
    LocalStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="newer trunkline"):
        LocalStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_named(tmp_path: Path):
    path = tmp_path / "s.db"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(StoreUnusable, match=r"s\.db"):
        LocalStore(path)
    with pytest.raises(StoreUnusable):
        LocalStore(tmp_path)
