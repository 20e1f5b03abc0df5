"""The emulated network: a UDP relay that the server names as its address, with an ``Impairer`` per client and way.

Clients are told apart by their address: whoever sends for the first time is the client that is ``expect``ed. It runs in
a process of its own (``python -m bench.losslab.relay SEED``), told what to do by lines of JSON, so that busy clients do
not delay its packets. Not here: what gets lost (``impairment``).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from bench.losslab.impairment import CLEAN, Impairer, Impairment

Address = tuple[str, int]


@dataclass(slots=True)
class Path:
    """What happens between one client and the server.

    Attributes:
        up: client to server.
        down: server to client.
    """

    up: Impairer
    down: Impairer


@dataclass(slots=True)
class _Flow:
    """One address of a client; to the server it is a port of the relay's."""

    path: Path
    client: Address
    transport: asyncio.DatagramTransport | None = None
    waiting: list[bytes] = field(default_factory=list)


class _ServerSide(asyncio.DatagramProtocol):
    def __init__(self, relay: Relay, flow: _Flow) -> None:
        self._relay, self._flow = relay, flow

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._flow.transport = transport  # type: ignore[assignment]
        for data in self._flow.waiting:
            self._relay.to_server(self._flow, data)
        self._flow.waiting.clear()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._relay.to_client(self._flow, data)


class Relay(asyncio.DatagramProtocol):
    """The emulated network.

    Args:
        seed: of everything random in it.

    Attributes:
        port: where clients send to; what the server has to announce.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._transport: Any = None
        self._flows: dict[Address, _Flow] = {}
        self._paths: dict[str, Path] = {}
        self._expected = ""
        self._server: Address | None = None
        self.port = 0

    async def open(self) -> Relay:
        """Take a free port."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    def close(self) -> None:
        """Give up all ports."""
        self._transport.close()
        for flow in self._flows.values():
            if flow.transport is not None:
                flow.transport.close()

    def serve(self, port: int) -> None:
        """Where the server listens."""
        self._server = ("127.0.0.1", port)

    def expect(self, name: str, up: Impairment = CLEAN, down: Impairment = CLEAN) -> None:
        """The next client that appears is this one."""
        self._expected = name
        self.impair(name, up, down)

    def impair(self, name: str, up: Impairment, down: Impairment) -> None:
        """From now on a client's packets fare like this."""
        known = self._paths.get(name)
        seed = f"{self._seed} {name}"
        fresh = Path(Impairer(up, hash_of(seed + " up")), Impairer(down, hash_of(seed + " down")))
        if known is None:
            self._paths[name] = fresh
        else:
            known.up, known.down = fresh.up, fresh.down

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The port is open."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """A client sent something."""
        address = (addr[0], addr[1])
        flow = self._flows.get(address)
        if flow is None:
            path = self._paths.get(self._expected)
            if path is None or self._server is None:
                return
            flow = self._flows[address] = _Flow(path, address)
            loop = asyncio.get_running_loop()
            made = loop.create_datagram_endpoint(lambda: _ServerSide(self, flow), remote_addr=self._server)
            self._opening = loop.create_task(made)
        if flow.transport is None:
            flow.waiting.append(data)
        else:
            self.to_server(flow, data)

    def to_server(self, flow: _Flow, data: bytes) -> None:
        """On its way up."""
        if flow.transport is not None:
            self._deliver(flow.path.up, data, flow.transport.sendto, data)

    def to_client(self, flow: _Flow, data: bytes) -> None:
        """On its way down."""
        self._deliver(flow.path.down, data, self._transport.sendto, data, flow.client)

    def _deliver(self, impairer: Impairer, data: bytes, send: Any, *args: Any) -> None:
        now_s = time.monotonic()
        at_s = impairer.deliver_at(len(data) + 28, now_s)
        if at_s is None:
            return
        if at_s <= now_s:
            send(*args)
        else:
            asyncio.get_running_loop().call_later(at_s - now_s, send, *args)


class RemoteRelay:
    """The emulated network in its own process, with the methods of ``Relay``.

    Attributes:
        port: where clients send to.
    """

    def __init__(self, seed: int) -> None:
        command = [sys.executable, "-m", "bench.losslab.relay", str(seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._pipe(self._process.stdout).readline())

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def _tell(self, **what: Any) -> None:
        pipe = self._pipe(self._process.stdin)
        pipe.write(json.dumps(what) + "\n")
        pipe.flush()
        self._pipe(self._process.stdout).readline()

    def serve(self, port: int) -> None:
        """Where the server listens."""
        self._tell(do="serve", port=port)

    def expect(self, name: str, up: Impairment = CLEAN, down: Impairment = CLEAN) -> None:
        """The next client that appears is this one."""
        self._tell(do="expect", name=name, up=asdict(up), down=asdict(down))

    def impair(self, name: str, up: Impairment, down: Impairment) -> None:
        """From now on a client's packets fare like this."""
        self._tell(do="impair", name=name, up=asdict(up), down=asdict(down))

    def close(self) -> None:
        """End the process."""
        self._pipe(self._process.stdin).close()
        self._process.wait()
        self._pipe(self._process.stdout).close()


async def _run(seed: int) -> None:
    relay = await Relay(seed).open()
    print(relay.port, flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told = json.loads(line)
        if told["do"] == "serve":
            relay.serve(told["port"])
        else:
            method = relay.expect if told["do"] == "expect" else relay.impair
            method(told["name"], Impairment(**told["up"]), Impairment(**told["down"]))
        print("done", flush=True)
    relay.close()


def hash_of(text: str) -> int:
    """A number that is the same in every run, unlike ``hash``."""
    return int.from_bytes(text.encode()[-64:], "big") % (1 << 61)


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1])))
