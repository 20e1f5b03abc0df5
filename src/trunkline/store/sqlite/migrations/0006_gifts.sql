-- What each party gave in a live room. Party '' is the sum of all, also of parties that were erased since.
CREATE TABLE gift_total (
    cid INTEGER NOT NULL,
    party TEXT NOT NULL,
    count INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (cid, party)
) WITHOUT ROWID;
CREATE INDEX gift_top ON gift_total (cid, amount, count);
