"""The tables of the local store and how older files become newer ones.

``PRAGMA user_version`` counts the migrations that ran; each is one transaction. A migration that was released
is never edited, only followed. What is not here: queries.
"""

from __future__ import annotations

import sqlite3

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Messages on their way. 'pending': not known to be accepted. 'sent': accepted, its entry not applied yet.
-- 'refused': will never be accepted; kept for the application to show, bounded in number.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    outbox TEXT NOT NULL,
    n INTEGER NOT NULL,
    conversation TEXT NOT NULL,
    recipient TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    reply_to INTEGER NOT NULL,
    mentions TEXT NOT NULL,
    expires_in_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    error_code INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (outbox, n)
);
CREATE INDEX outbox_status ON outbox (status, id);

-- 'last' is the gap rule's position (null: not located); 'floor' the lowest seq kept here without a hole up to 'last'.
CREATE TABLE conversation (
    conversation TEXT PRIMARY KEY,
    last INTEGER,
    floor INTEGER NOT NULL DEFAULT 1,
    head INTEGER NOT NULL DEFAULT 0,
    read_wanted INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    listed INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL DEFAULT 0,
    active_at_ms INTEGER NOT NULL DEFAULT 0,
    view BLOB
) WITHOUT ROWID;

-- 'ord' is the order of application on this device, across conversations; null for history fetched on demand.
CREATE TABLE entry (
    conversation TEXT NOT NULL,
    seq INTEGER NOT NULL,
    ord INTEGER,
    hidden INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL,
    PRIMARY KEY (conversation, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_ord ON entry (ord) WHERE ord IS NOT NULL;

-- How far each consumer of entries has got, in 'ord'.
CREATE TABLE consumer (name TEXT PRIMARY KEY, ord INTEGER NOT NULL) WITHOUT ROWID;
"""

_THREADS = """
ALTER TABLE outbox ADD COLUMN thread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN thread INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entry_thread ON entry (conversation, thread, seq) WHERE thread > 0;

-- My marks of threads: which I follow, and the seq up to which I have read.
CREATE TABLE thread (
    conversation TEXT NOT NULL,
    thread INTEGER NOT NULL,
    following INTEGER NOT NULL,
    read INTEGER NOT NULL,
    PRIMARY KEY (conversation, thread)
) WITHOUT ROWID;
"""

_UPLOADS = """
-- Files on their way, each with the message it is for, which enters the outbox when the file is there.
CREATE TABLE upload (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    file TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    conversation TEXT NOT NULL,
    recipient TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    reply_to INTEGER NOT NULL,
    mentions TEXT NOT NULL,
    expires_in_ms INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _THREADS, _UPLOADS)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to ``VERSION``.

    Raises:
        ValueError: the file was written by a newer version of the SDK.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ValueError(f"the store has version {version}, this SDK knows {VERSION}: install a newer trunkline")
    for number in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{MIGRATIONS[number]}\nPRAGMA user_version = {number + 1};\nCOMMIT;"
        )
