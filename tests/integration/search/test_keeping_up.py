"""The index follows the log through kills and trimming, and says how far it is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration.rest.running import Running, serving
from tests.integration.search.finding import ok, texts

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


@pytest.mark.timeout(120)
def test_an_index_that_was_behind_when_killed_catches_up_and_finds_everything(tmp_path: Path) -> None:
    sent = 0
    app = None
    for _ in range(3):
        with serving(tmp_path, **SEARCHING) as server:
            if app is None:
                app = server.create_app()
            app.server = server
            with app.acting() as client:
                send(client, range(sent, sent + 50))
                # Sets the index to work; the kill comes while it is at it, or before.
                ok(client.get("/v1/messages/search", params={"text": "消息"}))
                send(client, range(sent + 50, sent + 100))
                sent += 100
            assert metric(server, "trunkline_search_index_lag_groups") >= 1
            server.process.kill()
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
