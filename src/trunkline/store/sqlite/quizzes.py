"""Quizzes in the index: their moves, everybody's answers, and who came back.

Not here: what they mean (``domain.quizzes``).
"""

from __future__ import annotations

from trunkline.domain.log.records import QuizAnswered, QuizMoved, QuizRevived
from trunkline.domain.quizzes.moves import Asked, Closed, decode_move, encode_move, without
from trunkline.domain.quizzes.quiz import Answer
from trunkline.services.quizzes.ports import Kept, QuizKey
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader
from trunkline.wire.calls.parties import QuizAnswerKept

QuizRecord = QuizMoved | QuizAnswered | QuizRevived

_ID = "(SELECT id FROM quiz WHERE app = ? AND conversation = ? AND quiz = ?)"
_ANSWER = f"INSERT OR IGNORE INTO quiz_answer (id, question, party, choice, after_ms) VALUES ({_ID}, ?, ?, ?, ?)"
_REVIVE = f"INSERT OR IGNORE INTO quiz_revival (id, question, party) VALUES ({_ID}, ?, ?)"
# ruff: noqa: S608 - statements are put together from the text above only.


def apply(db: Database, record: QuizRecord) -> None:
    """Project one record."""
    place = (record.app, record.conversation, record.quiz)
    if isinstance(record, QuizAnswered):
        db.execute(_ANSWER, (*place, record.question, record.party, record.choice, record.after_ms))
    elif isinstance(record, QuizRevived):
        db.execute(_REVIVE, (*place, record.question, record.party))
    else:
        db.execute("INSERT OR IGNORE INTO quiz (app, conversation, quiz) VALUES (?, ?, ?)", place)
        db.execute(f"REPLACE INTO quiz_move (id, no, body) VALUES ({_ID}, ?, ?)", (*place, record.no, record.move))
        move = decode_move(record.move)
        if isinstance(move, Asked | Closed):
            until_ms = move.closes_at_ms if isinstance(move, Asked) else 0
            db.execute(f"UPDATE quiz SET open_until_ms = ? WHERE id = {_ID}", (until_ms, *place))


def erase(db: Database, app: str, party: str) -> None:
    """A party's answers are gone, and what it wrote; tallies of questions that have ended stay."""
    for (id,) in db.execute("SELECT id FROM quiz WHERE app = ?", (app,)).fetchall():
        db.execute("DELETE FROM quiz_answer WHERE id = ? AND party = ?", (id, party))
        db.execute("DELETE FROM quiz_revival WHERE id = ? AND party = ?", (id, party))
        for no, body in db.execute("SELECT no, body FROM quiz_move WHERE id = ?", (id,)).fetchall():
            move = decode_move(body)
            kept = without(move, party)
            if kept is not move:
                db.execute("UPDATE quiz_move SET body = ? WHERE id = ? AND no = ?", (encode_move(kept), id, no))


class SqliteQuizzes:
    """Implements ``services.quizzes.ports.QuizIndex``.

    Args:
        reader: runs the queries.
    """

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def quiz(self, key: QuizKey) -> Kept | None:
        """A quiz, whole."""

        def query(db: Database) -> Kept | None:
            found = db.execute(
                "SELECT id FROM quiz WHERE app = ? AND conversation = ? AND quiz = ?", tuple(key)
            ).fetchone()
            if found is None:
                return None
            moves = db.execute("SELECT body FROM quiz_move WHERE id = ? ORDER BY no", found).fetchall()
            answers = db.execute(
                "SELECT question, party, choice, after_ms FROM quiz_answer WHERE id = ?", found
            ).fetchall()
            revivals = db.execute("SELECT question, party FROM quiz_revival WHERE id = ?", found).fetchall()
            return Kept(
                [decode_move(body) for (body,) in moves],
                [(question, party, Answer(choice, after_ms)) for question, party, choice, after_ms in answers],
                [(question, party) for question, party in revivals],
            )

        return await self._run(query)

    async def newest(self, app: str, conversation: str) -> str:
        """The room's newest quiz; "" for none."""

        def query(db: Database) -> str:
            row = db.execute(
                "SELECT quiz FROM quiz WHERE app = ? AND conversation = ? ORDER BY id DESC LIMIT 1", (app, conversation)
            ).fetchone()
            return str(row[0]) if row is not None else ""

        return await self._run(query)

    async def answers_of(self, app: str, party: str) -> list[QuizAnswerKept]:
        """Everything a party answered, for its export."""
        select = """SELECT q.conversation, q.quiz, a.question, a.choice, a.after_ms FROM quiz q
            CROSS JOIN quiz_answer a ON a.id = q.id WHERE q.app = ? AND a.party = ? ORDER BY q.id, a.question"""
        return await self._run(lambda db: [QuizAnswerKept(*row) for row in db.execute(select, (app, party)).fetchall()])

    async def open(self) -> list[QuizKey]:
        """Quizzes with a question that has not ended."""
        select = "SELECT app, conversation, quiz FROM quiz WHERE open_until_ms > 0"
        return await self._run(lambda db: [QuizKey(*row) for row in db.execute(select).fetchall()])
