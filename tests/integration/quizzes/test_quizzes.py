"""Live quizzes over the link and REST: asked, answered in time, decided, and told to the room."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.link.wire_client import Refused
from tests.integration.quizzes.acts import answer, ask, begin, close, not_answered, refused, told, view
from tests.integration.rest.running import App
from tests.integration.rooms.acts import items, join, room, wait_for
from tests.integration.rooms.conftest import Connect

pytestmark = pytest.mark.timeout(60)


def test_a_quiz_is_asked_answered_decided_and_won(connect: Connect) -> None:
    host, ann, bob, eve = connect("user/host"), connect("user/ann"), connect("user/bob"), connect("user/eve")
    begin(host, ann, bob, eve)
    assert told(ann, "quiz.created")[0]["title"] == "Friday"
    ask(host, 1)
    shown = told(ann, "quiz.asked")[0]
    assert (shown["question"], shown["options"]) == (1, ["a", "b", "c"])
    assert "correct" not in str(items(ann)) and "correct" not in str(view(ann)), "not before the question has ended"
    for client, choice in ((ann, 1), (bob, 1), (eve, 0)):
        assert answer(client, 1, choice)["question"] == 1
    outcome = close(host, 1)
    for client in (host, ann, bob, eve):
        assert told(client, "quiz.closed")[0] == outcome
    assert outcome == {
        "quiz": "q1", "question": 1, "correct": [1], "tallies": [1, 2, 0], "answered": 3, "right": 2, "revived": 0,
        "out": 1, "left": 2,
    }  # fmt: skip
    assert (view(eve)["me"]["out"], view(ann)["left"]) == (1, 2)
    ask(host, 2, correct=2)
    not_answered("eliminated", eve, 2, 2)
    not_answered("eliminated", host, 2, 2)
    answer(ann, 2, 2)
    assert close(host, 2)["tallies"] == [0, 0, 1], "who does not answer is out as well"
    host.call("quiz.end", conversation="r1", quiz="q1")
    assert told(bob, "quiz.ended")[0] == {"quiz": "q1", "questions": 2, "players": 3, "left": 1}
    results = host.call("quiz.results", conversation="r1")
    assert [(p["place"], p["party"], p["left"], p["right"]) for p in results["places"]] == [
        (1, "user/ann", True, 2), (2, "user/bob", False, 1), (3, "user/eve", False, 0),
    ]  # fmt: skip
    page = host.call("quiz.results", conversation="r1", after=1, limit=1)
    assert ([p["party"] for p in page["places"]], page["next"]) == (["user/bob"], 2)


def test_an_answer_is_one_entry_of_nobody_and_the_room_is_told_of_numbers(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob)
    before = ask(host, 1)["seq"]
    answer(ann, 1, 1), answer(bob, 1, 2)
    assert told(host, "quiz.progress")[-1]["question"] == 1
    wait_for(host, lambda: told(host, "quiz.progress")[-1]["answered"] == 2)
    close(host, 1)
    entries = host.call("room.entries", conversation="r1", after=before)["items"]
    assert [entry[0] for entry in entries] == ["quiz.closed"]


def test_what_comes_after_the_deadline_is_refused_and_never_counted(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob)
    ask(host, 1, answer_ms=3000)
    first = answer(ann, 1, 1)
    assert 0 <= first["after_ms"] < 3000
    outcome = told(bob, "quiz.closed")[0]
    assert (outcome["answered"], outcome["tallies"]) == (1, [0, 1, 0])
    not_answered("too_late", bob, 1, 1)
    # The first answer again is no new answer: whoever did not hear that it counted asks again.
    assert answer(ann, 1, 1) == {**first, "repeated": True}
    not_answered("already_answered", ann, 1, 2)
    assert view(bob)["last"]["outcome"] == outcome
    assert view(bob)["players"] == 1


def test_one_answer_of_a_party_counts_whatever_device_it_comes_from(connect: Connect) -> None:
    host, phone, tablet = connect("user/host"), connect("user/ann"), connect("user/ann", "tablet")
    begin(host, phone, tablet)
    ask(host, 1)
    assert "repeated" not in answer(phone, 1, 1)
    assert answer(tablet, 1, 1)["repeated"]
    not_answered("already_answered", tablet, 1, 0)
    assert close(host, 1)["answered"] == 1


def test_cards_keep_one_in_by_themselves(app: App, connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob, revivals=2, cards=0, automatic=True, revive_until=2)
    with app.acting() as server:
        given = server.put("/v1/rooms/r1/quizzes/q1/cards", json={"parties": ["user/ann"], "cards": 3})
        assert given.status_code == 200, given.text
    assert view(ann)["me"]["revivals"] == 2
    ask(host, 1)
    answer(ann, 1, 0), answer(bob, 1, 0)
    outcome = close(host, 1)
    assert (outcome["revived"], outcome["out"], outcome["left"]) == (1, 1, 1)
    ask(host, 2)
    assert close(host, 2)["revived"] == 1, "also who does not answer"
    assert view(ann)["me"]["revivals"] == 0
    ask(host, 3)
    assert (close(host, 3)["out"], view(host)["left"]) == (1, 0)


def test_one_comes_back_by_asking_before_the_next_question_is_over(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob, revivals=1, cards=1)
    ask(host, 1)
    answer(ann, 1, 0), answer(bob, 1, 0)
    refused("no_revival", ann, "quiz.revive")
    assert close(host, 1)["out"] == 2
    assert "repeated" not in ann.call("quiz.revive", conversation="r1", quiz="q1")
    assert ann.call("quiz.revive", conversation="r1", quiz="q1")["repeated"]
    ask(host, 2)
    answer(ann, 2, 0)
    assert (close(host, 2)["out"], view(ann)["me"]["out"]) == (1, 2)
    refused("no_revival", ann, "quiz.revive")
    refused("too_late", bob, "quiz.revive")


def test_without_elimination_everybody_goes_on_and_the_quicker_come_first(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob, elimination=False)
    ask(host, 1)
    answer(ann, 1, 0)
    close(host, 1)
    ask(host, 2)
    answer(ann, 2, 1), answer(bob, 2, 1)
    assert close(host, 2)["left"] == 2
    places = host.call("quiz.results", conversation="r1")["places"]
    assert {p["party"]: p["right"] for p in places} == {"user/ann": 1, "user/bob": 1}
    assert places[0]["right_ms"] <= places[1]["right_ms"]


def test_a_void_question_puts_nobody_out_and_lets_others_begin(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob)
    ask(host, 1)
    answer(ann, 1, 0)
    outcome = close(host, 1, void=True)
    assert (outcome["void"], outcome["out"], outcome["left"]) == (True, 0, 1)
    assert close(host, 1, void=True) == outcome
    refused("too_late", host, "quiz.close", question=1)
    ask(host, 2)
    answer(bob, 2, 1), answer(ann, 2, 1)
    assert close(host, 2)["left"] == 2


def test_what_is_asked_again_is_the_same_and_what_is_out_of_turn_is_refused(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    begin(host, ann)
    assert host.call("quiz.create", conversation="r1", quiz="q1", title="Friday", rules={})["repeated"]
    refused("already_exists", host, "quiz.create", title="Another")
    refused("already_exists", host, "quiz.create", quiz="q2")
    refused("out_of_order", host, "quiz.ask", question=2, text="?", options=["a", "b"], correct=[0])
    asked = ask(host, 1)
    assert ask(host, 1) == {**asked, "repeated": True}
    refused("id_conflict", host, "quiz.ask", question=1, text="Another?", options=["a", "b"], correct=[0])
    refused("out_of_order", host, "quiz.ask", question=2, text="?", options=["a", "b"], correct=[0])
    refused("out_of_order", host, "quiz.end")
    close(host, 1)
    host.call("quiz.end", conversation="r1", quiz="q1")
    assert host.call("quiz.end", conversation="r1", quiz="q1")["repeated"]
    refused("too_late", host, "quiz.ask", question=2, text="?", options=["a", "b"], correct=[0])
    refused("too_late", host, "quiz.grant", parties=["user/ann"], cards=1)
    host.call("quiz.create", conversation="r1", quiz="q2")
    assert view(ann)["quiz"] == "q2"
    assert ann.call("quiz.get", conversation="r1", quiz="q1")["ended"]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("quiz.create", {"quiz": "current"}, "invalid_params"),
    ("quiz.create", {"quiz": "no spaces"}, "invalid_params"),
    ("quiz.create", {"quiz": "q9", "rules": {"begin_until": 0}}, "invalid_params"),
    ("quiz.ask", {"question": 2, "text": "?", "options": ["one"], "correct": [0]}, "invalid_params"),
    ("quiz.ask", {"question": 2, "text": "?", "options": ["a", "b"], "correct": [2]}, "invalid_params"),
    ("quiz.ask", {"question": 2, "text": "?", "options": ["a", "b"], "correct": []}, "invalid_params"),
    ("quiz.ask", {"question": 2, "text": "?", "options": ["a", "b"], "correct": [0], "answer_ms": 1}, "invalid_params"),
    ("quiz.ask", {"question": 2, "text": "", "options": ["a", "b"], "correct": [0]}, "invalid_params"),
    ("quiz.ask", {"quiz": "none", "question": 1, "text": "?", "options": ["a", "b"], "correct": [0]}, "not_found"),
    ("quiz.answer", {"question": 1, "choice": 3}, "invalid_params"),
    ("quiz.answer", {"question": 1, "choice": -1}, "invalid_params"),
    ("quiz.answer", {"question": 2, "choice": 0}, "not_found"),
    ("quiz.answer", {"quiz": "none", "question": 1, "choice": 0}, "not_found"),
    ("quiz.answer", {"conversation": "nowhere", "question": 1, "choice": 0}, "not_found"),
    ("quiz.close", {"question": 2}, "not_found"),
    ("quiz.grant", {"parties": [], "cards": 1}, "invalid_params"),
    ("quiz.grant", {"parties": ["nobody"], "cards": 1}, "invalid_party"),
    ("quiz.grant", {"parties": ["user/ann"], "cards": -1}, "invalid_params"),
    ("quiz.results", {"limit": 0}, "invalid_params"),
    ("quiz.revive", {"quiz": "none"}, "not_found"),
    ("quiz.end", {"quiz": "none"}, "not_found"),
]


def test_bad_input_has_a_code_and_changes_nothing(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    begin(host, ann)
    ask(host, 1)
    answer(ann, 1, 1)
    before = view(host), host.call("room.entries", conversation="r1")["items"]
    for method, params, name in BAD:
        refused(name, host, method, **params)
    assert (view(host), host.call("room.entries", conversation="r1")["items"]) == before
    assert close(host, 1)["answered"] == 1


def test_who_may_run_and_play(app: App, connect: Connect) -> None:
    host, ann, out = connect("user/host"), connect("user/ann"), connect("user/out")
    begin(host, ann)
    for method, params in (
        ("quiz.create", {"quiz": "q2"}),
        ("quiz.ask", {"question": 1, "text": "?", "options": ["a", "b"], "correct": [0]}),
        ("quiz.close", {"question": 1}),
        ("quiz.grant", {"parties": ["user/ann"], "cards": 1}),
        ("quiz.end", {}),
    ):
        refused("forbidden", ann, method, **params)
    ask(host, 1)
    not_answered("not_member", out, 1, 1)
    refused("not_member", out, "quiz.get")
    refused("not_member", out, "quiz.results")
    refused("not_member", out, "quiz.revive")
    answer(ann, 1, 1)
    with app.acting("user/far") as far, app.acting() as server:
        done = far.post("/v1/rooms/r1/quizzes/q1/answers", json={"question": 1, "choice": 1})
        assert done.status_code == 201, done.text
        nobody = server.post("/v1/rooms/r1/quizzes/q1/answers", json={"question": 1, "choice": 1})
        assert nobody.json()["name"] == "forbidden"
        assert server.post("/v1/rooms/r1/quizzes/q1/questions/1/close").json()["right"] == 2
        host.call("room.close", conversation="r1")
        # To pay the winners, an app server reads the results of a room that has closed.
        places = server.get("/v1/rooms/r1/quizzes/current/results").json()["places"]
        assert [place["party"] for place in places] == ["user/ann", "user/far"] or places[0]["right_ms"] > 0
        assert server.post("/v1/rooms/r1/quizzes/q1/end").json()["name"] == "dismissed"


def test_two_apps_have_nothing_in_common(app: App, connect: Connect) -> None:
    other = app.server.create_app("other")
    host, ann = connect("user/host"), connect("user/ann")
    begin(host, ann)
    ask(host, 1)
    strange = connect("user/ann", of=other)
    room(strange)
    join(strange)
    not_answered("not_found", strange, 1, 1)
    refused("not_found", strange, "quiz.get")
    strange.call("quiz.create", conversation="r1", quiz="q1")
    with pytest.raises(Refused):
        answer(strange, 1, 1)
    answer(ann, 1, 1)
    assert close(host, 1)["answered"] == 1


def test_an_erased_party_is_exported_before_and_in_no_result_after_and_the_tallies_stay(
    app: App, connect: Connect
) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    begin(host, ann, bob)
    ask(host, 1)
    answer(ann, 1, 1), answer(bob, 1, 1)
    outcome = close(host, 1)
    with app.acting() as server:
        [exported] = server.get("/v1/parties/user/ann/export").json()["quiz_answers"]
        assert (exported["quiz"], exported["question"], exported["choice"]) == ("q1", 1, 1)
        assert server.delete("/v1/parties/user/ann").status_code == 200
        assert server.get("/v1/parties/user/ann/export").json()["quiz_answers"] == []
        for _ in range(2):
            found = server.get("/v1/rooms/r1/quizzes/q1/results").json()
            assert [place["party"] for place in found["places"]] == ["user/bob"]
        assert view(host)["last"]["outcome"] == outcome
        assert server.delete("/v1/parties/user/host").status_code == 200
        last = server.get("/v1/rooms/r1/quizzes/q1").json()
    assert (last["title"], last["last"]["text"], last["last"]["outcome"]) == ("", "", outcome)
