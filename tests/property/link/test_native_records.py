"""What the native path writes of records: the journal's payload and pushes, byte for byte what Python writes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import (
    CursorMoved,
    Entry,
    EntryAppended,
    PartyErased,
    Record,
    decode_group,
    encode_group,
    encode_record,
)
from trunkline.edges.link import native
from trunkline.edges.link.codec import MSGPACK
from trunkline.edges.link.front import TYPES
from trunkline.services.messages.send import direct_id
from trunkline.services.sessions.outgoing import EntryOutgoing
from trunkline.wire import entries as types

if native.MODULE is None:
    pytest.skip(f"no native link path: {native.WHY_NOT}", allow_module_level=True)


def make_front() -> Any:
    """A front that is connected to nothing."""
    residents = SimpleNamespace(conversations={}, parties={})
    assert native.MODULE is not None
    return native.MODULE.Front(
        types=TYPES,
        deps=None,
        engine=SimpleNamespace(commits=None, clock=None, residents=residents),
        hub=SimpleNamespace(online={}),
        delivery=None,
        direct_id=direct_id,
        feed=None,
        lost=None,
        codec=MSGPACK,
        outgoing=EntryOutgoing,
        text=types.TEXT,
        encode_record=encode_record,
    )


front = make_front()
numbers = st.sampled_from([0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**30 - 1, 2**30, 2**32 - 1, 2**32, 2**53 - 1]) | (
    st.integers(0, 2**60 - 1)
)
texts = st.text(max_size=40) | st.text("ab/", min_size=28, max_size=300)
entries = st.builds(
    Entry,
    seq=numbers,
    at_ms=numbers,
    sender=texts,
    type=texts,
    content=st.binary(max_size=300) | st.just(b"x" * 70_000),
    count=numbers,
    own=numbers,
    outbox=texts,
    n=numbers,
    target=st.just(0) | numbers,
    reply_to=st.just(0) | numbers,
    mentions=st.just(()) | st.lists(texts, max_size=3).map(tuple),
    expires_at_ms=st.just(0) | numbers,
    thread=st.just(0) | numbers,
)
appended = st.builds(EntryAppended, app=texts, conversation=texts, entry=entries)
others: st.SearchStrategy[Record] = st.builds(CursorMoved, texts, texts, texts, numbers, numbers, numbers, numbers) | (
    st.builds(PartyErased, texts, texts, numbers)
)


@given(st.lists(appended | others, max_size=40))
def test_a_group_is_written_byte_for_byte_as_python_writes_it(records: list[Record]) -> None:
    assert front.encode_group(records) == encode_group(records)


@pytest.mark.parametrize("count", [0, 15, 16, 65_535, 65_536])
def test_groups_of_every_size_can_be_read_again(count: int) -> None:
    entry = Entry(1, 1, "user/a", types.TEXT, b"\x81\xa4text\xa1x", 1, 1, "outbox-1", 1)
    records: list[Record] = [EntryAppended("a_1", "d.x", entry)] * count
    assert decode_group(front.encode_group(records)) == records


def test_a_record_that_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(TypeError):
        front.encode_group([EntryAppended("a_1", "d.x", object())])  # type: ignore[arg-type]


@given(entries)
def test_a_push_is_what_python_pushes_or_left_to_it(entry: Entry) -> None:
    state = Conversation("a_1", "d.x", 1_700_000_000_000)
    made = front.push_frame(state, entry)
    assert made is None or made == MSGPACK.shared(EntryOutgoing(state, entry))
