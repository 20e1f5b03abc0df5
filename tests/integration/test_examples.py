"""The examples run as a reader would run them: as programs, against a real server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.integration.rest.running import App, serving

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with serving(tmp_path) as server:
        yield server.create_app()


@contextmanager
def running(example: str, directory: Path, app: App, party: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Starts an example in a directory of its own; kills it, hard, at the end of the block."""
    directory.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLES / example)],
        cwd=directory,
        env=os.environ | {"TRUNKLINE_URL": app.server.url, "TRUNKLINE_TOKEN": app.token(party)} | more,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def say(app: App, sender: str, to: str, text: str) -> None:
    with app.acting(sender) as client:
        answer = client.post("/v1/messages", json={"to": to, "content": {"text": text}})
    assert answer.status_code == 201, answer.text


def test_hello_sends_prints_what_arrives_and_goes_on_after_a_kill(app: App, tmp_path: Path) -> None:
    home = tmp_path / "ann"
    with running("hello.py", home, app, "user/ann") as hello:
        first = line(hello)
        assert first.startswith("on the server's disk as number ")
        # Its own message comes back too: every device of a party sees the whole conversation.
        assert line(hello) == "user/ann Hello, Bob"
        say(app, "user/bob", "user/ann", "Hello, Ann")
        assert line(hello) == "user/bob Hello, Ann"

    say(app, "user/bob", "user/ann", "Are you there?")
    with running("hello.py", home, app, "user/ann") as hello:
        second = line(hello)
        assert int(second.rsplit(" ", 1)[1]) == int(first.rsplit(" ", 1)[1]) + 3
        seen = [line(hello)]
        # The last message before the kill may be printed again; the missed one must come, in its place.
        if seen == ["user/bob Hello, Ann"]:
            seen = [line(hello)]
        assert [*seen, line(hello)] == ["user/bob Are you there?", "user/ann Hello, Bob"]


def test_the_live_room_prints_what_is_said_counts_likes_and_ends_with_the_room(app: App, tmp_path: Path) -> None:
    with running("live_room.py", tmp_path / "ann", app, "user/ann") as show:
        assert line(show) == "in Friday show as host"
        assert line(show).startswith("on the server's disk as number ")
        assert line(show) == "user/ann Hello, everyone"
        with running("live_room.py", tmp_path / "bob", app, "user/bob") as viewer, app.acting() as server:
            assert line(viewer) == "in Friday show as audience"
            assert line(show) == "user/bob Hello, everyone"
            for _ in range(3):
                liked = server.post("/v1/rooms/show/messages", json={"type": "x.like", "content": {}})
                assert liked.status_code == 201, liked.text
            while (said := line(show)) != "likes: 3":
                assert said.startswith("likes: "), said
            assert server.delete("/v1/rooms/show").status_code == 200
            assert line(show) == "the room is over: closed"


def test_the_host_of_a_room_sees_gifts_counts_and_puts_out_who_misbehaves(app: App, tmp_path: Path) -> None:
    with running("room_host.py", tmp_path / "ann", app, "user/ann") as host, app.acting() as server:
        assert line(host) == "the microphone is taken: version_conflict"
        assert line(host) == "announced: Who is next?"
        at = "/v1/rooms/stage/messages"
        for order, quantity in (("o1", 2), ("o2", 1), ("o1", 2)):
            gift = {"order": order, "gift": "rose", "quantity": quantity, "amount": 50}
            assert server.post(at, json={"type": "gift", "content": gift}).status_code in (200, 201)
        assert line(host) == "bot/system gave 2 rose in a row; 100 in all"
        assert line(host).startswith("gifts received, sent, dropped: ")
        assert line(host) == "bot/system gave 3 rose in a row; 150 in all"
        assert line(host).startswith("gifts received, sent, dropped: ")
        spam = {"type": "danmaku", "content": {"text": "spam"}}
        assert server.post(at, json=spam).status_code == 201
        assert line(host) == "bot/system says spam"
        assert line(host) == "put out bot/system"
        assert server.delete("/v1/rooms/stage").status_code == 200
        assert line(host) == "the room is over: closed"


def test_search_finds_what_it_was_asked_for_and_marks_it(tmp_path: Path) -> None:
    with serving(tmp_path, SEARCH__ENABLED="true") as server:
        app = server.create_app()
        environment = os.environ | {"TRUNKLINE_URL": server.url, "TRUNKLINE_TOKEN": app.token("user/ann")}

        def found(*words: str) -> list[str]:
            command = [sys.executable, str(EXAMPLES / "search.py"), *words]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
            return ran.stdout.splitlines()

        assert found() == ["2 user/ann A quick [brown] [fox]"]
        assert found("周五") == ["7 user/ann 会议改到[周五]", "4 user/ann 会议改到[周五]"]


def test_the_quiz_is_played_until_somebody_has_won(app: App, tmp_path: Path) -> None:
    with app.acting() as server:
        assert server.post("/v1/rooms", json={"id": "show"}).status_code == 201
        with running("quiz.py", tmp_path / "ann", app, "user/ann") as ann:
            assert line(ann) == "in the room"
            at = "/v1/rooms/show/quizzes"
            assert server.post(at, json={"quiz": "q1"}).status_code == 201
            for number, correct in ((1, 0), (2, 1), (3, 0)):
                question = {"question": number, "text": "Well?", "options": ["a", "b"], "correct": [correct]}
                assert server.post(f"{at}/q1/questions", json=question | {"answer_ms": 60_000}).status_code == 201
                assert line(ann) == f"{number}. Well? a / b"
                assert line(ann) == (
                    "it does not count: eliminated" if number == 3 else "answered a after less than 10 s"
                )
                assert server.post(f"{at}/q1/questions/{number}/close").status_code == 200
                assert line(ann) == f"right: [{correct}] I am {'in' if number == 1 else 'out'}"
            assert server.post(f"{at}/q1/end").status_code == 200
            assert line(ann) == "won by []"


def test_a_file_is_sent_and_goes_on_after_a_kill(app: App, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("only words")
    environment = os.environ | {"TRUNKLINE_URL": app.server.url, "TRUNKLINE_TOKEN": app.token("user/ann")}
    command = [sys.executable, "-u", str(EXAMPLES / "send_file.py"), "user/bob", str(path)]
    nowhere = environment | {"TRUNKLINE_URL": "http://127.0.0.1:9"}
    with subprocess.Popen(command, cwd=tmp_path, env=nowhere) as process:
        deadline_s = time.monotonic() + 20
        while not kept(tmp_path / "files.db"):
            assert time.monotonic() < deadline_s
        process.kill()
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=40, check=True
    ).stdout.splitlines()
    assert ran[0] == "going on with what was begun"
    assert ran[-2] == "words.txt: 10 of 10 bytes"
    assert ran[-1].startswith("on the server's disk as number ")


def kept(store: Path) -> bool:
    """Whether an upload is in the store of a client that runs; its file is locked, so its log is looked into."""
    log = store.with_name(store.name + "-wal")
    return log.exists() and b"words.txt" in log.read_bytes()


def test_every_example_has_a_test() -> None:
    tested = Path(__file__).read_text()
    assert all(f'"{example.name}"' in tested for example in EXAMPLES.glob("*.py"))


def test_threads_answers_in_the_thread_it_was_named_in(app: App, tmp_path: Path) -> None:
    with app.acting("user/ann") as ann:
        made = ann.post("/v1/groups", json={"id": "team", "members": ["bot/helper"]})
        assert made.status_code == 201, made.text
        with running("threads.py", tmp_path / "bot", app, "bot/helper") as bot:
            assert line(bot) == "ready"
            root = ann.post("/v1/conversations/team/messages", json={"content": {"text": "deploy?"}}).json()["seq"]
            question = {"content": {"text": "status"}, "thread": root, "mentions": ["bot/helper"]}
            assert ann.post("/v1/conversations/team/messages", json=question).status_code == 201
            assert line(bot) == f"answered in the thread of {root}, which has 2 replies"
        replies = ann.get(f"/v1/conversations/team/threads/{root}/replies").json()["entries"]
        assert [entry["content"]["text"] for entry in replies] == ["status", "You asked: status"]


def test_broadcast_sends_plans_and_cancels(app: App) -> None:
    environment = {"TRUNKLINE_URL": app.server.url, "TRUNKLINE_KEY": app.key, "TRUNKLINE_SECRET": app.secret}
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "broadcast.py")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    first, second, third = ran.stdout.splitlines()
    assert first == "sent as number 2"
    assert second.endswith(" is scheduled") and third == "cancelled: cancelled"
    with app.as_client("user/ann") as ann:
        (view,) = ann.get("/v1/sync").json()["conversations"]
    assert (view["conversation"], view["unread"]) == ("news", 1)


def test_the_cards_example_tells_of_votes_and_of_what_to_settle(app: App, tmp_path: Path) -> None:
    with running("cards.py", tmp_path / "ann", app, "user/ann") as cards, app.as_client("user/bob") as bob:
        _, poll, _, _, _, gift, _, conversation = line(cards).split()
        assert line(cards) == "votes: {'Noodles': 1, 'Pizza': 0}"
        where = f"/v1/conversations/{conversation}/cards"
        voted = bob.post(f"{where}/{poll}/actions", json={"action": "vote", "value": {"choices": [1]}})
        assert voted.status_code == 200, voted.text
        assert line(cards) == "votes: {'Noodles': 1, 'Pizza': 1}"
        assert bob.post(f"{where}/{gift}/actions", json={"action": "claim"}).status_code == 200
        settled = line(cards)
        assert settled.startswith("to settle: ")
        assert "'party': 'user/bob'" in settled
        assert "'amount': 888" in settled


def test_community_makes_channels_and_speaks(app: App, tmp_path: Path) -> None:
    with running("community.py", tmp_path / "ann", app, "user/ann") as community:
        assert [line(community) for _ in range(3)] == ["said as number 2", "Lobby 0", "Office 0"]
    with app.acting("user/ann") as ann:
        channels = ann.get("/v1/communities/club").json()["channels"]
    assert [channel["id"] for channel in channels] == ["lobby", "office"]


def test_webhooks_takes_each_message_once_and_decides_about_them(tmp_path: Path) -> None:
    loopback = {"WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8", "WEBHOOKS__ALLOW_HTTP": "true"}
    quick = {"WEBHOOKS__FIRST_RETRY_S": "0.05", "WEBHOOKS__LONGEST_RETRY_S": "0.2"}
    with serving(tmp_path, **loopback, **quick) as server:
        app, home, port = server.create_app(), tmp_path / "app", free_port()
        keys = {"TRUNKLINE_KEY": app.key, "TRUNKLINE_SECRET": app.secret, "PORT": str(port)}
        with (
            app.acting() as system,
            app.as_client("user/ann") as ann,
            running("webhooks.py", home, app, "user/x", **keys) as receiver,
        ):

            def send(text: str) -> httpx.Response:
                return ann.post("/v1/messages", json={"to": "user/bob", "content": {"text": text}})

            assert line(receiver) == "ready"
            sent = send("Hello")
            assert sent.status_code == 201, sent.text
            where = f"user/ann in {sent.json()['conversation']} said"
            assert line(receiver) == f"{where} Hello"
            refused = send("The best casino").json()
            assert (refused["name"], "advertising" in refused["detail"]) == ("hook_rejected", True)
            assert send("My password is blue").status_code == 201
            assert line(receiver) == f"{where} My ******** is blue"
            assert httpx.post(f"http://127.0.0.1:{port}/events", json={"id": "evt_forged"}).status_code == 401

        # Everything again from the beginning, to a receiver that starts anew: it knows what it has taken.
        with running("webhooks.py", home, app, "user/x", **keys) as receiver, app.acting() as system:
            assert line(receiver) == "ready"
            (events,) = [hook for hook in system.get("/v1/webhooks").json()["webhooks"] if hook["mode"] == "after"]
            replayed = system.post(f"/v1/webhooks/{events['webhook']}/replay", json={"lsn": 1})
            assert replayed.status_code == 200, replayed.text
            say(app, "user/bob", "user/ann", "Bye")
            # Events of a conversation come in order, so the repeated ones were there before this one.
            assert line(receiver) == f"{where.replace('ann', 'bob', 1)} Bye"
            backlog = system.get(f"/v1/webhooks/{events['webhook']}/backlog").json()
            assert backlog["delivered"] >= 4
