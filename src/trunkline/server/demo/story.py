"""What the demo does, step by step, and what it prints."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from trunkline.client.tokens import mint_token
from trunkline.domain.history import FinalLog, Verdict, check_history
from trunkline.domain.identity import direct_conversation_id
from trunkline.server.config import Config
from trunkline.server.demo.hints import by_hand
from trunkline.server.demo.process import ServerProcess
from trunkline.server.demo.serving import Stage
from trunkline.server.demo.witness import Witness
from trunkline.server.operator import run_operation
from trunkline.wire.calls.apps import AppCreate, AppCreated
from trunkline.wire.calls.messages import History, HistoryGet
from trunkline.wire.entries import EntryView

GROUP_SIZE = 50
OFFLINE_MESSAGES = 200
LOAD_PER_SENDER = 150
SENDERS = 20
CALL_S = 3


class Story:
    """One run of the demo.

    Args:
        config: where the data goes and on which port.
        once: end with the result instead of serving on.
        stage: the site that is served afterwards.
        told: tell the story; otherwise only the site is served.
    """

    def __init__(self, config: Config, stage: Stage, *, once: bool, told: bool = True) -> None:
        self._config = config
        self._once = once
        self._stage = stage
        self._told = told
        self._witnesses: dict[str, Witness] = {}
        self._found: dict[str, object] = {}
        directory = config.directory.absolute()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._server = ServerProcess(directory, config.server.port, directory.parent / f"{directory.name}.log")

    def run(self, report: Callable[[dict[str, object]], None] = lambda _result: None) -> int:
        """Run it; 0 when nothing was lost, doubled or reordered, and the call connected.

        Args:
            report: given what was found, once it is known.
        """
        with _step("Create an app and an API key"):
            request = AppCreate("Demo")
            made = run_operation(self._config, "app.create", "/v1/admin/apps", "POST", request, AppCreated)
        clean = True
        try:
            if self._told:
                clean = self._tell(made)
                report({"ok": clean, **self._found})
            if not self._once:
                self._serve(made)
        except KeyboardInterrupt:
            print()
        finally:
            self._server.stop()
            self._stage.clean()
        return 0 if clean else 1

    def _tell(self, made: AppCreated) -> bool:
        with _step(f"Start the server on {self._server.url}"):
            took_s = self._server.start()
        print(f"    ready after {took_s:.2f} s")
        try:
            clean = asyncio.run(self._chat(made))
        finally:
            self._server.stop()
        return clean

    def _serve(self, made: AppCreated) -> None:
        self._server = self._stage.server(made.key)
        self._server.start()
        print(by_hand(made.key, self._stage.url, self._stage.certificate), flush=True)
        self._stage.explain()
        print("\nServing; press Ctrl-C to stop.", flush=True)
        asyncio.run(self._stage.play(self._server, made.key))

    async def _chat(self, made: AppCreated) -> bool:
        with tempfile.TemporaryDirectory(prefix="trunkline-demo-") as folder:
            return await self._chat_in(made, Path(folder))

    async def _chat_in(self, made: AppCreated, folder: Path) -> bool:
        names = ["user/alice", "user/bob", *(f"user/member-{i:02}" for i in range(1, GROUP_SIZE - 1))]
        with _step(f"Mint {GROUP_SIZE} tokens offline and sign {GROUP_SIZE} real clients in"):
            for party in names:
                token = mint_token(made.key.key, made.key.secret, party, ttl_s=86_400)
                store = folder / f"{party.replace('/', '-')}.db"
                self._witnesses[party] = Witness(self._server.url, token, party, store)
            await asyncio.gather(*(witness.come_online() for witness in self._witnesses.values()))
        alice, bob = self._witnesses["user/alice"], self._witnesses["user/bob"]

        with _step("Alice and Bob talk, one to one"):
            direct = direct_conversation_id("user/alice", "user/bob")
            for _ in range(10):
                await alice.say("user/bob", direct)
                await bob.say("user/alice", direct)
            await asyncio.gather(alice.seen(direct, 21), bob.seen(direct, 21))

        with _step(f"Alice makes a group of {GROUP_SIZE}; everyone says hello"):
            made_group = await alice.client.groups.create(name="Demo", members=names[1:])
            group = made_group.conversation
            await asyncio.gather(*(witness.say(group, group) for witness in self._witnesses.values()))
            await self._all_seen(group, 1 + GROUP_SIZE)

        away = self._witnesses["user/member-01"]
        with _step(f"A member goes offline, returns {OFFLINE_MESSAGES} messages later and has them all, in order"):
            await away.go_offline()
            for _ in range(OFFLINE_MESSAGES // 10):
                await asyncio.gather(*(alice.say(group, group) for _ in range(10)))
            await away.come_online()
            await away.seen(group, 1 + GROUP_SIZE + OFFLINE_MESSAGES)

        began_s = time.monotonic()
        latencies_before = {party: len(witness.latencies_s) for party, witness in self._witnesses.items()}
        with _step("The server is killed with SIGKILL under load, and restarted"):
            restart_s = await self._crash_under_load(names[:SENDERS], group)
        elapsed_s = time.monotonic() - began_s
        print(f"    ready again {restart_s:.2f} s after the restart began")

        with _step("Read the log back and check every client's history against it"):
            verdict = await self._judge([direct, group])
        latencies = sorted(
            latency
            for party, witness in self._witnesses.items()
            for latency in witness.latencies_s[latencies_before[party] :]
        )
        rate = len(latencies) / elapsed_s
        self._found |= {
            "lost": verdict.lost,
            "duplicated": verdict.duplicated,
            "reordered": verdict.reordered,
            "accepted": verdict.accepted,
            "deliveries": verdict.deliveries,
            "violations": {name: str(found) for name, found in verdict.violations.items()},
            "restart_s": round(restart_s, 3),
            "messages_per_s": round(rate),
            "ack_p50_ms": _at_ms(latencies, 50),
            "ack_p99_ms": _at_ms(latencies, 99),
        }
        print(
            f"\n  lost {verdict.lost}, duplicated {verdict.duplicated}, reordered {verdict.reordered} "
            f"of {verdict.accepted} accepted messages ({verdict.deliveries} deliveries)\n"
            f"  under load, crash included: {rate:,.0f} messages/s, to {GROUP_SIZE} members each; "
            f"acknowledged as durable after p50 {_ms(latencies, 50)}, p99 {_ms(latencies, 99)}"
        )
        for name, found in verdict.violations.items():
            print(f"  violated {name}: {found}")
        called = await self._call(group)
        await asyncio.gather(*(witness.go_offline() for witness in self._witnesses.values()))
        return verdict.clean and called

    async def _call(self, group: str) -> bool:
        """Two members call each other in the group's live session; whether each heard and saw the other."""
        if find_spec("livekit.rtc") is None:
            print("\n  no call: the LiveKit client library is not installed (pip install 'trunkline[demo]')")
            return True
        from trunkline.server.demo.call import hold_call

        print()
        with _step(f"Alice and Bob call each other in the group's live session, for {CALL_S} s"):
            people = [self._witnesses[party] for party in ("user/alice", "user/bob")]
            joined = await asyncio.gather(*(person.client.live.join(group) for person in people))
            got = await hold_call([(place.url, place.token) for place in joined], CALL_S)
        self._found["call"] = [
            {
                "audio_frames": reception.audio_frames,
                "loudness": round(reception.loudness),
                "video_frames": reception.video_frames,
                "first_s": round(reception.first_s, 3),
                "complete": reception.complete,
            }
            for reception in got
        ]
        for person, other, reception in zip(("Alice", "Bob"), ("Bob", "Alice"), got, strict=True):
            width, height = reception.size
            print(
                f"  {person} got of {other}: {reception.audio_frames} frames of sound, "
                f"loudness {reception.loudness:.0f} of 32767; {reception.video_frames} pictures of {width}x{height}; "
                + (f"the first after {reception.first_s:.2f} s" if reception.complete else "NOT COMPLETE")
            )
        return all(reception.complete for reception in got)

    async def _crash_under_load(self, parties: list[str], group: str) -> float:
        async def load(witness: Witness) -> None:
            for _ in range(LOAD_PER_SENDER // 5):
                await asyncio.gather(*(witness.say(group, group) for _ in range(5)))

        tasks = [asyncio.create_task(load(self._witnesses[party])) for party in parties]
        total = sum(len(w.latencies_s) for w in self._witnesses.values())
        while sum(len(w.latencies_s) for w in self._witnesses.values()) < total + SENDERS * LOAD_PER_SENDER // 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self._server.kill()
        restart_s = await asyncio.get_running_loop().run_in_executor(None, self._server.start)
        await asyncio.gather(*tasks)
        head = max(w.last.get(group, 0) for w in self._witnesses.values())
        await self._all_seen(group, head)
        return restart_s

    async def _all_seen(self, conversation: str, seq: int) -> None:
        await asyncio.gather(*(witness.seen(conversation, seq) for witness in self._witnesses.values()))

    async def _judge(self, conversations: list[str]) -> Verdict:
        """Read the final logs from the server and check every history against them."""
        alice = self._witnesses["user/alice"]
        logs = []
        for conversation in conversations:
            entries: list[EntryView] = []
            while len(entries) < alice.last[conversation]:
                request = HistoryGet(conversation=conversation, from_seq=len(entries) + 1, limit=500)
                entries += (await alice.client.call("history.get", request, History)).entries
            rows = [(e.seq, str(e.content["text"]) if e.type == "text" else None) for e in entries]
            logs.append(FinalLog(conversation, rows, epochs=[(entries[0].epoch, 1)]))
        events = [event for witness in self._witnesses.values() for event in witness.events]
        return check_history(events, logs)


@contextmanager
def _step(text: str) -> Iterator[None]:
    print(f"• {text} ...", end="" if sys.stdout.isatty() else "\n", flush=True)
    began_s = time.monotonic()
    yield
    print(f" done in {time.monotonic() - began_s:.2f} s" if sys.stdout.isatty() else "    done", flush=True)


def _at_ms(sorted_s: list[float], percent: int) -> float | None:
    return round(statistics.quantiles(sorted_s, n=100)[percent - 1] * 1000, 1) if len(sorted_s) > 1 else None


def _ms(sorted_s: list[float], percent: int) -> str:
    at_ms = _at_ms(sorted_s, percent)
    return "-" if at_ms is None else f"{at_ms:.1f} ms"
