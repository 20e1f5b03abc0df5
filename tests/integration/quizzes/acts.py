"""What the tests of quizzes do over and over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rooms.acts import CONTENT, TYPE, items, join, room, wait_for

ROOM, QUIZ = "r1", "q1"


def begin(host: WireClient, *players: WireClient, **rules: Any) -> None:
    """A room with everybody in it, and a quiz."""
    room(host)
    for client in (host, *players):
        join(client)
    host.call("quiz.create", conversation=ROOM, quiz=QUIZ, title="Friday", rules=rules)


def ask(host: WireClient, question: int, correct: int = 1, answer_ms: int = 60_000) -> dict[str, Any]:
    """Ask a question with three options; one is right."""
    asked: dict[str, Any] = host.call(
        "quiz.ask",
        conversation=ROOM,
        quiz=QUIZ,
        question=question,
        text=f"Question {question}?",
        options=["a", "b", "c"],
        correct=[correct],
        answer_ms=answer_ms,
    )
    return asked


def answer(client: WireClient, question: int, choice: int) -> dict[str, Any]:
    """Answer."""
    done: dict[str, Any] = client.call("quiz.answer", conversation=ROOM, quiz=QUIZ, question=question, choice=choice)
    return done


def close(host: WireClient, question: int, **more: Any) -> dict[str, Any]:
    """End a question."""
    done: dict[str, Any] = host.call("quiz.close", conversation=ROOM, quiz=QUIZ, question=question, **more)
    return done


def view(client: WireClient) -> dict[str, Any]:
    """The quiz, as the client sees it."""
    found: dict[str, Any] = client.call("quiz.get", conversation=ROOM)
    return found


def told(client: WireClient, type: str, count: int = 1) -> list[dict[str, Any]]:
    """Contents of items of a type, once so many have come."""

    def found() -> list[Any]:
        return [item[CONTENT] for item in items(client) if item[TYPE] == type]

    wait_for(client, lambda: len(found()) >= count)
    return found()


def refused(name: str, client: WireClient, method: str, **params: Any) -> None:
    """The call is refused by this error."""
    with pytest.raises(Refused) as failed:
        client.call(method, **{"conversation": ROOM, "quiz": QUIZ, **params})
    assert failed.value.error["name"] == name, failed.value.error


def not_answered(name: str, client: WireClient, question: int, choice: int) -> None:
    """The answer is refused by this error."""
    refused(name, client, "quiz.answer", question=question, choice=choice)
