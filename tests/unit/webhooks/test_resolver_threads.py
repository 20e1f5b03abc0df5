"""Looking names up does not keep a server from stopping."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from trunkline.edges.webhooks.resolver import SystemResolver


def test_a_lookup_that_hangs_keeps_no_loop_from_ending() -> None:
    asked, release = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        asked.set()
        release.wait(20)
        return []

    async def main() -> None:
        task = asyncio.create_task(SystemResolver(hang).resolve("example.com"))
        await asyncio.to_thread(asked.wait, 5)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    begun_s = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun_s < 10
    release.set()


async def test_names_and_addresses_are_found_and_nonsense_is_an_error() -> None:
    found = await SystemResolver().resolve("127.0.0.1", 443)
    assert [(result["host"], result["port"], result["family"]) for result in found] == [
        ("127.0.0.1", 443, socket.AF_INET)
    ]
    with pytest.raises(OSError):
        await SystemResolver().resolve("a" * 70 + ".invalid")
