"""A process with one SDK client that kills itself at a fault point: `python -m tests.claims.sdk_child PLAN.json`.

It sends, receives in transactions with its own table, and writes down what it did. What it writes is on disk (or at
least with the kernel) before the next thing happens, so a SIGKILL loses nothing of the history but the unfinished step.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from trunkline.base import faultpoints
from trunkline.base.faultpoints import FaultPoint
from trunkline.client import Client, SendOutcome
from trunkline.domain.history import Event, Invoke, Ok, encode_line
from trunkline.wire.entries import EntryView

NOT_REACHED = 3


class Plan(msgspec.Struct):
    """What one life of the process does. With an empty `point` it drains everything and ends with 0."""

    url: str
    token: str
    dev: str
    device: str
    store: str
    history: str
    persisted: str
    conv: str
    first: int
    sends: int
    epoch: int
    point: str = ""
    number: int = 1


class Child:
    """One life."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ids: dict[tuple[str, int], str] = {}
        self.reached = 0
        self._history = os.open(plan.history, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._persisted = os.open(plan.persisted, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for line in Path(plan.persisted).read_text().splitlines():
            send_id, outbox, n = line.split()
            self.ids[outbox, int(n)] = send_id

    def hook(self, point: FaultPoint) -> None:
        """Die at the planned point."""
        if point.value == self.plan.point:
            self.reached += 1
            if self.reached == self.plan.number:
                os.kill(os.getpid(), signal.SIGKILL)

    def note(self, event: Event) -> None:
        """Write an event down."""
        os.write(self._history, encode_line(event))

    def on_sent(self, outcome: SendOutcome) -> None:
        """An outcome, also of a send of an earlier life."""
        send_id = self.ids.get((outcome.outbox, outcome.n))
        if send_id is not None and outcome.seq:
            self.note(Ok(send_id, outcome.seq, self.plan.epoch, time.monotonic_ns()))

    async def receive(self, client: Client) -> None:
        """Keep every entry in a table of the application, in the transaction that moves past it."""
        async for entry in client.messages(consumer="app"):
            with client.transaction() as db:
                db.execute(
                    "INSERT INTO app_recv (conv, seq, id, epoch, t) VALUES (?, ?, ?, ?, ?)",
                    (entry.conversation, entry.seq, _id_of(entry), entry.epoch, time.monotonic_ns()),
                )

    async def run(self) -> int:
        """Live until killed, or until there is nothing left to do."""
        plan = self.plan
        client = Client(
            plan.url,
            plan.token,
            plan.store,
            device=plan.device,
            on_entry=lambda entry: None,
            on_sent=self.on_sent,
        )
        async with client:
            with client.transaction() as db:
                db.execute("CREATE TABLE IF NOT EXISTS app_recv (conv TEXT, seq INT, id TEXT, epoch INT, t INT)")
            receiving = asyncio.create_task(self.receive(client))
            for k in range(plan.first, plan.first + plan.sends):
                send_id = f"{plan.dev}#{k}"
                self.note(Invoke(plan.dev, plan.conv, send_id, time.monotonic_ns()))
                handle = client.send_nowait(plan.conv, send_id)
                self.ids[handle.outbox, handle.n] = send_id
                await handle.persisted()
                os.write(self._persisted, f"{send_id} {handle.outbox} {handle.n}\n".encode())
            await client.online()
            try:
                async with asyncio.timeout(20):
                    while not await self.is_drained(client):
                        await asyncio.sleep(0.02)
            finally:
                receiving.cancel()
        return NOT_REACHED if plan.point else 0

    async def is_drained(self, client: Client) -> bool:
        """Say whether nothing waits, in either direction."""
        if client.unsent(self.plan.conv):
            return False
        view = await client.conversations.fetch(self.plan.conv)
        with client.transaction() as db:
            (last,) = db.execute("SELECT max(seq) FROM app_recv WHERE conv = ?", (self.plan.conv,)).fetchone()
        return (last or 0) >= view.head


def _id_of(entry: EntryView) -> str | None:
    return str(entry.content["text"]) if entry.type == "text" and isinstance(entry.content, dict) else None


def main() -> int:
    """Read the plan and live it."""
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    child = Child(plan)
    faultpoints.install(child.hook)
    return asyncio.run(child.run())


if __name__ == "__main__":
    sys.exit(main())
