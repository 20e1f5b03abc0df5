-- Threads are a view over their conversation's log: entries that name one. `root` is the seq a thread began with.

CREATE TABLE thread (
    cid INTEGER NOT NULL,
    root INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (cid, root)
) WITHOUT ROWID;
CREATE INDEX thread_active ON thread (cid, last_at_ms, root);

CREATE TABLE thread_reply (
    cid INTEGER NOT NULL,
    root INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender TEXT NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (cid, root, seq)
) WITHOUT ROWID;

-- Party '*' is everyone.
CREATE TABLE thread_mention (
    cid INTEGER NOT NULL,
    root INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    party TEXT NOT NULL,
    PRIMARY KEY (cid, root, seq, party)
) WITHOUT ROWID;

-- Who follows or read a thread. `pts`: the lsn of the latest change of the row, for the party's other devices.
CREATE TABLE thread_follower (
    owner TEXT NOT NULL,
    cid INTEGER NOT NULL,
    root INTEGER NOT NULL,
    following INTEGER NOT NULL,
    read INTEGER NOT NULL,
    pts INTEGER NOT NULL,
    PRIMARY KEY (owner, cid, root)
) WITHOUT ROWID;
CREATE INDEX thread_follower_pts ON thread_follower (owner, pts);
CREATE INDEX thread_follower_of ON thread_follower (cid, root, owner);
