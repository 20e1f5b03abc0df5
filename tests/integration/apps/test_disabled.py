"""A disabled app: its connections end, nothing of it is let in, and enabling it makes everything work again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import App, Running, serving
from tests.integration.sdk.conftest import QUICK, until
from trunkline.base.errors import Code
from trunkline.client import Client, ClientState


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def server(directory: Path) -> Iterator[Running]:
    with serving(directory) as running:
        yield running


def greeted(app: App, party: str) -> WireClient:
    client = WireClient(app.server.url)
    try:
        client.call("hello", token=app.token(party), device="d1")
    except BaseException:
        client.socket.close()
        raise
    return client


def command(directory: Path, *arguments: str, port: str = "0") -> Any:
    """The JSON that a `trunkline app` command prints."""
    shared = ("--data", str(directory / "data"), "--port", port, "--json")
    ran = subprocess.run(
        [sys.executable, "-m", "trunkline.server.cli", "app", *arguments, *shared],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=15,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_live_sockets_close_within_a_second_and_only_those_of_the_app(server: Running) -> None:
    app, other = server.create_app("ours"), server.create_app("other")
    with greeted(app, "user/ann") as ann, greeted(app, "user/bob") as bob, greeted(other, "user/ann") as foreign:
        with server.operator() as operator:
            began_s = time.monotonic()
            assert operator.put(f"/v1/admin/apps/{app.id}/disabled").status_code == 200
        for client in (ann, bob):
            assert client.closed() == Code.APP_DISABLED.close_code == 4214
        assert time.monotonic() - began_s < 1.0
        assert foreign.call("block.list") == {"blocked": []}
        with pytest.raises(Refused) as caught:
            greeted(app, "user/ann")
        assert (caught.value.code, caught.value.error["name"]) == (2014, "app_disabled")


def test_the_commands_work_while_the_server_runs_and_while_it_does_not(directory: Path) -> None:
    with serving(directory) as server:
        app = server.create_app()
        port = server.url.rpartition(":")[2]
        assert command(directory, "disable", app.id, port=port)["disabled"] is True
        with app.acting() as ours:
            assert ours.get("/v1/keys").json()["name"] == "app_disabled"
    assert command(directory, "list")["apps"][0]["disabled"] is True
    assert "disabled" not in command(directory, "enable", app.id)
    with serving(directory) as server:
        app.server = server
        with app.acting() as ours:
            assert ours.get("/v1/keys").status_code == 200
        with greeted(app, "user/ann") as ann:
            assert ann.call("block.list") == {"blocked": []}


async def test_a_client_comes_back_by_itself_once_the_app_is_enabled(server: Running) -> None:
    app = server.create_app()
    path = f"/v1/admin/apps/{app.id}/disabled"
    with server.operator() as operator:
        async with Client(server.url, lambda: app.token("user/ann"), options=QUICK) as ann:
            await ann.online()
            operator.put(path).raise_for_status()
            await until(lambda: ann.state is not ClientState.ONLINE)
            sending = ann.send_nowait("user/bob", "written while shut out")
            operator.delete(path).raise_for_status()
            assert (await sending).seq == 2
