"""What those who run a quiz do, as it is kept: the moves of a quiz, in order, and everybody's answers, are its truth.

A move is stored inside a ``QuizMoved`` record. Fields are only ever appended, with a default.
"""

from __future__ import annotations

import msgspec


class Created(msgspec.Struct, array_like=True, tag=1):
    """A quiz began, with its rules; see ``wire.calls.quizzes.QuizRules``."""

    by: str
    title: str
    at_ms: int
    elimination: bool
    begin_until: int
    revivals: int
    cards: int
    automatic: bool
    revive_until: int


class Granted(msgspec.Struct, array_like=True, tag=2):
    """Parties have so many revival cards in all."""

    parties: tuple[str, ...]
    cards: int


class Asked(msgspec.Struct, array_like=True, tag=3):
    """A question was asked; answers count before ``closes_at_ms``. ``correct`` are the places of right options."""

    question: int
    by: str
    text: str
    options: tuple[str, ...]
    correct: tuple[int, ...]
    at_ms: int
    closes_at_ms: int
    seq: int = 0


class Closed(msgspec.Struct, array_like=True, tag=4):
    """A question ended: how many chose each option, and what became of the players.

    Attributes:
        tallies: by option.
        right: answers that were right, by anybody.
        revived: players that a card kept in by itself.
        out: players that this question put out.
        left: players still in.
        void: it counts for nobody.
    """

    question: int
    at_ms: int
    tallies: tuple[int, ...]
    right: int
    revived: int
    out: int
    left: int
    void: bool = False
    seq: int = 0


class Ended(msgspec.Struct, array_like=True, tag=5):
    """The quiz is over: ``players`` took part, ``left`` were still in."""

    at_ms: int
    players: int
    left: int
    seq: int = 0


Move = Created | Granted | Asked | Closed | Ended

encode_move = msgspec.msgpack.Encoder().encode
"""Encode a move."""

decode_move = msgspec.msgpack.Decoder(Move).decode
"""Decode a move."""


def without(move: Move, party: str) -> Move:
    """A move as it is once a party was erased: what it wrote and its name are gone."""
    if isinstance(move, Created) and move.by == party:
        return msgspec.structs.replace(move, by="", title="")
    if isinstance(move, Asked) and move.by == party:
        return msgspec.structs.replace(move, by="", text="", options=("",) * len(move.options))
    if isinstance(move, Granted) and party in move.parties:
        return msgspec.structs.replace(move, parties=tuple(p for p in move.parties if p != party))
    return move
