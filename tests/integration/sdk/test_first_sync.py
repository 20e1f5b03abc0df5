"""Entries that arrive before the first sync has ended are kept like all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.running import serving
from tests.integration.sdk.conftest import QUICK, until
from trunkline.client import Client, ClientState
from trunkline.client.receiving import Receiver


async def test_a_client_that_ends_before_its_first_sync_does_not_start_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resyncs: list[Any] = []
    file = tmp_path / "bob.db"
    with serving(tmp_path) as server:
        app = server.create_app()
        url, token = server.url, app.token("user/bob")
        async with Client(url, app.token("user/ann"), options=QUICK) as ann:
            with monkeypatch.context() as patch:
                patch.setattr(Receiver, "sync", lambda receiver: None)  # as if its answer never came
                async with Client(url, token, file, options=QUICK, on_resync=resyncs.append) as first:
                    await until(lambda: first.state is ClientState.SYNCING)
                    await ann.send("user/bob", "early")
                    await until(lambda: len(first.local_history("user/ann")) == 2)
            await ann.send("user/bob", "late")
            async with Client(url, token, file, options=QUICK, on_resync=resyncs.append) as second:
                await second.online()
                held = [entry.content["text"] for entry in second.local_history("user/ann") if entry.type == "text"]
                assert held == ["early", "late"]
    assert resyncs == []
