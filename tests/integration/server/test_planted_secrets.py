"""A server meets secrets everywhere; nothing but the answers that must give them, and messages to their readers, do.

Ordinary and failing requests, a dying disk, a damaged index and commands that fail, at the most talkative log level.
"""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.files.uploading import upload
from tests.integration.link.wire_client import BINARY, Closed, Refused, WireClient
from tests.integration.sdk.conftest import until
from tests.integration.server.planted import Planted
from tests.support.webhook_receiver import Receiver
from trunkline.client import mint_token
from trunkline.server.cli import main

pytestmark = pytest.mark.timeout(120)

TEXTS = ("message text", "file content", "group name", "profile name")
"""What readers are shown, and what the data directory is there to hold."""


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def server(directory: Path) -> ServerProcess:
    return ServerProcess(
        directory,
        module="tests.claims.hooked_server",
        arguments=("--eio-file", str(directory / "eio")),
        config={
            "server": {"log_level": "debug"},
            "files": {"min_free_bytes": 0},
            "webhooks": {"allow_networks": ["127.0.0.0/8"], "allow_http": True, "first_retry_s": 0.05},
        },
    )


def shown(planted: Planted, url: str, **how: Any) -> httpx.Client:
    """A client that notes every answer."""
    return httpx.Client(base_url=url, event_hooks={"response": [planted.look_at_answer]}, timeout=15, **how)


def plant_all(planted: Planted, process: ServerProcess, receiver: Receiver) -> dict[str, str]:
    """Make every kind of secret; the answers that give them are not looked at."""
    planted.plant_credentials("API secret", process.key, process.secret)
    for name, suffix in (("master key", ".master.key"), ("admin token", ".admin.token")):
        planted.plant(name, process.data_dir.with_name(process.data_dir.name + suffix).read_text().strip())
    for name in TEXTS:
        planted.plant(name, f"planted {name} Zq7xW4")
    planted.plant("wrong secret", "W7" * 21)
    tokens = {party: planted.plant(f"token of {party}", process.token(party)) for party in ("user/ann", "user/bob")}
    with httpx.Client(base_url=process.url, auth=(process.key, process.secret)) as api:

        def post_twice(path: str, key: str, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            """The answer is remembered in between, which must not put its secret on disk."""
            answers = [api.post(path, json=body, headers={"Idempotency-Key": key}) for _ in range(2)]
            assert [answer.is_success for answer in answers] == [True, True]
            return answers[0].json(), answers[1].json()

        key, key_again = post_twice("/v1/keys", "key")
        hook, hook_again = post_twice("/v1/webhooks", "hook", url=receiver.url())
        turned, turned_again = post_twice(f"/v1/webhooks/{hook['webhook']}/secret", "turned")
        assert (key, hook, turned) == (key_again, hook_again, turned_again)
        assert hook["secret"] != turned["secret"]
        planted.plant_credentials("second API secret", key["key"], key["secret"])
        planted.plant("webhook secret", hook["secret"])
        receiver.secrets["hook"] = planted.plant("turned webhook secret", turned["secret"])

        api.headers["Trunkline-Party"] = "user/ann"
        group = {"id": "team", "name": planted.secrets["group name"].decode(), "members": []}
        assert api.post("/v1/groups", json=group).status_code == 201
        file = upload(api, planted.secrets["file content"] * 3, "notes.txt", filetype="text/plain")
        links = post_twice(f"/v1/files/{file}/links", "link")
        places = post_twice("/v1/conversations/team/live", "place")
        for number in range(2):
            planted.plant(f"link {number}", links[number]["url"].partition("signature=")[2])
            planted.plant(f"live token {number}", places[number]["token"])
    return tokens | {"link": links[0]["url"]}


def ordinary_work(process: ServerProcess, planted: Planted, tokens: dict[str, str]) -> None:
    """What an app and its users do all day; only the logs, the metrics and the files have to be silent about it."""
    text = planted.secrets["message text"].decode()
    with httpx.Client(base_url=process.url, headers={"Authorization": f"Bearer {tokens['user/ann']}"}) as ann:
        assert ann.patch("/v1/profile", json={"name": planted.secrets["profile name"].decode()}).status_code == 200
        for number in range(3):
            content = {"content": {"text": f"{text} {number}"}}
            assert ann.post("/v1/messages", json={"to": "user/bob"} | content).status_code == 201
            assert ann.post("/v1/conversations/team/messages", json=content).status_code == 201
        assert ann.get(tokens["link"]).content == planted.secrets["file content"] * 3
    with WireClient(process.url, "trunkline.v1.msgpack") as bob:
        bob.call("hello", token=tokens["user/bob"], device="d1")
        bob.call("message.send", to="user/ann", type="text", content={"text": text}, n=1)


def failing_requests(process: ServerProcess, planted: Planted, tokens: dict[str, str]) -> None:
    """Secrets in the wrong places: every answer is looked at."""
    token, text = tokens["user/ann"], planted.secrets["message text"].decode()
    expired = planted.plant("expired token", mint_token(process.key, process.secret, "user/x", now_s=time.time() - 9e4))
    other = planted.plant("token with another's secret", mint_token(process.key, "w" * 43, "user/ann"))
    wrong = planted.secrets["wrong secret"].decode()
    authorizations = [
        *(f"Bearer {value}" for value in (expired, other, token[:-3], process.secret, wrong, f"{token}.more")),
        f"Basic {token}",
        f"Digest {token}",
        token,
    ]
    with shown(planted, process.url) as anyone:
        for value in authorizations:
            for path in ("/v1/conversations", "/v1/admin/apps"):
                assert anyone.get(path, headers={"Authorization": value}).status_code == 401
        # Name and secret the wrong way round, and secrets where no credential belongs.
        for pair in ((process.secret, process.key), (process.key, wrong), (process.secret, process.secret)):
            assert anyone.get("/v1/keys", auth=pair).status_code == 401
        for query in ({"token": token}, {"access_token": token}, {"secret": process.secret}):
            assert anyone.get("/v1/conversations", params=query).status_code == 401
        link = tokens["link"]
        assert anyone.get(link.replace("party=", "party=x")).status_code in (401, 403)
        assert anyone.get(link[:-2]).status_code in (400, 401, 403)
    with shown(planted, process.url, headers={"Authorization": f"Bearer {token}"}) as ann:
        for body in (
            f'{{"to": "user/bob", "content": {{"text": "{text}',
            json.dumps({"to": "user/bob", "n": text, "content": {}}),
            json.dumps({"to": {"text": text}, "content": text}),
            json.dumps([text, token]),
            f"\x00{text}",
        ):
            answer = ann.post("/v1/messages", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 422)
        for content in ({"text": text * 4000}, {"text": text}, {"nothing": text}):
            assert ann.post("/v1/conversations/none/messages", json={"content": content}).status_code >= 400
        assert ann.get("/v1/admin/apps").status_code in (401, 403)
        assert ann.get("/v1/nothing/here").status_code == 404
    hellos: list[dict[str, Any]] = [{"token": value} for value in (expired, other, wrong, [token], token)]
    for hello in hellos:
        with WireClient(process.url) as client:
            try:
                client.call("hello", device="d1", **hello)
                client.call("message.send", to=text, type=text, content=text, n=text)
            except Refused as refusal:
                planted.look("link error", json.dumps(refusal.error))
    for payload in (text.encode(), token.encode(), json.dumps([1, 1, token, {}]).encode(), b"\xc1" + text.encode()):
        for opcode in (1, BINARY):
            with WireClient(process.url) as client:
                client.send_frame(payload, opcode)
                try:
                    planted.look("link frame", client.frame()[1])
                except Closed as end:
                    planted.look("close reason", str(end))


def commands(
    process: ServerProcess, planted: Planted, tokens: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that print, and commands that fail, each with what it says on both streams."""
    config, url = ("--config", str(process.config_path)), ("--url", process.url)
    wrong = planted.secrets["wrong secret"].decode()
    secret, token = process.secret, tokens["user/ann"]
    load = ("bench", "--key", process.key, "--seconds", "0.2", "--users", "2", *url)
    runs: tuple[tuple[int, tuple[str, ...]], ...] = (
        (0, ("doctor", *config)),
        (0, ("doctor", "--json", *config)),
        (0, ("doctor", "--health", process.url, "--json")),
        (0, ("serve", "--check", *config)),
        (0, ("serve", "--check", "--json", *config)),
        (0, ("app", "list", *config)),
        (0, ("app", "list", "--json", *config)),
        (2, ("app", "disable", "a_none", *config)),
        (0, (*load, "--json", "--secret", secret)),
        (2, (*load, "--secret", wrong)),
        (1, ("chat", "--token", token[:-3], "--to", "user/bob", *url)),
        (0, ("chat", "--token", token, "--to", "not a party", *url)),
        (1, ("chat", "--key", process.key, "--secret", wrong, "--party", "user/ann", "--to", "user/bob", *url)),
        (2, ("token", "--key", process.key, "--secret", secret, "--party", "no body")),
    )
    capsys.readouterr()
    for expected, arguments in runs:
        status = main([*arguments])
        said = capsys.readouterr()
        planted.look(f"trunkline {arguments[0]}", said.out + said.err)
        assert (arguments[0], status) == (arguments[0], expected), said
        assert said.out or said.err
    # A second server, which has to be a program of its own: it does not start.
    command = [sys.executable, "-m", "trunkline.server.cli", "serve", *config]
    second = subprocess.run(command, capture_output=True, timeout=20, check=False)
    assert second.returncode == 1
    planted.look("trunkline serve", second.stdout + second.stderr)


def damage(process: ServerProcess, planted: Planted) -> None:
    """Take a table away under the running server: the request fails with a trace in the log."""
    with closing(sqlite3.connect(process.data_dir / "index.db", timeout=10)) as db:
        db.execute("ALTER TABLE profile RENAME TO taken_away")
    with shown(planted, process.url, auth=(process.key, process.secret)) as api:
        asked = {"q": planted.secrets["profile name"].decode()}
        assert api.get("/v1/profiles/search", params=asked).status_code == 500


async def test_no_secret_gets_where_it_does_not_belong(
    tmp_path: Path,
    planted: Planted,
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    async with server(tmp_path) as process:
        await process.create_app()
        tokens = await asyncio.to_thread(plant_all, planted, process, receiver)
        failures = [(503, {"echo": planted.secrets["message text"].decode()})]
        receiver.decide = lambda event: failures.pop() if failures else (204, None)
        await asyncio.to_thread(ordinary_work, process, planted, tokens)
        await asyncio.to_thread(failing_requests, process, planted, tokens)
        await until(lambda: len(receiver.events) >= 9)
        await asyncio.to_thread(commands, process, planted, tokens, capsys)
        with shown(planted, process.url) as anyone:
            for path in ("/metrics", "/health/ready", "/health/live", "/v1/openapi.json", "/docs/api"):
                assert anyone.get(path).status_code == 200
        await asyncio.to_thread(damage, process, planted)
        (tmp_path / "eio").touch()
        with shown(planted, process.url, headers={"Authorization": f"Bearer {tokens['user/ann']}"}) as ann:
            lost = {"to": "user/bob", "content": {"text": planted.secrets["message text"].decode()}}
            assert ann.post("/v1/messages", json=lost).status_code >= 500
            assert httpx.get(f"{process.url}/health/ready").status_code == 503
        log = process.log_path.read_text()
        planted.look("log", log)
        assert log.count("\n") > 60, "the log is too short to prove anything"
        assert "Traceback" in log
        await process.terminate()
    planted.look("log at the end", process.log_path.read_bytes())
    assert planted.found() == []
    assert planted.found_in_files(tmp_path / "data", but=TEXTS) == []
