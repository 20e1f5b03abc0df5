"""Audiences against Python's own logic; and who sees a broadcast, whatever happens to tags before and after it."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.index_suite import project
from tests.support.memory_directory import memory_directory
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.broadcasts.audience import MAX_DEPTH, MAX_LENGTH, MAX_TAGS, MAX_TERMS, check_tags, parse
from trunkline.domain.broadcasts.recipient import Recipient
from trunkline.domain.conversation import Conversation
from trunkline.domain.log.records import BroadcastMarked, Entry, EntryAppended, Record, TagsChanged
from trunkline.store.sqlite import SqliteIndex
from trunkline.store.sqlite.broadcasts import SqliteBroadcasts
from trunkline.store.sqlite.connection import Database
from trunkline.wire import entries as types
from trunkline.wire.content import encode_content

TAGS = ["vip", "de", "a.b:c-d", "x1"]
tag_sets = st.sets(st.sampled_from(TAGS))
# (as an audience, as Python over a set T)
expressions = st.recursive(
    st.one_of(st.sampled_from([(tag, f"({tag!r} in T)") for tag in TAGS]), st.just(("*", "True"))),
    lambda inner: st.one_of(
        inner.map(lambda e: (f"NOT {e[0]}" if " " not in e[0] else f"NOT ({e[0]})", f"(not {e[1]})")),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) AND ({p[1][0]})", f"({p[0][1]} and {p[1][1]})")),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} OR {p[1][0]})", f"({p[0][1]} or {p[1][1]})")),
    ),
    max_leaves=6,
)


@given(expressions, tag_sets)
def test_audiences_mean_what_python_means(expression: tuple[str, str], tags: set[str]) -> None:
    text, python = expression
    # An OR without parentheses binds less than AND; Python agrees, but the parts here were joined as text.
    assert parse(f"({text})")(tags) == eval(python, {"T": tags})


@given(st.lists(st.sampled_from(["vip", "de", "NOT", "AND", "OR"]), max_size=9), tag_sets)
def test_precedence_is_that_of_python(words: list[str], tags: set[str]) -> None:
    text = " ".join(words)
    try:
        found: bool | None = parse(text)(tags)
    except TrunklineError as error:
        assert error.code is Code.INVALID_AUDIENCE
        found = None
    python = " ".join(w.lower() if w.isupper() else f"{w!r} in T" for w in words)
    try:
        expected: bool | None = eval(python, {"T": tags})
    except SyntaxError:
        expected = None
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vip AND",
        "(vip",
        "vip)",
        "vip de",
        "vip & de",
        "-vip",
        "OR",
        "NOT",
        "()",
        "a" * 65,
        "x " + "AND x " * (MAX_LENGTH // 6),
        " OR ".join(["t"] * (MAX_TERMS + 1)),
        "(" * (MAX_DEPTH + 1) + "t" + ")" * (MAX_DEPTH + 1),
        "NOT " * (MAX_DEPTH + 1) + "t",
    ],
)
def test_what_is_no_audience_is_refused(text: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        parse(text)
    assert caught.value.code is Code.INVALID_AUDIENCE


def test_tags_have_a_form_and_a_limit() -> None:
    assert check_tags(["b", "a", "b"]) == ("a", "b")
    for tag in ("", "a b", "-a", "and", "OR", "x" * 65, "ü"):
        with pytest.raises(TrunklineError) as caught:
            check_tags([tag])
        assert caught.value.code is Code.INVALID_TAG
    with pytest.raises(TrunklineError) as caught:
        check_tags([f"t{n}" for n in range(MAX_TAGS + 1)])
    assert caught.value.code is Code.LIMIT_EXCEEDED


def rows_of(db: Database, owner: str) -> int:
    """How many rows the tags of a party take."""
    (rows,) = db.execute("SELECT count(*) FROM party_tags WHERE owner = ?", (owner,)).fetchone()
    return int(rows)


PARTIES = ["user/a", "user/b", "user/c"]
APPS = ["a_1", "a_2"]
AUDIENCES = ["*", "vip", "NOT vip", "vip AND de", "vip OR de", "NOT (vip OR de)"]
event = st.one_of(
    st.tuples(
        st.just("tags"), st.sampled_from(APPS), st.sampled_from(PARTIES), st.sets(st.sampled_from(["vip", "de"]))
    ),
    st.tuples(st.just("send"), st.sampled_from(APPS), st.sampled_from(AUDIENCES)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(event, min_size=1, max_size=40), st.integers(1, 41))
def test_tags_at_the_moment_of_sending_decide_and_later_changes_do_nothing(
    events: list[tuple[Any, ...]], batch: int
) -> None:
    tags: dict[tuple[str, str], set[str]] = {}
    seen: dict[tuple[str, str], set[int]] = {}
    groups: list[tuple[int, list[Record]]] = []
    states = {}
    for lsn, app in enumerate(APPS, 1):
        states[app] = state = Conversation(app, "news", 1)
        created = Entry(1, 1, "bot/system", types.CREATED, encode_content({"kind": "broadcast", "members": []}), 0, 0)
        state.apply(created)
        groups.append((lsn, [EntryAppended(app, "news", created)]))
    for moment, (kind, app, *what) in enumerate(events, 1):
        lsn = len(groups) + 1
        if kind == "tags":
            party, given_tags = what
            tags[app, party] = given_tags
            groups.append((lsn, [TagsChanged(app, party, tuple(sorted(given_tags)), moment, moment)]))
            continue
        state = states[app]
        entry = Entry(state.head + 1, moment, "bot/system", types.TEXT, b"\x80", state.count + 1, 0)
        state.apply(entry)
        marked = BroadcastMarked(app, f"x{moment}", "news", "sent", moment, what[0], seq=entry.seq, moment=moment)
        groups.append((lsn, [EntryAppended(app, "news", entry), marked]))
        for party in PARTIES:
            had = tags.get((app, party), set())
            fits = {
                "*": True,
                "vip": "vip" in had,
                "NOT vip": "vip" not in had,
                "vip AND de": had == {"vip", "de"},
                "vip OR de": bool(had),
                "NOT (vip OR de)": not had,
            }[what[0]]
            if fits:
                seen.setdefault((app, party), set()).add(entry.seq)

    async def check(directory: Path) -> None:
        index = SqliteIndex.open(directory / "index.db", 1, batch_s=600.0)
        try:
            for start in range(0, len(groups), batch):
                await project(index, groups[start : start + batch])
            broadcasts = SqliteBroadcasts(index.reader)
            assert await broadcasts.last_moment() <= len(events)
            for app in APPS:
                head = states[app].head
                for party in PARTIES:
                    expected = seen.get((app, party), set())
                    recipient = Recipient(await broadcasts.sent_to(app, "news", party, 1_000), head, None)
                    assert recipient.seen == expected
                    assert {seq for seq in range(2, head + 3) if recipient.may_see(seq)} == expected
                    assert recipient.unread(states[app]).messages == len(expected)
                    assert await broadcasts.tags(app, party) == tuple(sorted(tags.get((app, party), set())))
                    rows = await index.reader.run(functools.partial(rows_of, owner=f"{app}/{party}"))
                    assert rows <= head  # one more than broadcasts (the head counts the first entry)
        finally:
            await index.close()

    with memory_directory() as directory:
        asyncio.run(check(Path(directory)))
