"""The index follows the log through kills and trimming, and says how far it is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.integration.rest.running import Running, serving
from tests.integration.search.finding import ok, page, texts

SEARCHING = {"SEARCH__ENABLED": "true", "SEARCH__INDEX_EVERY_S": "3600"}
"""Only a search has the index look for new messages, so it is behind until then."""


def metric(server: Running, name: str) -> float:
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def send(client: httpx.Client, numbers: range) -> None:
    """Send numbered messages, which are durable then."""
    messages = [{"to": f"user/u{n % 7}", "type": "text", "content": {"text": f"acked 消息 n{n}"}} for n in numbers]
    answer = ok(client.post("/v1/messages/bulk", json={"messages": messages}))
    assert all("sent" in result for result in answer["results"])


def indexed(directory: Path, copy: Path) -> int:
    """Messages in the search index on disk, read from a copy, so that the next start finds what the kill left."""
    copy.mkdir()
    for file in (directory / "data").rglob("search.db*"):
        shutil.copy(file, copy)
    with closing(sqlite3.connect(copy / "search.db")) as db:
        return int(db.execute("SELECT count(*) FROM doc").fetchone()[0])


def leave_behind(server: Running, client: httpx.Client, sent: int) -> int:
    """Have the index catch up, then send until it is behind; how many were sent in all.

    Nothing wakes it after the last search, so it goes to sleep, and what is sent then it does not see.
    """
    page(client, "消息")
    while metric(server, "trunkline_search_index_lag_groups") < 1:
        send(client, range(sent, sent + 10))
        sent += 10
    return sent


@pytest.mark.timeout(120)
def test_an_index_that_was_behind_when_killed_catches_up_and_finds_everything(tmp_path: Path) -> None:
    sent = rounds = rounds_behind = 0
    app = None
    # In every second round the kill comes while the index may be at work; in the others it is left behind. Only in its
    # last step after a search may it still take what was sent since: then the disk says so, and the round is repeated.
    while rounds < 4 or rounds_behind < 2:
        with serving(tmp_path, **SEARCHING) as server:
            if app is None:
                app = server.create_app()
            app.server = server
            with app.acting() as client:
                send(client, range(sent, sent + 50))
                sent += 50
                if rounds % 2:
                    ok(client.get("/v1/messages/search", params={"text": "消息"}))
                    send(client, range(sent, sent + 50))
                    sent += 50
                else:
                    sent = leave_behind(server, client, sent)
            server.process.kill()
            server.process.wait()
        if not rounds % 2:
            rounds_behind += indexed(tmp_path, tmp_path / f"killed-{rounds}") < sent
        rounds += 1
    assert app is not None
    with serving(tmp_path, **SEARCHING) as server:
        app.server = server
        with app.acting() as client:
            assert texts(client, "acked 消息", limit=100) == [f"acked 消息 n{n}" for n in reversed(range(sent))]
        assert metric(server, "trunkline_search_index_lag_groups") == 0
        assert metric(server, "trunkline_search_index_failed") == 0
        assert metric(server, "trunkline_search_seconds_count") >= 3


def test_no_metrics_of_search_where_it_is_switched_off(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        assert "trunkline_search" not in client.get("/metrics").text
