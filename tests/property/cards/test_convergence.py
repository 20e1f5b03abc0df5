"""Five devices with partitions, lost answers and repeated requests: all end at the server's state.

The devices run the SDK's own store, apply and outbox code, the server its own services on a journal and an index; only
the network between them is a list of moves that Hypothesis makes up.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.cards.acts import ACTIONS, EXAMPLES
from tests.integration.identity.world import Disk, World
from tests.support.memory_directory import memory_directory
from trunkline.base.errors import TrunklineError
from trunkline.client.applying import Applier
from trunkline.client.calls.cards import LocalCard, local_card
from trunkline.client.lane import request_of
from trunkline.client.store import LocalStore, OutboxRow, SendStatus
from trunkline.crypto.draws import CardSecrets
from trunkline.domain.cards.card import Actor, Card
from trunkline.domain.cards.registry import CARD_KINDS
from trunkline.domain.identity import Caller
from trunkline.protocol.cards.foreseen import foresee
from trunkline.protocol.cards.merges import apply_all
from trunkline.services.cards.acting import Acting
from trunkline.services.cards.people import CardSender
from trunkline.services.cards.reading import CardReader
from trunkline.services.cards.states import CardStates
from trunkline.services.messages.history import Reader
from trunkline.wire import entries as types
from trunkline.wire.calls.cards import CardAct, CardCreate, CardGet, CardView
from trunkline.wire.calls.conversations import GroupCreate
from trunkline.wire.calls.messages import HistoryGet
from trunkline.wire.cards import CardState

DEVICES = 5
PARTIES = ("user/a", "user/a", "user/b", "user/c", "user/d")
"""Of each device: the first two belong to one party."""
KINDS = ("poll", "todo", "custom", "event", "form", "approval", "red_packet")
DATA = EXAMPLES | {"form": {**EXAMPLES["form"], "final": True}}

_choice = st.sampled_from
_item = _choice(["t", "x", "y"])
_custom_op = st.one_of(
    st.builds(lambda v: {"field": "cups", "value": v}, st.integers(1, 9)),
    st.builds(lambda v: {"field": "taken_by", "value": v}, _choice(["me", "you"])),
    st.builds(lambda k, v: {"field": "tags", "key": k, "value": v}, _choice(["hot", "big"]), st.booleans()),
)
ACTS: dict[str, st.SearchStrategy[tuple[str, dict[str, Any]]]] = {
    "poll": st.tuples(st.just("vote"), st.builds(lambda c: {"choices": c}, st.lists(st.integers(0, 2), max_size=2))),
    "todo": st.one_of(
        st.tuples(st.just("add"), st.builds(lambda i, t: {"item": i, "text": t}, _item, _choice(["one", "two"]))),
        st.tuples(st.just("check"), st.builds(lambda i, d: {"item": i, "done": d}, _item, st.booleans())),
        st.tuples(st.just("edit"), st.builds(lambda i, t: {"item": i, "text": t}, _item, _choice(["new", "old"]))),
        st.tuples(st.just("remove"), st.builds(lambda i: {"item": i}, _item)),
    ),
    "custom": st.tuples(st.just("apply"), st.builds(lambda ops: {"ops": ops}, st.lists(_custom_op, max_size=3))),
    "event": st.tuples(
        st.just("rsvp"),
        st.builds(lambda a, g: {"answer": a, "guests": g}, _choice(["yes", "no"]), st.integers(0, 2)),
    ),
    "form": st.tuples(st.just("submit"), st.builds(lambda s: {"answers": {"size": s}}, _choice(["S", "M", "XL"]))),
    "approval": st.tuples(
        st.just("decide"), st.builds(lambda d: {"decision": d}, _choice(["approve", "approve", "reject"]))
    ),
    "red_packet": st.just(("claim", {})),
}


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """What happens: actions on devices, syncs that reach the server or lose the answers, and the server forgetting."""
    made: list[tuple[Any, ...]] = []
    for _ in range(draw(st.integers(4, 30))):
        device = draw(st.integers(0, DEVICES - 1))
        what = draw(_choice(["act", "act", "act", "sync", "sync", "push", "lost", "forget"]))
        if what == "act":
            kind = draw(_choice(KINDS))
            close = draw(st.integers(0, 24)) == 0
            made.append((what, device, kind, *(("close", {}) if close else draw(ACTS[kind]))))
        else:
            made.append((what, device))
    return made


class Device:
    """The SDK's store and apply code, and an outbox that is sent when the network allows."""

    def __init__(self, number: int) -> None:
        self.party = PARTIES[number]
        self.store = LocalStore(":memory:", f"device-{number}")
        with self.store.database.transaction(durable=True):
            self.store.database.put("party", self.party)
        self.applier = Applier(self.store, None)
        self.caller = Caller("a_1", self.party, self.store.device, key="k")

    def write(self, conversation: str, seq: int, action: str, value: dict[str, Any]) -> None:
        """What ``cards.act`` does before it is sent."""
        row = OutboxRow(
            outbox=self.store.outbox_id,
            n=self.store.take_n(),
            conversation=conversation,
            recipient="",
            type=types.CARD_CHANGED,
            content=msgspec.msgpack.encode({"seq": seq, "action": action, "value": value}),
            created_at_ms=1,
        )
        with self.store.database.transaction(durable=True):
            self.store.outbox.add([row])

    async def send(self, server: Server, *, answered: bool) -> None:
        """Send what is pending, oldest first, and hear of it or not."""
        for row in self.store.outbox.with_status(SendStatus.PENDING):
            _, params = request_of(row, 0)
            try:
                done = await server.act(self.caller, msgspec.convert(params, CardAct))
            except TrunklineError as refused:
                if answered:
                    with self.store.database.transaction(durable=False):
                        self.store.outbox.mark_refused(row.id, refused.code.number, "")
            else:
                if answered:
                    with self.store.database.transaction(durable=False):
                        self.store.outbox.mark_sent(row.id, row.conversation, done)

    async def receive(self, server: Server, *, pushed: bool) -> None:
        """Apply what is new: as pushes bring it, or as history does, with the present state on it."""
        row = self.store.conversations.get("g")
        entries = await server.entries(self.caller, (row.last or 0) + 1 if row is not None else 1)
        for entry in entries:
            if pushed:
                entry.now = None
        self.applier.apply(entries)

    def card(self, seq: int) -> LocalCard:
        """A card as the device shows it."""
        found = local_card(self.store, "g", seq)
        assert found is not None
        return found


class Server:
    """The services behind the operations on cards."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states = CardStates(world.engine, max_cards=2)
        self.acting = Acting(world.engine, CardSender(world.engine), self.states, CardSecrets(b"k" * 32))
        self.reader = CardReader(world.engine, self.acting)
        self.seqs: dict[str, int] = {}

    async def begin(self) -> None:
        """A group with one card of every kind."""
        maker = Caller("a_1", "user/a", "phone", key="k")
        members = ["user/b", "user/c", "user/d"]
        await self.world.durable(self.world.groups.create(maker, GroupCreate(id="g", members=members)))
        for kind in KINDS:
            request = CardCreate(kind=kind, data=DATA[kind], conversation="g")
            self.seqs[kind] = (await self.world.durable(self.acting.create(maker, request))).seq

    async def act(self, caller: Caller, request: CardAct) -> int:
        """Where the action took effect."""
        return (await self.world.durable(self.acting.act(caller, request))).seq

    async def entries(self, caller: Caller, first: int) -> list[Any]:
        """Entries from a seq on."""
        request = HistoryGet(conversation="g", from_seq=first, limit=500)
        return (await Reader(self.world.engine).history(caller, request)).entries

    async def card(self, kind: str) -> CardView:
        """A card as the server shows it."""
        caller = Caller("a_1", "user/d", "phone", key="k")
        return await self.reader.get(caller, CardGet("g", self.seqs[kind]))


async def play(made: list[tuple[Any, ...]]) -> None:
    """Make the moves, let everybody meet, and compare."""
    with memory_directory() as directory:
        disk = Disk(Path(directory))
        devices = [Device(number) for number in range(DEVICES)]
        async with disk.open() as world:
            server = Server(world)
            await server.begin()
            for device in devices:
                await device.receive(server, pushed=True)
            for move in made:
                device = devices[move[1]]
                if move[0] == "act":
                    device.write("g", server.seqs[move[2]], *move[3:])
                elif move[0] == "lost":
                    await device.send(server, answered=False)
                elif move[0] == "forget":
                    server.states.forget("a_1")
                else:
                    await device.send(server, answered=True)
                    await device.receive(server, pushed=move[0] == "push")
            for device in devices:
                await device.send(server, answered=True)
            for device in devices:
                await device.receive(server, pushed=device is devices[0])
            before = {kind: await server.card(kind) for kind in KINDS}
            for kind, view in before.items():
                kept = server.states.get("a_1", "g", view.seq)
                assert kept is None or kept.card.state == view.state, "what decides is what is read"
                for device in devices:
                    shown = device.card(view.seq)
                    assert shown.confirmed == view.state, (kind, device.store.device)
                    assert (shown.state, shown.on_their_way) == (shown.confirmed, 0)
                    assert (shown.summary, shown.closed) == (view.summary, view.closed)
            _check_packet(before["red_packet"])
            await world.everything_projected()
            assert {kind: await server.card(kind) for kind in KINDS} == before, "the index says what the tail said"
        for device in devices:
            device.store.close()


def _check_packet(view: CardView) -> None:
    summary = view.summary
    assert summary["claimed"] + summary["refunded"] + summary["left"]["amount"] == DATA["red_packet"]["amount"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(moves())
def test_devices_with_partitions_end_at_the_state_of_the_server(made: list[tuple[Any, ...]]) -> None:
    asyncio.run(play(made))


def test_what_a_device_foresees_is_what_the_server_decides() -> None:
    compared = 0
    for kind, steps in ACTIONS.items():
        data = EXAMPLES[kind]
        card = Card(kind, CARD_KINDS[kind].read(data), "user/a", 1, 0, 0)
        for seq, (party, action, value) in enumerate(steps, 2):
            foreseen = foresee(kind, data, card.state, party, action, value)
            decided = CARD_KINDS[kind].act(card, Actor(party, party, 1, False, 1), action, value, 7)
            if kind == "red_packet":
                assert foreseen == [], "nobody foresees a share"
            else:
                assert foreseen == [op for op in decided.ops if op.field not in ("outcome", "closed")]
                compared += 1
            apply_all(card.state, decided.ops, seq=seq, at_ms=1, by=party)
    assert compared == 12


def test_foreseeing_takes_anything() -> None:
    for kind in ("tarot", *EXAMPLES):
        for data in (None, {}, EXAMPLES.get(kind)):
            for action in (
                "vote",
                "rsvp",
                "update",
                "add",
                "edit",
                "check",
                "remove",
                "decide",
                "submit",
                "apply",
                "x",
            ):
                for value in (None, {}, {"ops": [{"field": 3}]}, {"choices": 5}, {"item": None, "latitude": "x"}):
                    assert isinstance(foresee(kind, data, CardState(), "user/a", action, value), list)
