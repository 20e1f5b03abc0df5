"""When connections tick: what is due, no more often than every 20 ms, ten times a second where nothing is."""

from __future__ import annotations

import asyncio
import time

import pytest

from trunkline.media.sfu.host import CALM_TICK_S, TICK_S, Host


class Ticking:
    """A connection that counts."""

    listens = False

    def __init__(self, host: Host, *, hurries: bool) -> None:
        self.host = host
        self.hurries = hurries
        self.due_s = 0.0
        self.ticks = 0
        self.enough = asyncio.Event()

    def tick(self, now_s: float, ntp: int) -> None:
        self.ticks += 1
        self.due_s = 0.0 if self.hurries else now_s + CALM_TICK_S
        if self.hurries:
            self.host.hurry()
        if self.ticks == (20 if self.hurries else 4):
            self.enough.set()

    def listen(self) -> None:
        raise AssertionError("it publishes no sound")

    def tell_needs(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("hurries", "least_s"), [(True, 18 * TICK_S), (False, 3 * CALM_TICK_S)])
def test_ticks_are_never_closer_than_they_should_be(hurries: bool, least_s: float) -> None:
    """Hurrying while it ticked began a second row of ticks, and each of those another."""

    async def run() -> float:
        host = Host(("127.0.0.1",), lambda _now_s: None)
        connection = Ticking(host, hurries=hurries)
        host.take(connection)
        begun_s = time.monotonic()
        async with asyncio.timeout(10):
            await connection.enough.wait()
        took_s = time.monotonic() - begun_s
        host.forget(connection)
        return took_s

    assert asyncio.run(run()) >= least_s
