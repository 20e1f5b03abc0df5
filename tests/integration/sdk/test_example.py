"""The example of the README, run as it is against the real server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.claims.server_process import ServerProcess
from tests.integration.sdk.conftest import take
from trunkline.client import Client

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello.py"


async def test_hello_sends_and_prints_what_arrives(tmp_path: Path):
    async with ServerProcess(tmp_path / "server") as server:
        await server.create_app("hello")
        environment = {
            **os.environ,
            "TRUNKLINE_URL": server.url,
            "TRUNKLINE_TOKEN": server.token("user/ann"),
            "PYTHONUNBUFFERED": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, EXAMPLE, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(15), Client(server.url, server.token("user/bob")) as bob:
                (heard,) = await take(bob.messages(types={"text"}), 1)
                assert (heard.sender, heard.content) == ("user/ann", {"text": "Hello, Bob"})
                await bob.send("user/ann", "Hello, Ann")
                printed = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
        finally:
            process.kill()
            await process.wait()
    assert printed == [
        f"on the server's disk as number {heard.seq}",
        "user/ann Hello, Bob",
        "user/bob Hello, Ann",
    ]
