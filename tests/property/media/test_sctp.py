"""Two associations over a bad network: what is reliable arrives once and in order; what is not never arrives twice."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trunkline.protocol.sctp import Association, Channels
from trunkline.protocol.sctp.association import Closed, Established, MessageReceived
from trunkline.protocol.sctp.channels import ChannelClosed, ChannelMessage, ChannelOpened
from trunkline.protocol.sctp.chunks import Chunk, Kind, packet, parse


class Network:
    """Two associations, and packets that are lost, doubled and delayed by a seed."""

    def __init__(self, seed: int, loss: float, *, both_connect: bool = False) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.now_s = 1000.0
        self.ends = [
            Association(tag=seed % 1000 + 1 + side, first_tsn=0xFFFFFFF0 + side, cookie=bytes((side, 7)) * 4)
            for side in (0, 1)
        ]
        self.events: list[list[object]] = [[], []]
        self.under_way: list[tuple[float, int, int, bytes]] = []
        self.count = 0
        self.ends[0].connect(self.now_s)
        if both_connect:
            self.ends[1].connect(self.now_s)

    def pump(self) -> None:
        for side, end in enumerate(self.ends):
            for data in end.take_packets(self.now_s):
                assert len(data) <= 1160
                for _ in range(2 if self.random.random() < self.loss / 4 else 1):
                    if self.random.random() >= self.loss:
                        self.count += 1
                        delay_s = 0.02 + self.random.random() * (0.05 if self.loss else 0.0)
                        heapq.heappush(self.under_way, (self.now_s + delay_s, self.count, 1 - side, data))
            self.events[side].extend(end.take_events())

    def run(self, until_s: float = 600.0) -> None:
        """Until nothing is to be done, or the time is over."""
        end_s = self.now_s + until_s
        while True:
            self.pump()
            due = [time_s for end in self.ends if (time_s := end.timeout_s) is not None]
            due += [self.under_way[0][0]] if self.under_way else []
            if not due or min(due) > end_s:
                return
            self.now_s = max(self.now_s, min(due))
            while self.under_way and self.under_way[0][0] <= self.now_s:
                _, _, side, data = heapq.heappop(self.under_way)
                self.ends[side].receive(data, self.now_s)
            for end in self.ends:
                if (time_s := end.timeout_s) is not None and time_s <= self.now_s:
                    end.handle_timeout(self.now_s)

    def never_came_up(self) -> bool:
        """Whether every try to connect was lost, as happens to one in a thousand where a third of all packets are."""
        return any(Established() not in events and any(isinstance(e, Closed) for e in events) for events in self.events)

    def messages(self, side: int) -> list[tuple[int, bytes]]:
        return [(e.stream, e.data) for e in self.events[side] if isinstance(e, MessageReceived)]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9000)), min_size=1, max_size=40),
    both=st.booleans(),
)
def test_reliable_messages_arrive_once_and_in_order(
    seed: int, loss: float, sizes: list[tuple[int, int]], both: bool
) -> None:
    network = Network(seed, loss, both_connect=both)
    rand = random.Random(seed)
    sent: dict[int, list[bytes]] = {}
    for stream, size in sizes:
        data = rand.randbytes(size)
        sent.setdefault(stream, []).append(data)
        network.ends[0].send(stream, 53, data, network.now_s)
        network.ends[1].send(stream, 53, data, network.now_s)
    network.run()
    assume(not (loss and network.never_came_up()))
    for side in (0, 1):
        assert network.events[side].count(Established()) == 1
        received: dict[int, list[bytes]] = {}
        for stream, data in network.messages(side):
            received.setdefault(stream, []).append(data)
        assert received == sent
        assert network.ends[side].buffered_bytes == 0


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.05, 0.3]),
    ordered=st.booleans(),
    retransmits=st.integers(0, 2),
    sizes=st.lists(st.integers(4, 5000), min_size=1, max_size=60),
)
def test_unreliable_messages_never_arrive_twice_and_never_block_others(
    seed: int, loss: float, ordered: bool, retransmits: int, sizes: list[int]
) -> None:
    network = Network(seed, loss)
    network.run(5.0)
    for number, size in enumerate(sizes):
        data = number.to_bytes(4, "big") + bytes(size - 4)
        network.ends[0].send(1, 53, data, network.now_s, ordered=ordered, max_retransmits=retransmits)
        network.ends[0].send(2, 53, data, network.now_s)
        network.run(0.05)
    network.run()
    assume(not network.never_came_up())
    numbers = [int.from_bytes(data[:4], "big") for stream, data in network.messages(1) if stream == 1]
    assert len(numbers) == len(set(numbers))
    if ordered:
        assert numbers == sorted(numbers)
    reliable = [int.from_bytes(data[:4], "big") for stream, data in network.messages(1) if stream == 2]
    assert reliable == list(range(len(sizes)))
    assert network.ends[0].buffered_bytes == 0


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(200_000, 250_000))
def test_a_large_message_passes_many_windows(seed: int, size: int) -> None:
    network = Network(seed, 0.02)
    data = random.Random(seed).randbytes(size)
    network.ends[0].send(0, 53, data, network.now_s)
    network.run()
    assert network.messages(1) == [(0, data)]


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_any_chunk_from_an_authenticated_peer_is_survived(value: bytes, kind: int, flags: int) -> None:
    network = Network(5, 0.0)
    network.run()
    victim = network.ends[1]
    victim.receive(value, network.now_s)
    victim.receive(packet(7, [Chunk(kind, flags, value)]), network.now_s)
    victim.take_packets(network.now_s)
    if kind not in (Kind.ABORT, Kind.SHUTDOWN_ACK, Kind.SHUTDOWN_COMPLETE):
        assert not any(isinstance(event, Closed) for event in victim.take_events())


def test_another_tag_or_a_damaged_packet_changes_nothing() -> None:
    network = Network(1, 0.0)
    network.run()
    tag, _ = parse(packet(3, [Chunk(Kind.ABORT)]))
    assert tag == 3
    damaged = bytearray(packet(3, [Chunk(Kind.ABORT)]))
    damaged[-1] ^= 1
    for data in (packet(99, [Chunk(Kind.ABORT)]), bytes(damaged), b"", b"\0" * 16):
        network.ends[1].receive(data, network.now_s)
    network.ends[0].send(0, 53, b"still here", network.now_s)
    network.run()
    assert network.messages(1) == [(0, b"still here")]


def test_a_message_beyond_the_limit_ends_the_association() -> None:
    network = Network(1, 0.0)
    network.run()
    network.ends[0].send(0, 53, bytes(300_000), network.now_s)
    network.run(60.0)
    assert [type(e) for e in network.events[1] if isinstance(e, Closed)] == [Closed]
    assert network.messages(1) == []


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_channels_open_carry_and_close(loss: float) -> None:
    network = Network(11, loss)
    ours, theirs = Channels(network.ends[0], even=True), Channels(network.ends[1])
    reliable = ours.open("_reliable", network.now_s)
    lossy = ours.open("_lossy", network.now_s, ordered=False, max_retransmits=0)
    ours.send(reliable, b"", network.now_s, text=True)
    ours.send(reliable, b"two", network.now_s)
    seen: list[object] = []

    def settle() -> None:
        for _ in range(4):
            network.run()
            for side, channels in ((0, ours), (1, theirs)):
                events, network.events[side] = network.events[side], []
                for event in events:
                    found = channels.on_event(event, network.now_s)  # type: ignore[arg-type]
                    if side == 1:
                        seen.extend(found)

    settle()
    opened = [e.channel for e in seen if isinstance(e, ChannelOpened)]
    assert sorted((c.label, c.ordered, c.max_retransmits) for c in opened) == [
        ("_lossy", False, 0),
        ("_reliable", True, None),
    ]
    assert [(e.data, e.text) for e in seen if isinstance(e, ChannelMessage)] == [(b"", True), (b"two", False)]
    assert reliable.acknowledged and lossy.acknowledged
    seen.clear()
    ours.close(reliable)
    settle()
    assert [e.channel.label for e in seen if isinstance(e, ChannelClosed)] == ["_reliable"]
    again = ours.open("again", network.now_s)
    ours.send(again, b"x", network.now_s)
    settle()
    assert [e.data for e in seen if isinstance(e, ChannelMessage)] == [b"x"]


def test_a_peer_that_vanishes_is_given_up() -> None:
    network = Network(1, 0.0)
    network.run()
    network.loss = 1.0
    network.ends[0].send(0, 53, b"anybody?", network.now_s)
    network.run(3600.0)
    assert any(isinstance(event, Closed) for event in network.events[0])
