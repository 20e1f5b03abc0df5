"""The chaos proxy does what it says, so that a scenario that passes behind it has passed something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.chaos_proxy import ChaosProxy, Faults, Policy

pytestmark = pytest.mark.asyncio

DATA = bytes(range(256)) * 40


class EchoServer:
    """Echoes, and keeps what each connection sent and how it ended."""

    def __init__(self) -> None:
        self.received: list[bytearray] = []
        self.ended: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = bytearray()
        self.received.append(mine)
        try:
            while data := await reader.read(65_536):
                mine += data
                writer.write(data)
                await writer.drain()
            self.ended.append("fin")
        except ConnectionError:
            self.ended.append("rst")
        finally:
            writer.close()


@asynccontextmanager
async def echo() -> AsyncIterator[EchoServer]:
    state = EchoServer()
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        await asyncio.wait_for(server.wait_closed(), 5)


async def until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def read_all(reader: asyncio.StreamReader) -> tuple[bytes, str]:
    """Read to the end; says how the end came."""
    got = bytearray()
    try:
        while data := await asyncio.wait_for(reader.read(65_536), 5):
            got += data
    except ConnectionError:
        return bytes(got), "rst"
    return bytes(got), "fin"


async def exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    return await asyncio.wait_for(reader.readexactly(size), 5)


async def elapsed_s(work: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await work
    return loop.time() - start


@pytest.mark.parametrize(
    "faults",
    [Faults(), Faults(piece_bytes=7), Faults(delay_s=0.01, jitter_s=0.03), Faults(piece_bytes=300, jitter_s=0.01)],
)
async def test_bytes_come_through_whole_and_in_order(faults: Faults) -> None:
    async with echo() as server, ChaosProxy(server.port, seed=3) as proxy:
        proxy.policy = Policy(to_server=faults, to_client=faults)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(DATA)
        assert await exactly(reader, len(DATA)) == DATA
        assert bytes(server.received[0]) == DATA
        writer.close()
        await until(lambda: server.ended == ["fin"])


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("size", [0, 1, 100, 9_999])
async def test_the_cut_comes_after_exactly_n_bytes_to_the_server(size: int, reset: bool) -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        proxy.policy = Policy(to_server=Faults(cut_after_bytes=size), reset=reset)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(DATA)
        await read_all(reader)
        await until(lambda: len(server.ended) == 1)
        assert bytes(server.received[0]) == DATA[:size]
        assert proxy.alive == []
        writer.close()


@pytest.mark.parametrize("size", [0, 1, 100, 9_999])
async def test_the_cut_comes_after_exactly_n_bytes_to_the_client(size: int) -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        proxy.policy = Policy(to_client=Faults(cut_after_bytes=size))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(DATA)
        got, _ = await read_all(reader)
        assert got == DATA[:size]
        writer.close()


async def test_a_cut_by_rst_is_seen_as_one() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await exactly(reader, 1)
        assert proxy.cut_all(reset=True) == 1
        assert (await read_all(reader))[1] == "rst"
        await until(lambda: server.ended == ["rst"])
        writer.close()


async def test_an_orderly_cut_is_seen_as_one() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await exactly(reader, 1)
        assert proxy.cut_all(reset=False) == 1
        assert (await read_all(reader))[1] == "fin"
        await until(lambda: server.ended == ["fin"])
        writer.close()


async def test_a_stalled_direction_is_half_open() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"before")
        assert await exactly(reader, 6) == b"before"
        proxy.alive[0].stall("to_client")
        writer.write(b"during")
        await until(lambda: bytes(server.received[0]) == b"beforeduring")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        proxy.alive[0].release("to_client")
        assert await exactly(reader, 6) == b"during"
        writer.close()


async def test_a_stall_hides_the_close_of_the_other_side() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await exactly(reader, 1)
        proxy.stall_all()
        writer.close()
        await asyncio.sleep(0.1)
        assert server.ended == []
        proxy.release_all()
        await until(lambda: len(server.ended) == 1)


async def test_a_dead_clients_last_bytes_arrive_late() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await exactly(reader, 1)
        old = proxy.alive[0]
        old.stall("to_server")
        writer.write(b"late")
        await until(lambda: old.held("to_server") == 4)
        old.abandon_client()
        assert (await read_all(reader))[1] == "rst"
        reader2, writer2 = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer2.write(b"new")
        assert await exactly(reader2, 3) == b"new"
        assert bytes(server.received[0]) == b"x"
        old.release("to_server")
        await until(lambda: bytes(server.received[0]) == b"xlate")
        writer.close()
        writer2.close()


async def test_delay_is_latency_and_not_rate() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        proxy.policy = Policy(to_server=Faults(delay_s=0.1))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        async def ten_pieces() -> None:
            for _ in range(10):
                writer.write(b"x")
                await asyncio.sleep(0.005)
            await exactly(reader, 10)

        took_s = await elapsed_s(ten_pieces())
        assert 0.1 <= took_s < 0.6
        writer.close()


async def test_the_rate_is_limited() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        proxy.policy = Policy(to_client=Faults(bytes_per_s=50_000))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(DATA)
        assert await elapsed_s(exactly(reader, len(DATA))) > 0.15
        writer.close()


async def test_refusal_and_an_absent_server_are_resets() -> None:
    async with echo() as server, ChaosProxy(server.port) as proxy:
        proxy.policy = Policy(refuse=True)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await read_all(reader) == (b"", "rst")
        writer.close()
        proxy.policy = Policy()
        proxy.target_port = 1
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await read_all(reader) == (b"", "rst")
        writer.close()
        assert proxy.alive == []
        assert server.received == []


async def test_a_seed_repeats_its_faults() -> None:
    chosen: list[list[int]] = []
    for _ in range(2):
        sizes: list[int] = []

        def pick(number: int, rng: object, sizes: list[int] = sizes) -> Policy:
            size = rng.randrange(1_000)  # type: ignore[attr-defined]
            sizes.append(size)
            return Policy(to_client=Faults(cut_after_bytes=size))

        async with echo() as server, ChaosProxy(server.port, seed=11) as proxy:
            proxy.policy = pick
            for _ in range(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                writer.write(DATA)
                assert (await read_all(reader))[0] == DATA[: sizes[-1]]
                writer.close()
        chosen.append(sizes)
    assert chosen[0] == chosen[1]
    assert len(set(chosen[0])) > 1
