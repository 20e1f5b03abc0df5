"""A little application on the SDK that can be killed at any fault point and started again.

It sends the texts m0..m5 to a group, each once, and keeps every entry it is handed: in a table of its own through
``client.transaction``, or by plain callback in a file beside the store. It ends with exit code 0 when it has seen
everything. Arguments: url, token, store, group, "transaction" or "callback", fault point (or "-"), how many hits until
the kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from trunkline.base import faultpoints
from trunkline.base.faultpoints import FaultPoint
from trunkline.client import Client, Options
from trunkline.wire.entries import EntryView

TEXTS = [f"m{i}" for i in range(6)]


def kill_at(point: str, hits: int) -> None:
    """Die as by SIGKILL when the point is reached for the given time."""
    left = hits

    def hook(reached: FaultPoint) -> None:
        nonlocal left
        if reached.value == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    faultpoints.install(hook)


async def run(url: str, token: str, store: str, group: str, mode: str) -> None:
    client: Client
    finished = asyncio.Event()
    notes = Path(store + ".seen")

    def keep(entry: EntryView) -> None:
        if mode == "transaction":
            with client.transaction() as db:
                db.execute("INSERT INTO app_seen (seq) VALUES (?)", (entry.seq,))
        else:
            with notes.open("a") as file:
                file.write(f"{entry.seq}\n")
        if entry.content == {"text": TEXTS[-1]}:
            finished.set()

    def seen() -> list[int]:
        if mode == "callback":
            return [int(line) for line in notes.read_text().split()] if notes.exists() else []
        with client.transaction() as db:
            db.execute("CREATE TABLE IF NOT EXISTS app_seen (seq)")
            return [seq for (seq,) in db.execute("SELECT seq FROM app_seen ORDER BY rowid")]

    options = Options(request_timeout_s=2.0, deliver_every_s=0.01)
    client = Client(url, token, store, options=options, on_entry=keep)
    async with client:
        # What a view would show: history and what is on its way, never a text twice.
        history = client.local_history(group, limit=500)
        shown = [entry.content["text"] for entry in history if entry.type == "text"]
        shown += [row.content_value()["text"] for row in client.unsent(group)]
        assert len(shown) == len(set(shown)), f"a bubble is shown twice: {shown}"
        for text in TEXTS:
            if text not in shown:
                client.send_nowait(group, text)
        known = seen()
        mine = [entry.seq for entry in history if entry.content == {"text": TEXTS[-1]}]
        if not mine or mine[0] not in known:
            await finished.wait()
        await client.online()


if __name__ == "__main__":
    url, token, store, group, mode, point, hits = sys.argv[1:8]
    if point != "-":
        kill_at(point, int(hits))
    asyncio.run(run(url, token, store, group, mode))
