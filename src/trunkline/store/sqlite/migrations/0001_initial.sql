-- Everything here is a projection of the journal. Two kinds of key: a conversation is a small integer
-- (`cid`, given out by `conversation_id`), a party is the text "app/kind/name" (`owner`). Both carry the app.

CREATE TABLE conversation_id (
    app TEXT NOT NULL,
    name TEXT NOT NULL,
    cid INTEGER NOT NULL,
    PRIMARY KEY (app, name)
) WITHOUT ROWID;

CREATE TABLE conversation (
    cid INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    head INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    active_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    member_count INTEGER NOT NULL,
    large INTEGER NOT NULL,
    dismissed INTEGER NOT NULL,
    settings BLOB NOT NULL,
    pinned TEXT NOT NULL
);

-- Entries, many to a row. Rows are only ever appended, so they fill pages in order; the index finds them.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    cid INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX chunk_seq ON chunk (cid, first_seq);

-- Lists are JSON texts, "" when empty, so that many rows can be fetched in one step.
CREATE TABLE member (
    cid INTEGER NOT NULL,
    party TEXT NOT NULL,
    role TEXT NOT NULL,
    joined_seq INTEGER NOT NULL,
    left_seq INTEGER NOT NULL,
    own INTEGER NOT NULL,
    muted_until_ms INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    read_count INTEGER NOT NULL,
    read_own INTEGER NOT NULL,
    hidden_up_to INTEGER NOT NULL,
    spans TEXT NOT NULL,
    mentioned TEXT NOT NULL,
    hidden TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (cid, party)
) WITHOUT ROWID;

CREATE TABLE removed (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender TEXT NOT NULL,
    PRIMARY KEY (cid, seq)
) WITHOUT ROWID;

CREATE TABLE mention_all (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender TEXT NOT NULL,
    PRIMARY KEY (cid, seq)
) WITHOUT ROWID;

CREATE TABLE overlay (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (cid, seq)
) WITHOUT ROWID;

CREATE TABLE expiry (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (cid, seq)
) WITHOUT ROWID;
CREATE INDEX expiry_due ON expiry (expires_at_ms);

-- A party's conversations (also those it left), and the lsn of each one's latest change for it.
-- cid 0 and below are subjects that are not conversations. pts 0: not in the inbox any more.
CREATE TABLE inbox (
    owner TEXT NOT NULL,
    cid INTEGER NOT NULL,
    pts INTEGER NOT NULL,
    left_at_ms INTEGER NOT NULL DEFAULT 0,
    large INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, cid)
) WITHOUT ROWID;
CREATE INDEX inbox_pts ON inbox (owner, pts);
CREATE INDEX inbox_large ON inbox (owner) WHERE large = 1 AND left_at_ms = 0;
CREATE INDEX inbox_tombstone ON inbox (left_at_ms) WHERE left_at_ms > 0 AND pts > 0;

CREATE TABLE inbox_floor (
    owner TEXT PRIMARY KEY,
    pts INTEGER NOT NULL
) WITHOUT ROWID;

-- Accepted sends, many to a row, in the order they were projected; `outbox` is a hash of app, party and outbox.
CREATE TABLE sent (
    id INTEGER PRIMARY KEY,
    outbox BLOB NOT NULL,
    first_n INTEGER NOT NULL,
    last_n INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX sent_n ON sent (outbox, last_n);

CREATE TABLE sent_floor (
    outbox BLOB PRIMARY KEY,
    n INTEGER NOT NULL
) WITHOUT ROWID;

-- Digests of sends whose content was erased; those of all others are computed from the entry.
CREATE TABLE sent_erased (
    outbox BLOB NOT NULL,
    n INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (outbox, n)
) WITHOUT ROWID;

CREATE TABLE profile (
    app TEXT NOT NULL,
    party TEXT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    avatar TEXT NOT NULL,
    custom TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (app, party)
) WITHOUT ROWID;

CREATE TABLE blocked (
    owner TEXT NOT NULL,
    other TEXT NOT NULL,
    PRIMARY KEY (owner, other)
) WITHOUT ROWID;

CREATE TABLE device (
    owner TEXT NOT NULL,
    device TEXT NOT NULL,
    platform TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    revoked_before_s INTEGER NOT NULL,
    PRIMARY KEY (owner, device)
) WITHOUT ROWID;

CREATE TABLE revocation (
    owner TEXT PRIMARY KEY,
    before_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE app (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    disabled INTEGER NOT NULL
);

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    scopes TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    UNIQUE (app, key)
);

-- Rows are appended in time order, so pruning takes them from the front.
CREATE TABLE remembered (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    UNIQUE (app, key)
);
