"""LiveKit's library for Node meets the Python one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.live.person import Person, live_token, until
from tests.integration.rest.running import App

pytestmark = pytest.mark.timeout(120)
CLIENT = Path(__file__).with_name("node_client.mjs")


async def test_node_and_python_hear_and_message_each_other(app: App) -> None:
    bob = await Person("bob").join(app, "room")
    await bob.speak()
    url = app.server.url.replace("http", "ws", 1)
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec(
        "node",
        str(CLIENT),
        url,
        live_token(app, "node", "room"),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=CLIENT.parent,
    )
    told: list[dict[str, Any]] = []

    async def read() -> None:
        assert node.stdout is not None
        async for line in node.stdout:
            if line.startswith(b"{"):
                told.append(json.loads(line))

    reading = asyncio.create_task(read())
    try:
        await until(_any(told, lambda said: said.get("joined") == "node"), "node joins", 30)
        await until(lambda: bob.hears("node").loudness > 4000, "bob hears node", 30)
        await until(
            _any(told, lambda said: said.get("heard") == "bob" and said["loudness"] > 4000), "node hears bob", 30
        )
        await until(lambda: any(m[:2] == ("node", b"hello from node") for m in bob.messages), "bob has a message")
        await bob.room.local_participant.publish_data(b"hello from python", reliable=True)
        await until(_any(told, lambda said: said.get("message") == "hello from python"), "node has a message")
    finally:
        assert node.stdin is not None
        node.stdin.close()
        await asyncio.wait_for(node.wait(), 20)
        await reading
        await bob.leave()


def _any(told: list[dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> Callable[[], bool]:
    return lambda: any(holds(said) for said in told)
