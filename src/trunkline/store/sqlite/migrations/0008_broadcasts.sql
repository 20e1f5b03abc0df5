-- Tags of parties through time: a row holds from its `moment` to the next one's. A row is only added where a broadcast
-- was sent since the last one, so a party has at most one more row than its app has broadcasts.
CREATE TABLE party_tags (
    owner TEXT NOT NULL,
    moment INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (owner, moment)
) WITHOUT ROWID;

CREATE TABLE broadcast (
    app TEXT NOT NULL,
    id TEXT NOT NULL,
    conversation TEXT NOT NULL,
    status TEXT NOT NULL,
    audience TEXT NOT NULL,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    send_at_ms INTEGER NOT NULL,
    expires_in_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    PRIMARY KEY (app, id)
) WITHOUT ROWID;
CREATE INDEX broadcast_seq ON broadcast (app, conversation, seq) WHERE status = 'sent';
CREATE INDEX broadcast_moment ON broadcast (app, moment);
CREATE INDEX broadcast_at ON broadcast (app, conversation, at_ms, id);
CREATE INDEX broadcast_scheduled ON broadcast (send_at_ms) WHERE status = 'scheduled';

-- Conversations whose members are computed are few, and are found by kind.
CREATE INDEX conversation_virtual ON conversation (kind, app, name) WHERE kind IN ('broadcast', 'channel');
