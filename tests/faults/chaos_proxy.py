"""A TCP proxy on loopback that does to connections what bad networks do.

Lives here: delay, jitter, rate, tiny pieces, cuts after an exact number of bytes, stalls of one direction (a half-open
connection), a dead client whose last bytes reach the server later, refusals, and closes by RST. Does not live here:
anything about what the bytes mean.

    async with ChaosProxy(server_port, seed=7) as proxy:
        proxy.policy = Policy(to_client=Faults(delay_s=0.05, jitter_s=0.05))
        ... connect clients to proxy.port ...
        proxy.cut_all()

The policy of a connection is taken when it is made. Faults that are thrown while it lives (`cut`, `stall`, `release`,
`abandon_client`) are methods of `Connection`. All randomness comes from the seed and the number of the connection.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

Direction = Literal["to_server", "to_client"]

_READ_BYTES = 65_536
_QUEUE_PIECES = 256


@dataclass(frozen=True, slots=True)
class Faults:
    """What happens to the bytes of one direction.

    Attributes:
        cut_after_bytes: Forward exactly so many bytes, then close both sides; None for never.
        delay_s: Every byte arrives so much later. It does not limit the rate.
        jitter_s: Up to so much more, at random; the order of bytes is kept, as in TCP.
        bytes_per_s: Limit of the rate; None for no limit.
        piece_bytes: Split into writes of 1 to so many bytes, at random; None to leave writes as they come.
        stalled: Begin with nothing coming through until `Connection.release`.
    """

    cut_after_bytes: int | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float | None = None
    piece_bytes: int | None = None
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to a connection.

    Attributes:
        to_server: Faults of what the client sends.
        to_client: Faults of what the server sends.
        reset: Close by RST, which drops what is in flight, instead of an orderly FIN.
        refuse: Accept and close by RST at once, as if nobody listened.
    """

    to_server: Faults = field(default_factory=Faults)
    to_client: Faults = field(default_factory=Faults)
    reset: bool = True
    refuse: bool = False


PolicyFor = Callable[[int, random.Random], Policy]


class Connection:
    """One proxied connection; made by the proxy."""

    def __init__(self, number: int, policy: Policy, rng: random.Random) -> None:
        self.number = number
        self.policy = policy
        self.forwarded: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self.taken: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self.closed = asyncio.Event()
        self._rng = rng
        self._gates: dict[Direction, asyncio.Event] = {"to_server": asyncio.Event(), "to_client": asyncio.Event()}
        for direction, faults in (("to_server", policy.to_server), ("to_client", policy.to_client)):
            if not faults.stalled:
                self.release(direction)  # type: ignore[arg-type]
        self._client: asyncio.StreamWriter | None = None
        self._server: asyncio.StreamWriter | None = None
        self._abandoned = False

    @property
    def alive(self) -> bool:
        """True until both sides are closed."""
        return not self.closed.is_set()

    def held(self, direction: Direction) -> int:
        """Bytes that came from the one side and have not gone on to the other."""
        return self.taken[direction] - self.forwarded[direction]

    def stall(self, *directions: Direction) -> None:
        """Hold back all bytes of these directions (both when none is named): nothing arrives, nobody is told."""
        for direction in directions or ("to_server", "to_client"):
            self._gates[direction].clear()

    def release(self, *directions: Direction) -> None:
        """Let held bytes go, in order."""
        for direction in directions or ("to_server", "to_client"):
            self._gates[direction].set()

    def cut(self, *, reset: bool | None = None) -> None:
        """Close both sides now; by RST unless the policy or the argument says otherwise."""
        by_reset = self.policy.reset if reset is None else reset
        for writer in (self._client, self._server):
            _close(writer, reset=by_reset)
        self.release()
        self.closed.set()

    def abandon_client(self) -> None:
        """Close the client's side only. What is `held` from it reaches the server on `release("to_server")`.

        Bytes the proxy has not taken in yet die with the connection, so wait for `held` first.
        """
        self._abandoned = True
        self.stall("to_server")
        _close(self._client, reset=True)

    async def run(self, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], target_port: int) -> None:
        """Carry bytes both ways until either side is done."""
        self._client = client[1]
        try:
            server_reader, self._server = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            self.cut(reset=True)
            return
        if self.closed.is_set():
            _close(self._server, reset=True)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry("to_server", client[0], self._server, group))
            group.create_task(self._carry("to_client", server_reader, self._client, group))
        self.cut()

    async def _carry(
        self,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        group: asyncio.TaskGroup,
    ) -> None:
        """Read one direction, and stamp every chunk with the time from which it may go on."""
        faults: Faults = getattr(self.policy, direction)
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUE_PIECES)
        group.create_task(self._deliver(direction, faults, queue, writer))
        loop = asyncio.get_running_loop()
        due_s = 0.0
        while True:
            try:
                data = await reader.read(_READ_BYTES)
            except OSError:
                data = b""
            self.taken[direction] += len(data)
            late_s = faults.delay_s + (self._rng.random() * faults.jitter_s if faults.jitter_s else 0.0)
            due_s = max(due_s, loop.time() + late_s)
            await queue.put((due_s, data))
            if not data:
                return

    async def _deliver(
        self,
        direction: Direction,
        faults: Faults,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
    ) -> None:
        """Write one direction out, with its faults."""
        loop = asyncio.get_running_loop()
        if faults.cut_after_bytes == 0:
            self.cut()
        while True:
            due_s, data = await queue.get()
            if (wait_s := due_s - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            await self._gates[direction].wait()
            if not data:
                if direction == "to_client" and self._abandoned and self.alive:
                    self.cut()
                elif not self._abandoned or direction == "to_server":
                    self.cut(reset=False)
                return
            for piece in self._pieces(faults, data):
                await self._gates[direction].wait()
                if self.closed.is_set():
                    continue  # keep reading, so that the reading side ends by itself
                await self._write(direction, faults, piece, writer)

    async def _write(self, direction: Direction, faults: Faults, piece: bytes, writer: asyncio.StreamWriter) -> None:
        """Write one piece, up to the cut."""
        cut_at = faults.cut_after_bytes
        if cut_at is not None:
            piece = piece[: cut_at - self.forwarded[direction]]
        try:
            if not writer.is_closing():
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        self.forwarded[direction] += len(piece)
        if cut_at is not None and self.forwarded[direction] >= cut_at:
            # What was forwarded must arrive, so the last bytes are flushed by an orderly close of the receiving side.
            _close(writer, reset=False)
            self.cut()
        elif faults.bytes_per_s:
            await asyncio.sleep(len(piece) / faults.bytes_per_s)
        elif faults.piece_bytes is not None:
            await asyncio.sleep(0)

    def _pieces(self, faults: Faults, data: bytes) -> list[bytes]:
        largest = faults.piece_bytes
        if largest is None and faults.bytes_per_s:
            largest = max(1, int(faults.bytes_per_s / 50))  # fifty small writes a second look like a slow line
        if largest is None:
            return [data]
        pieces, start = [], 0
        while start < len(data):
            end = start + self._rng.randint(1, largest)
            pieces.append(data[start:end])
            start = end
        return pieces


class ChaosProxy:
    """Listens on a port of its own and forwards to `target_port`; see the module.

    Args:
        target_port: Where the real server listens; may be changed while the proxy runs.
        seed: Makes all random faults repeatable.
    """

    def __init__(self, target_port: int, *, seed: int = 0) -> None:
        self.target_port = target_port
        self.policy: Policy | PolicyFor = Policy()
        self.port = 0
        self.connections: list[Connection] = []
        self.made = 0
        self.cuts = 0
        self._seed = seed
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def alive(self) -> list[Connection]:
        """Connections that still carry bytes, oldest first."""
        return [connection for connection in self.connections if connection.alive]

    def cut_all(self, *, reset: bool | None = None) -> int:
        """Close every connection; returns how many there were."""
        alive = self.alive
        for connection in alive:
            connection.cut(reset=reset)
        self.cuts += len(alive)
        return len(alive)

    def stall_all(self, *directions: Direction) -> None:
        """Stall every connection there is; new ones are not touched."""
        for connection in self.alive:
            connection.stall(*directions)

    def release_all(self) -> None:
        """Release every stalled connection."""
        for connection in self.alive:
            connection.release()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rng = random.Random(f"{self._seed}/{self.made}")
        policy = self.policy if isinstance(self.policy, Policy) else self.policy(self.made, rng)
        connection = Connection(self.made, policy, rng)
        self.made += 1
        if policy.refuse:
            connection.closed.set()
            _close(writer, reset=True)
            return
        self.connections = [*self.alive, connection]
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await connection.run((reader, writer), self.target_port)
        except asyncio.CancelledError:
            connection.cut(reset=True)
        finally:
            self._tasks.discard(task)


def _close(writer: asyncio.StreamWriter | None, *, reset: bool) -> None:
    """Close a side; an RST is a close with a linger time of zero."""
    if writer is None or writer.is_closing():
        return
    if reset:
        raw = writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
