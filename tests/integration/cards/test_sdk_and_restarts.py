"""Cards through the SDK: without a connection, across crashes of either side, on several devices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.cards.acts import ACTIONS, EXAMPLES, PACKET, POLL
from tests.integration.sdk.conftest import QUICK, until
from trunkline.client import Client, RequestFailed
from trunkline.wire.calls.conversations import GroupCreate

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "server", config={"limits": {"link_rate": 0}}) as running:
        await running.create_app("cards")
        yield running


def client(process: ServerProcess, party: str, **settings: Any) -> Client:
    return Client(process.url, lambda: process.token(party), options=QUICK, **settings)


async def group(owner: Client, *members: str) -> str:
    await owner.call("group.create", GroupCreate(id="g", members=list(members)), dict)
    return "g"


async def shown(device: Client, seq: int) -> None:
    """Wait until a card is on a device."""
    await until(lambda: device.cards.local("g", seq) is not None)


async def test_actions_without_a_connection_show_at_once_and_converge(process: ServerProcess, tmp_path: Path) -> None:
    store = tmp_path / "b.db"
    async with client(process, "user/a") as a, client(process, "user/b", device="tablet") as tablet:
        await a.online()
        await group(a, "user/b")
        poll = (await a.cards.create("g", "poll", POLL)).seq
        todo = (await a.cards.create("g", "todo", EXAMPLES["todo"])).seq
        async with client(process, "user/b", device="phone", store=store) as phone:
            await phone.online()
            await shown(phone, todo)
            await process.kill()
            phone.cards.act_nowait("g", poll, "vote", {"choices": [0]})
            phone.cards.act_nowait("g", poll, "vote", {"choices": [1]})
            phone.cards.act_nowait("g", todo, "add", {"item": "v", "text": "Visa"})
            last = phone.cards.act_nowait("g", todo, "check", {"item": "v"})
            await last.persisted()
            here = phone.cards.local("g", poll)
            assert here is not None
            assert (here.summary, here.on_their_way) == ({"votes": [0, 1], "voters": 1}, 2)
            assert here.confirmed.fields == {}
            assert phone.unsent("g") == [], "actions are no messages"
        async with client(process, "user/b", device="phone", store=store) as phone:
            again = phone.cards.local("g", todo)
            assert again is not None, "it is shown after a restart too"
            assert [(item["item"], item["done"]) for item in again.summary["items"]] == [("t", False), ("v", True)]
            await process.start()
            for device in (a, phone, tablet):
                await until(partial(_settled, device, poll, {"votes": [0, 1], "voters": 1}))
                await until(partial(_settled, device, todo, again.summary))
            for seq in (poll, todo):
                truth = (await a.cards.get("g", seq)).state
                states = [device.cards.local("g", seq) for device in (a, phone, tablet)]
                assert all(one is not None and one.confirmed == truth for one in states)


def _settled(device: Client, seq: int, summary: dict[str, Any]) -> bool:
    here = device.cards.local("g", seq)
    return here is not None and here.on_their_way == 0 and here.summary == summary and here.state == here.confirmed


async def test_what_is_refused_is_shown_no_more_and_a_claim_tells_its_amount(process: ServerProcess) -> None:
    async with client(process, "user/a") as a, client(process, "user/b") as b:
        await a.online()
        await group(a, "user/b")
        await b.online()
        seq = (await a.cards.create("g", "approval", {"title": "Leave", "approvers": ["user/a", "user/b"]})).seq
        await shown(b, seq)
        early = b.cards.act_nowait("g", seq, "decide", {"decision": "approve"})
        here = b.cards.local("g", seq)
        assert here is not None
        assert here.summary["decisions"] == {"user/b": "approve"}
        with pytest.raises(RequestFailed) as refused:
            await early
        assert refused.value.name == "not_your_turn"
        here = b.cards.local("g", seq)
        assert here is not None
        assert (here.summary["decisions"], here.on_their_way) == ({}, 0)
        packet = (await a.cards.create("g", "red_packet", {**PACKET, "shares": 1})).seq
        done = await b.cards.act("g", packet, "claim")
        assert done.event is not None
        assert done.event["amount"] == PACKET["amount"]
        again = await b.cards.act("g", packet, "claim")
        assert (again.seq, again.repeated) == (done.seq, True)
        with pytest.raises(RequestFailed) as late:
            await a.cards.act("g", packet, "claim")
        assert late.value.name == "card_closed"
        await until(lambda: _settled(b, packet, {**_all_claimed("user/b"), "refunded": 0}))
        page = await a.cards.list("g", open_only=True)
        assert [card.seq for card in page.cards] == [seq]
        message = await a.send("g", "an act in between keeps messages in order")
        assert message.seq > done.seq


def _all_claimed(party: str) -> dict[str, Any]:
    amount = PACKET["amount"]
    return {"claims": {party: amount}, "claimed": amount, "left": {"amount": 0, "shares": 0}}


async def test_cards_of_every_kind_are_the_same_after_a_kill(process: ServerProcess) -> None:
    async with client(process, "user/a") as a, client(process, "user/b") as b, client(process, "user/c") as c:
        await a.online()
        await group(a, "user/b", "user/c")
        people = {"user/a": a, "user/b": b, "user/c": c}
        seqs = {}
        for kind, data in EXAMPLES.items():
            seqs[kind] = (await a.cards.create("g", kind, data, closes_in_ms=3_600_000)).seq
            for party, action, value in ACTIONS[kind]:
                await people[party].cards.act("g", seqs[kind], action, value)
        before = [msgspec.to_builtins(await a.cards.get("g", seq)) for seq in seqs.values()]
        for _ in range(2):
            await process.restart()
            assert [msgspec.to_builtins(await a.cards.get("g", seq)) for seq in seqs.values()] == before
        won = (await b.cards.act("g", seqs["red_packet"], "claim")).event
        assert won is not None, "who claimed before the kill is told the same"
        assert won["amount"] == before[list(seqs).index("red_packet")]["summary"]["claims"]["user/b"]


async def test_a_deadline_that_passes_while_the_server_is_down_is_kept(process: ServerProcess) -> None:
    async with client(process, "user/a") as a, client(process, "user/b") as b:
        await a.online()
        await group(a, "user/b")
        packet = (await a.cards.create("g", "red_packet", PACKET, closes_in_ms=700)).seq
        won = await b.cards.act("g", packet, "claim")
        ends_at_ms = (await a.cards.get("g", packet)).closes_at_ms
        assert ends_at_ms - 700 <= won.at_ms <= ends_at_ms
        await process.restart()
        await until(lambda: bool((here := a.cards.local("g", packet)) and here.closed))
        here = a.cards.local("g", packet)
        assert here is not None
        assert won.event is not None
        assert (here.closed, here.summary["refunded"]) == ("expired", PACKET["amount"] - won.event["amount"])
        assert here.confirmed.cells("refund")[""].at_ms >= ends_at_ms


async def test_an_erasure_empties_cards_on_devices_as_on_the_server(process: ServerProcess) -> None:
    async with client(process, "user/a") as a, client(process, "user/b") as b:
        await a.online()
        await group(a, "user/b")
        poll = (await a.cards.create("g", "poll", POLL)).seq
        todo = (await a.cards.create("g", "todo", EXAMPLES["todo"])).seq
        own = (await b.cards.create("g", "todo", {"title": "plover"})).seq
        packet = (await b.cards.create("g", "red_packet", {**PACKET, "greeting": "plover"})).seq
        await b.cards.act("g", poll, "vote", {"choices": [0]})
        await a.cards.act("g", poll, "vote", {"choices": [1]})
        await b.cards.act("g", todo, "add", {"item": "x", "text": "plover"})
        claimed = (await b.cards.act("g", packet, "claim")).event
        assert claimed is not None
        await until(lambda: (card := a.cards.local("g", packet)) and card.summary["claimed"] == claimed["amount"])
        async with httpx.AsyncClient(base_url=process.url, auth=(process.key, process.secret)) as server:
            assert (await server.delete("/v1/parties/user/b")).status_code == 200
        await until(lambda: (card := a.cards.local("g", poll)) and card.summary["voters"] == 1)
        async with client(process, "user/a", device="new") as late:
            await late.online()
            await shown(late, packet)
            await until(lambda: (card := late.cards.local("g", packet)) and card.summary.get("claimed"))
            for device in (a, late):
                for seq in (poll, todo, own, packet):
                    here, truth = device.cards.local("g", seq), await a.cards.get("g", seq)
                    assert here is not None
                    assert "plover" not in str(here)
                    assert (here.data or {}, here.summary) == (truth.data, truth.summary)
            assert "plover" not in str(late.local_history("g")) + str(a.local_history("g"))


async def test_a_card_in_a_room_goes_on_through_a_kill(process: ServerProcess) -> None:
    async with client(process, "user/host") as host, client(process, "user/viewer") as viewer:
        await host.rooms.create("show", name="Friday")
        async with await host.rooms.join("show") as stage, await viewer.rooms.join("show") as seat:
            packet = (await stage.put_card("red_packet", {**PACKET, "shares": 2})).seq
            first = await seat.act(packet, "claim")
            await process.restart()
            again = await seat.act(packet, "claim")
            assert (again.seq, again.repeated, again.event) == (first.seq, True, _without_left(first.event))
            await stage.act(packet, "claim")
            ended = await seat.card(packet)
            assert (ended.closed, ended.summary["claimed"]) == ("finished", PACKET["amount"])
            async for message in stage:
                if message.type == "card.changed" and message.content.get("closes"):
                    assert (message.sender, message.target) == ("user/host", packet)
                    break


def _without_left(event: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (event or {}).items() if name != "left"}
