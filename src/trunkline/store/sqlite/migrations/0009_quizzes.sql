-- Quizzes of live rooms. `open_until_ms`: the deadline of the open question, 0 when there is none.
CREATE TABLE quiz (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    conversation TEXT NOT NULL,
    quiz TEXT NOT NULL,
    open_until_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (app, conversation, quiz)
);
CREATE INDEX quiz_open ON quiz (open_until_ms) WHERE open_until_ms > 0;
CREATE TABLE quiz_move (
    id INTEGER NOT NULL,
    no INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id, no)
) WITHOUT ROWID;
CREATE TABLE quiz_answer (
    id INTEGER NOT NULL,
    question INTEGER NOT NULL,
    party TEXT NOT NULL,
    choice INTEGER NOT NULL,
    after_ms INTEGER NOT NULL,
    PRIMARY KEY (id, question, party)
) WITHOUT ROWID;
CREATE TABLE quiz_revival (
    id INTEGER NOT NULL,
    question INTEGER NOT NULL,
    party TEXT NOT NULL,
    PRIMARY KEY (id, question, party)
) WITHOUT ROWID;
