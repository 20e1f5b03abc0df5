"""A quiz through SIGKILL: what was acknowledged counts, deadlines hold, and nothing is asked or ended twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.rest.running import App, serving

AT = "/v1/rooms/show/quizzes"
PARTIES = [f"user/u{number}" for number in range(12)]


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def ask(server: httpx.Client, question: int, answer_ms: int) -> dict[str, Any]:
    body = {"question": question, "text": "?", "options": ["a", "b", "c"], "correct": [1], "answer_ms": answer_ms}
    done: dict[str, Any] = ok(server.post(f"{AT}/q1/questions", json=body), 201)
    return done


def answer(app: App, party: str, question: int, choice: int) -> dict[str, Any]:
    with app.acting(party) as client:
        done: dict[str, Any] = client.post(f"{AT}/q1/answers", json={"question": question, "choice": choice}).json()
    return done


@pytest.mark.timeout(240)
def test_what_was_acknowledged_counts_after_kills_before_and_after_the_deadline(tmp_path: Path) -> None:
    rng = random.Random(29)
    app: App | None = None
    chosen: dict[str, int] = {}
    rules = {"revivals": 1, "cards": 1}
    asked: dict[str, Any] = {}
    # The first two servers are killed while a question is open, each before the index has everything.
    for life in range(2):
        with serving(tmp_path, STORE__PROJECT_EVERY_S="0.5") as server:
            if app is None:
                app = server.create_app()
            app.server = server
            with app.acting() as system:
                if not life:
                    ok(system.post("/v1/rooms", json={"id": "show"}), 201)
                    ok(system.post(AT, json={"quiz": "q1", "rules": rules}), 201)
                    asked = ask(system, 1, 60_000)
                else:
                    assert ask(system, 1, 60_000) == {**asked, "repeated": True}
                    for party, choice in chosen.items():
                        assert answer(app, party, 1, choice)["repeated"], "an answer that was told to count is there"
                        assert answer(app, party, 1, choice + 1)["name"] == "already_answered"
                for party in PARTIES[6 * life : 6 * life + 6]:
                    chosen[party] = rng.randrange(3) if party != PARTIES[0] else 0
                    assert answer(app, party, 1, chosen[party])["choice"] == chosen[party]
            server.process.kill()
    assert app is not None
    with serving(tmp_path) as server:
        app.server = server
        with app.acting() as system, app.acting(PARTIES[0]) as loser:
            outcome = ok(system.post(f"{AT}/q1/questions/1/close"))
            tallies = Counter(chosen.values())
            assert outcome["tallies"] == [tallies[place] for place in range(3)]
            assert outcome["left"] == tallies[1] == outcome["right"]
            assert "repeated" not in ok(loser.post(f"{AT}/q1/revival"))
            ask(system, 2, 5_000)
            assert answer(app, PARTIES[0], 2, 1)["choice"] == 1
        server.process.kill()
    # The deadline may pass while nobody is there to see it: it is kept all the same, once.
    with serving(tmp_path) as server:
        app.server = server
        with app.acting() as system, app.acting(PARTIES[0]) as loser:
            deadline_s = time.monotonic() + 45
            while "outcome" not in (view := ok(loser.get(f"{AT}/current"))["last"]):
                assert time.monotonic() < deadline_s, "the question does not end"
            assert (view["outcome"]["tallies"], view["outcome"]["left"]) == ([0, 1, 0], 1)
            assert loser.post(f"{AT}/q1/revival").json()["name"] == "no_revival"
            ok(system.post(f"{AT}/q1/end"))
        server.process.kill()
    with serving(tmp_path) as server:
        app.server = server
        with app.acting() as system:
            found = ok(system.get(f"{AT}/q1/results"))
            assert [place["party"] for place in found["places"] if place["left"]] == [PARTIES[0]]
            entries = ok(system.get("/v1/rooms/show/entries"))["items"]
    assert [item[0] for item in entries if item[0].startswith("quiz.")] == [
        "quiz.created", "quiz.asked", "quiz.closed", "quiz.asked", "quiz.closed", "quiz.ended",
    ]  # fmt: skip
