"""Entries of the log become documents of the index: one for each message with text.

Applying is idempotent: an entry that is in the index already changes nothing. So the index may be fed from the
journal and from the chunks of ``index.db`` in any overlap. Runs inside the indexer's transaction.

Statements take many rows as one JSON text: SQLite's driver gives up the GIL at each step, and getting it
back waits for a busy event loop.

Not here: where entries come from (``indexer``, ``crawl``), and what text is to be searched (``domain.messages``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from trunkline.domain.log.records import Entry, PartyErased
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.domain.search.terms import index_terms, marker
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.schema import write_meta
from trunkline.store.sqlite.search.numbers import Numbers, app_key, conversation_key, party_key
from trunkline.store.sqlite.search.schema import BLOCK_BITS
from trunkline.wire import entries as types
from trunkline.wire.content import decode_content

SLICE = 128
"""Messages turned into terms before the event loop gets the GIL."""
MAX_ROWS_BYTES = 512 * 1024
ERASE_AT_ONCE = 500

_INSERT_WORDS = """
INSERT INTO words (rowid, terms) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
"""
_INSERT_DOC = """
INSERT INTO doc SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]'),
json_extract(value, '$[7]'), json_extract(value, '$[8]') FROM json_each(?)
"""
_FETCH = """
SELECT json_group_array(json_array(d.id, d.cid, d.seq, d.app, d.sender, d.editor, d.type, d.body, d.edited))
FROM json_each(?) j CROSS JOIN doc d
ON d.cid = json_extract(j.value, '$[0]') AND d.seq = json_extract(j.value, '$[1]')
"""
_PRESENT = """
SELECT json_group_array(j.key) FROM json_each(?) j CROSS JOIN doc d
ON d.cid = json_extract(j.value, '$[0]') AND d.seq = json_extract(j.value, '$[1]')
"""
_WITH_MARKER = """
SELECT json_group_array(json_array(d.id, d.cid, d.seq, d.app, d.sender, d.editor, d.type, d.body, d.edited))
FROM (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid LIMIT ?) w CROSS JOIN doc d ON d.id = w.rowid
"""

_encode = msgspec.json.Encoder().encode

Place = tuple[int, int]
Item = tuple[str, str, Entry] | PartyErased
"""(app, conversation, entry), or the erasure of a party."""


@dataclass(slots=True)
class Doc:
    """A row of ``doc``."""

    id: int
    cid: int
    seq: int
    app: int
    sender: int
    editor: int
    type: str
    body: str
    edited: str

    def terms(self) -> str:
        """All its terms: markers, words of the first text and of the present one."""
        marks = f"{marker('a', self.app)} {marker('c', self.cid)} {marker('s', self.sender)} {type_marker(self.type)}"
        if not self.editor:
            return f"{marks} {index_terms(self.body)}"
        return f"{marks} {marker('e', self.editor)} {index_terms(self.body)} {index_terms(self.edited)}"

    def row(self) -> tuple[int | str, ...]:
        """Its columns."""
        return (self.id, self.cid, self.seq, self.app, self.sender, self.editor, self.type, self.body, self.edited)


_decode_docs = msgspec.json.Decoder(list[tuple[int, int, int, int, int, int, str, str, str]]).decode
_decode_keys = msgspec.json.Decoder(list[int]).decode


@dataclass(slots=True)
class Change:
    """What later entries make of a message: another text, or nothing."""

    text: str = ""
    editor: int = 0
    gone: bool = False


def type_marker(type: str) -> str:
    """The term of a message type, whatever characters its name has."""
    return marker("t", type.encode().hex())


def text_of(type: str, content: bytes) -> str:
    """What one can search for in a message; "" for nothing."""
    kind = MESSAGE_TYPES.get(type)
    return clean(kind.preview(decode_content(content))) if kind is not None and content else ""


def clean(text: str) -> str:
    """A text that SQLite keeps whole."""
    return text.replace("\0", " ")


class Documents:
    """Writes documents.

    Args:
        db: the writing connection.
        pause: gives the event loop the GIL.
    """

    def __init__(self, db: Database, pause: Callable[[], None]) -> None:
        self._db = db
        self._pause = pause
        self._numbers = Numbers(db)
        self._next_id = 0
        self._added: dict[Place, tuple[Doc, int]] = {}
        self._changes: dict[Place, Change] = {}

    def forget(self) -> None:
        """Hold nothing in memory any more: a transaction was undone."""
        self._numbers.forget()
        self._next_id = 0
        self._added.clear()
        self._changes.clear()

    def apply(self, items: Sequence[Item]) -> None:
        """Bring the index up to these items, in order."""
        for start in range(0, len(items), SLICE):
            part = items[start : start + SLICE]
            numbers = self._numbers.of(_names(part))
            for item in part:
                if isinstance(item, PartyErased):
                    self._write()
                    self._erase(numbers[party_key(item.app, item.party)])
                else:
                    self._note(numbers, *item)
            self._pause()
        self._write()

    # --- collecting -------------------------------------------------------------------------

    def _note(self, numbers: dict[str, int], app: str, conversation: str, entry: Entry) -> None:
        kind = MESSAGE_TYPES.get(entry.type)
        if kind is None:
            if entry.type in _CHANGES and entry.target:
                cid = numbers[conversation_key(app, conversation)]
                self._change((cid, entry.target), entry, numbers[party_key(app, entry.sender)])
            return
        place = (numbers[conversation_key(app, conversation)], entry.seq)
        if not entry.content:
            self._changes.setdefault(place, Change()).gone = True  # erased
            self._added.pop(place, None)
            return
        text = text_of(entry.type, entry.content)
        if not text and not kind.editable:
            if entry.type == types.CARD_CREATED:  # without a text from the beginning, or since its maker was erased
                self._changes.setdefault(place, Change()).gone = True
                self._added.pop(place, None)
            return
        sender = numbers[party_key(app, entry.sender)]
        doc = Doc(0, *place, numbers[app_key(app)], sender, 0, entry.type, text, "")
        self._added.setdefault(place, (doc, entry.at_ms))

    def _change(self, place: Place, entry: Entry, editor: int) -> None:
        change = self._changes.setdefault(place, Change())
        if entry.type != types.EDITED:
            change.gone = True
            return
        content = decode_content(entry.content).get("content")
        added = self._added.get(place)
        type = added[0].type if added is not None else types.TEXT
        change.text = clean(MESSAGE_TYPES[type].preview(content)) if isinstance(content, dict) else ""
        change.editor = editor

    # --- writing ----------------------------------------------------------------------------

    def _write(self) -> None:
        """Write what was collected. Documents get ids in the order of collecting."""
        added, changes = self._added, self._changes
        self._added, self._changes = {}, {}
        present = self._present(list(added))
        fresh: list[Doc] = []
        blocks: dict[int, tuple[int, int]] = {}
        for place, (doc, at_ms) in added.items():
            if place in present:
                continue
            change = changes.pop(place, None)
            if change is not None:
                if change.gone:
                    continue
                doc.edited, doc.editor = change.text, change.editor
            doc.id = self._take_id()
            oldest, newest = blocks.get(doc.id >> BLOCK_BITS, (at_ms, at_ms))
            blocks[doc.id >> BLOCK_BITS] = (min(oldest, at_ms), max(newest, at_ms))
            fresh.append(doc)
        if changes:
            self._rewrite(changes)
        for part in _portions(fresh):
            self._insert(part)
        for number, (oldest, newest) in blocks.items():
            self._db.execute(
                """INSERT INTO block VALUES (?1, ?2, ?3) ON CONFLICT (no) DO UPDATE SET
                oldest_ms = min(oldest_ms, excluded.oldest_ms), newest_ms = max(newest_ms, excluded.newest_ms)""",
                (number, oldest, newest),
            )

    def _take_id(self) -> int:
        if not self._next_id:
            self._next_id = 1 + int(self._db.execute("SELECT coalesce(max(id), 0) FROM doc").fetchone()[0])
        self._next_id += 1
        return self._next_id - 1

    def _present(self, places: list[Place]) -> set[Place]:
        if not places:
            return set()
        found = _decode_keys(self._db.execute(_PRESENT, (_encode(places).decode(),)).fetchone()[0])
        return {places[key] for key in found}

    def _insert(self, docs: list[Doc]) -> None:
        words = []
        for position, doc in enumerate(docs, 1):
            words.append((doc.id, doc.terms()))
            if position % SLICE == 0:
                self._pause()
        self._db.execute(_INSERT_DOC, (_encode([doc.row() for doc in docs]).decode(),))
        self._db.execute(_INSERT_WORDS, (_encode(words).decode(),))

    def _rewrite(self, changes: dict[Place, Change]) -> None:
        """Change documents that are there; ascending, because the index writes a segment whenever ids go back."""
        found = _docs(self._db.execute(_FETCH, (_encode(list(changes)).decode(),)).fetchone()[0])
        for doc in sorted(found, key=lambda doc: doc.id):
            change = changes[doc.cid, doc.seq]
            self._take_out(doc)
            if change.gone:
                self._db.execute("DELETE FROM doc WHERE id = ?", (doc.id,))
                continue
            doc.edited, doc.editor = change.text, change.editor
            self._put_back(doc)

    def _take_out(self, doc: Doc) -> None:
        self._db.execute("INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)", (doc.id, doc.terms()))

    def _put_back(self, doc: Doc) -> None:
        self._db.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)", (doc.id, doc.terms()))
        self._db.execute("UPDATE doc SET edited = ?, editor = ? WHERE id = ?", (doc.edited, doc.editor, doc.id))

    def _erase(self, party: int) -> None:
        """Remove what a party wrote; its terms leave the file when ``purge`` has merged the index."""
        db = self._db
        db.execute("PRAGMA secure_delete=ON").fetchone()
        try:
            while docs := self._marked(marker("s", party)):
                for doc in docs:
                    self._take_out(doc)
                    db.execute("DELETE FROM doc WHERE id = ?", (doc.id,))
                self._pause()
            while docs := self._marked(marker("e", party)):
                for doc in docs:
                    self._take_out(doc)
                    doc.edited, doc.editor = "", 0
                    self._put_back(doc)
                self._pause()
        finally:
            db.execute("PRAGMA secure_delete=OFF").fetchone()
        write_meta(db, "purge", 1)

    def _marked(self, term: str) -> list[Doc]:
        return _docs(self._db.execute(_WITH_MARKER, (f'"{term}"', ERASE_AT_ONCE)).fetchone()[0])


_CHANGES = frozenset({types.EDITED, types.RECALLED, types.EXPIRED})


def _docs(found: str) -> list[Doc]:
    return [Doc(*row) for row in _decode_docs(found)]


def _names(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        if isinstance(item, PartyErased):
            yield party_key(item.app, item.party)
        else:
            app, conversation, entry = item
            yield app
            yield f"{app}:{conversation}"
            yield f"{app}/{entry.sender}"


def _portions(docs: list[Doc]) -> Iterable[list[Doc]]:
    """Parts whose JSON is of a bounded size."""
    part: list[Doc] = []
    size = 0
    for doc in docs:
        part.append(doc)
        size += len(doc.body) + len(doc.edited) + 100
        if size > MAX_ROWS_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
