-- Webhooks, their cursors, and the conversations that are behind them. Bodies are msgpack of the journal's records.

CREATE TABLE webhook (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    webhook TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (app, webhook)
);

CREATE TABLE webhook_cursor (
    app TEXT NOT NULL,
    webhook TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (app, webhook)
) WITHOUT ROWID;

CREATE TABLE webhook_lane (
    app TEXT NOT NULL,
    webhook TEXT NOT NULL,
    conversation TEXT NOT NULL,
    next_seq INTEGER NOT NULL,
    PRIMARY KEY (app, webhook, conversation)
) WITHOUT ROWID;
