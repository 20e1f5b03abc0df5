-- Finished uploads. `body` is the record of the upload, the other columns are what queries ask for.
-- `uses` counts messages that refer to the file, `idle_at_ms` is since when there are none.
CREATE TABLE file (
    app TEXT NOT NULL,
    file TEXT NOT NULL,
    owner TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL,
    idle_at_ms INTEGER NOT NULL,
    removed_at_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (app, file)
) WITHOUT ROWID;
CREATE INDEX file_owner ON file (app, owner, file);
CREATE INDEX file_idle ON file (idle_at_ms) WHERE uses = 0 AND removed_at_ms = 0;
CREATE INDEX file_age ON file (at_ms) WHERE removed_at_ms = 0;
CREATE INDEX file_removed ON file (removed_at_ms) WHERE removed_at_ms > 0;

-- Which messages refer to which files. Rows of messages that were taken back are gone.
CREATE TABLE file_use (
    app TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq INTEGER NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (app, conversation, seq, file)
) WITHOUT ROWID;
CREATE INDEX file_use_file ON file_use (app, file, conversation, seq);
