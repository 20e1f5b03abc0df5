"""Overload, slow readers, kills and empty rooms, each on a server of its own."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psutil

from tests.integration.link.acts import refused, until
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, serving
from tests.integration.rooms.acts import SEQ, TYPE, balanced, counts, hear, items, join, room, say, texts, wait_for
from trunkline.base.errors import Code


def greeted(app: App, party: str, device: str = "d1") -> WireClient:
    """A client that has said hello."""
    client = WireClient(app.server.url)
    client.call("hello", token=app.token(party), device=device)
    return client


def pour(client: WireClient, kinds: list[str], each: int, pad: str = "") -> None:
    """Send many messages of each type as fast as replies allow; errors are replies too."""
    waiting = 0
    for number in range(each):
        for kind in kinds:
            content = {"text": f"{kind}{number}{pad}"}
            client.request("room.send", conversation="r1", type=kind, content=content)
            waiting += 1
        while waiting > 60:
            waiting -= client.receive()[0] in (2, 3)
    while waiting:
        waiting -= client.receive()[0] in (2, 3)


def test_beyond_the_budget_samples_are_dropped_and_counted_and_what_is_reliable_is_complete(tmp_path: Path) -> None:
    with serving(tmp_path, LIMITS__LINK_RATE="0") as server:
        app = server.create_app()
        with greeted(app, "user/host") as host, greeted(app, "user/ann") as ann, greeted(app, "user/bob") as bob:
            room(host, messages_per_s=50)
            for client in (host, ann, bob):
                join(client)
            for number in range(10):
                say(ann, f"m{number}")
                pour(ann, ["x.chat", "x.chat", "x.like"], 40)
            pour(bob, ["x.chat"], 20)
            heard = hear(host, "m9")
            assert [t for t in heard if t.startswith("m")] == [f"m{i}" for i in range(10)]

            def settled() -> bool:
                return all(not c.get("pending") for c in counts(host).values())

            until(settled, "everything left")
            found = counts(host)
            assert balanced(found)
            chat = found["x.chat"]
            assert chat["received"] == 820
            assert chat["dropped"] == {"over_budget": 820 - chat["sent"]}
            assert chat["dropped"]["over_budget"] > 300
            assert found["x.say"]["sent"] == 10
            assert found["x.say"].get("dropped", {}) == {}
            assert found["x.like"]["sent"] == 400

            def all_here() -> bool:
                return len([i for i in items(host) if i[TYPE] == "x.chat"]) == int(chat["sent"])

            wait_for(host, all_here)
            shown = [i for i in items(host) if i[TYPE] == "x.like"]
            assert sum(i[5] for i in shown) == 400


def test_reliable_messages_beyond_the_rate_are_refused_and_never_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, LIMITS__LINK_RATE="0") as server:
        app = server.create_app()
        with greeted(app, "user/host") as host:
            room(host, reliable_per_s=50)
            join(host)
            began_s = time.monotonic()
            pour(host, ["x.say"], 300)
            accepted = 50 + 50 * (time.monotonic() - began_s)
            say = counts(host)["x.say"]
            refusals = say["refused"]["room_overloaded"]
            assert say["received"] == 300
            assert refusals >= 300 - accepted
            assert refusals > 0
            hear(host, texts(items(host))[-1] if texts(items(host)) else "x.say0")
            wait_for(host, lambda: len(texts(items(host))) == 300 - refusals)


def test_a_member_that_does_not_read_misses_what_policy_says_and_gets_what_is_reliable_by_asking(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, LIMITS__LINK_RATE="0", ROOMS__BYTES_PER_S="1000000000") as server:
        app = server.create_app()
        process = psutil.Process(server.process.pid)
        with greeted(app, "user/host") as host, greeted(app, "user/slow") as slow:
            room(host, messages_per_s=20_000, reliable_per_s=20_000)
            join(host)
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
            at = join(slow)["room"]["seq"]
            before = process.memory_info().rss
            missed: dict[str, Any] = {}
            for _ in range(40):
                pour(host, ["x.say", "x.chat"], 150, pad="y" * 2000)
                missed = {t: c.get("missed", {}).get("slow_reader", 0) for t, c in counts(host).items()}
                if missed.get("x.say"):
                    break
            assert missed["x.say"] > 0
            assert missed["x.chat"] > 0
            assert process.memory_info().rss - before < 64 * 2**20
            head = say(host, "the last")["seq"]
            got: list[int] = []
            last, position = at, None
            deadline = time.monotonic() + 45
            while last < head and time.monotonic() < deadline:
                slow.receive()
                for event, batch in slow.pushes:
                    if event != "room":
                        continue
                    if batch["prev"] > last:
                        position = last
                        break
                    seqs = [i[SEQ] for i in batch.get("items", []) if i[SEQ] > last]
                    got += seqs
                    last = max(last, batch["seq"])
                slow.pushes.clear()
                if position is not None:
                    break
            assert position is not None, "it never saw the gap"
            while last < head:
                page = slow.call("room.entries", conversation="r1", after=last, limit=500)
                got += [i[SEQ] for i in page["items"]]
                last = page["seq"]
            assert got == list(range(at + 1, head + 1))
            found = counts(host)
            sent = found["x.say"]["sent"]
            assert found["x.say"]["delivered"] + found["x.say"]["missed"]["slow_reader"] == 2 * sent


def test_killed_and_started_again_the_room_has_everything_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[tuple[str, int]] = []
    with contextlib.suppress(AssertionError), serving(tmp_path) as server:
        app = server.create_app()
        with greeted(app, "user/host") as host, greeted(app, "user/ann") as ann:
            room(host, name="Show", attributes="audience")
            join(host), join(ann)
            host.call("room.role", conversation="r1", parties=["user/mod"], role="moderator")
            host.call("room.ban", conversation="r1", parties=["user/bad"], until_ms=2_000_000_000_000)
            ann.call("room.set_attribute", conversation="r1", key="kept", value="v")
            ann.call("room.set_attribute", conversation="r1", key="gone", value="v", auto_delete=True)
            for number in range(30):
                acknowledged.append((f"m{number}", say(ann, f"m{number}", outbox="outbox-1", n=number + 1)["seq"]))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    with serving(tmp_path) as server:
        again = App(server, app.id, app.key, app.secret)
        with greeted(again, "user/ann") as ann, greeted(again, "user/bad") as bad, greeted(again, "user/host") as host:
            joined = join(ann)
            assert joined["room"]["name"] == "Show"
            assert joined["room"]["online"] == 1
            assert [a["key"] for a in joined["attributes"]] == ["kept"]
            refused(Code.BANNED, bad, "room.join", conversation="r1")
            named = {n["party"]: n.get("role") for n in host.call("room.named", conversation="r1")["parties"]}
            assert named == {"user/host": "host", "user/mod": "moderator", "user/bad": "audience"}
            page = ann.call("room.entries", conversation="r1", after=0, limit=500)
            assert [(i[3]["text"], i[SEQ]) for i in page["items"] if i[TYPE] == "x.say"] == acknowledged
            assert say(ann, "m29", outbox="outbox-1", n=30)["seq"] == acknowledged[-1][1]
            assert say(ann, "m30", outbox="outbox-1", n=31)["seq"] == acknowledged[-1][1] + 1


def test_a_room_that_was_empty_for_long_enough_is_closed_unless_it_is_kept_alive(tmp_path: Path) -> None:
    with serving(tmp_path, ROOMS__GRACE_S="0.2", LIMITS__LINK_RATE="0") as server:
        app = server.create_app()
        with greeted(app, "user/host") as host, greeted(app, "user/ann") as ann:
            room(host, "short", close_empty_ms=1500)
            room(host, "kept", close_empty_ms=1500, keep_alive=True)
            join(ann, "short")
            time_in_room = time.monotonic() + 2.5
            until(lambda: time.monotonic() > time_in_room or not ann.call("block.list"), "time passes")
            assert ann.call("room.get", conversation="short")["online"] == 1
            ann.socket.close()
            with greeted(app, "user/bob") as bob:

                def closed() -> bool:
                    with app.acting() as server_client:
                        return server_client.get("/v1/rooms/short").status_code == 410

                until(closed, "the room was closed")
                refused(Code.DISMISSED, bob, "room.join", conversation="short")
                join(bob, "kept")
