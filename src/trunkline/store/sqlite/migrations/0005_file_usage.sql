-- Bytes of the files that are not removed, by owner; owner '' is the whole app.
CREATE TABLE file_usage (
    app TEXT NOT NULL,
    owner TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (app, owner)
) WITHOUT ROWID;
INSERT INTO file_usage SELECT app, owner, sum(size_bytes) FROM file WHERE removed_at_ms = 0 GROUP BY app, owner;
INSERT INTO file_usage SELECT app, '', sum(size_bytes) FROM file WHERE removed_at_ms = 0 GROUP BY app;
