-- Which entries are cards, so that they can be listed without reading the log. Their state is in `overlay`.
CREATE TABLE card (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    open INTEGER NOT NULL,
    PRIMARY KEY (cid, seq)
) WITHOUT ROWID;
