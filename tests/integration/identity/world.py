"""The identity services on a real journal, index and hub; only the clock, the disk and the sockets are ours."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from tests.faults.faulty_io import FaultyIo
from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret
from trunkline.crypto import tokens
from trunkline.crypto.keys import SecretDeriver
from trunkline.domain.identity import Caller
from trunkline.services.access import OPERATOR, check_access
from trunkline.services.apps import AppDirectory, Authentication, ClientIdentity, Keys
from trunkline.services.apps.operations import operations as app_operations
from trunkline.services.catalogue import catalogue
from trunkline.services.devices import DeviceBook
from trunkline.services.devices.operations import operations as device_operations
from trunkline.services.groups.groups import Groups
from trunkline.services.log.engine import Engine
from trunkline.services.messages.send import Sender
from trunkline.services.operation import Operation
from trunkline.services.parties import BlockBook, ProfileBook
from trunkline.services.parties.operations import operations as party_operations
from trunkline.services.privacy import Eraser, Exporter
from trunkline.services.privacy.operations import operations as privacy_operations
from trunkline.services.sessions.hub import Hub
from trunkline.services.sessions.outgoing import Outgoing
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.thread import JournalThread
from trunkline.store.sqlite import SqliteIndex
from trunkline.wire.calls.apps import AppCreate, AppCreated

EPOCH = 7
START_S = 1_800_000_000
ADMIN = Secret("the-admin-token")
MASTER = bytes(32)
Answer = TypeVar("Answer")


class SetClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at_ms = START_S * 1000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    def move(self, seconds: float) -> None:
        self.at_ms += int(seconds * 1000)

    @property
    def now_s(self) -> int:
        return self.at_ms // 1000


class Counting:
    """Ids that are different and the same in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self, size_bytes: int) -> str:
        return f"{next(self._numbers):0{size_bytes}d}"


class SocketSession:
    """A live session whose socket is a list."""

    def __init__(self, identity: ClientIdentity, device: str) -> None:
        self.app = identity.caller.app
        self.party = identity.caller.party
        self.device = device
        self.key = identity.key
        self.expires_at_s = identity.expires_at_s
        self.pushed: list[tuple[str, Any]] = []
        self.closed: Code | None = None

    def push(self, outgoing: Outgoing) -> None:
        """Decode at once, as the client would."""
        frame = outgoing.json()
        payload = frame[2:] if frame[1] < 126 else frame[4:] if frame[1] == 126 else frame[10:]
        _, event, data = msgspec.json.decode(payload)
        self.pushed.append((event, data))

    def unsent_bytes(self) -> int:
        """Nothing is queued."""
        return 0

    def flush(self) -> None:
        """Nothing is queued."""

    def sweep(self, now_s: float) -> None:
        """Nothing grows old."""

    def close(self, code: Code, detail: str = "") -> None:
        self.closed = self.closed or code


class World:
    """One running store."""

    def __init__(self, index: SqliteIndex, journal: FileJournal, io: FaultyIo, clock: SetClock, ids: Counting) -> None:
        loop = asyncio.get_running_loop()
        self.io = io
        self.clock = clock
        self.index = index
        self.journal = journal
        self.writer = JournalThread(journal, loop)
        self.engine = Engine(index.reader, index.projector, self.writer, clock, loop, EPOCH)
        self.hub = Hub(loop.call_soon)
        self.directory = AppDirectory(self.engine)
        self.secrets = SecretDeriver(MASTER)
        self.authentication = Authentication(self.engine, self.directory, self.secrets, ADMIN)
        self.keys = Keys(self.engine, self.directory, self.secrets, self.hub, ids)
        self.devices = DeviceBook(self.engine, self.hub)
        self.sender = Sender(self.engine)
        self.groups = Groups(self.engine, ids)
        self.operations: dict[str, Operation] = catalogue(
            app_operations(self.keys),
            party_operations(ProfileBook(self.engine), BlockBook(self.engine, self.hub)),
            device_operations(self.devices),
            privacy_operations(Exporter(self.engine), Eraser(self.engine, self.hub)),
        )

    async def call(self, caller: Caller, operation: str, **params: Any) -> Any:
        """What an edge does: check access, decode, run, and wait for the disk."""
        found = self.operations[operation]
        check_access(caller, found)
        return await self.durable(found.run(caller, msgspec.convert(params, found.request)))

    async def durable(self, action: Awaitable[Answer]) -> Answer:
        """Wait for an answer, then for the disk."""
        answer = await action
        await self.engine.commits.settled()
        return answer

    async def refusal(self, caller: Caller, operation: str, **params: Any) -> Code:
        """The code of a call that must be refused, and must not change the log."""
        await self.engine.commits.settled()
        before = self.engine.committed_lsn
        with pytest.raises(TrunklineError) as caught:
            await self.call(caller, operation, **params)
        await self.engine.commits.settled()
        assert self.engine.committed_lsn == before, "a refused call changed something"
        return caught.value.code

    async def create_app(self, name: str = "Demo") -> AppCreated:
        """A tenant with a key."""
        created: AppCreated = await self.call(OPERATOR, "app.create", **msgspec.to_builtins(AppCreate(name)))
        return created

    async def server(self, created: AppCreated, party: str | None = None) -> Caller:
        """The app server of a tenant."""
        return await self.authentication.authenticate_server(created.key.key, created.key.secret, party)

    def token(self, key: str, party: str, *, age_s: int = 0, lifetime_s: int = 3600, **options: Any) -> str:
        """A token as an app server mints it, ``age_s`` ago."""
        return tokens.mint(
            key,
            self.secrets.secret_of(key),
            party,
            now_s=self.clock.now_s - age_s,
            lifetime_s=lifetime_s,
            **options,
        )

    async def sign_in(
        self, key: str, party: str, device: str = "phone", **options: Any
    ) -> tuple[Caller, SocketSession]:
        """What the link does at hello."""
        identity = await self.authentication.authenticate_client(self.token(key, party, **options), device)
        await self.devices.note_device(identity.caller, "ios")
        await self.authentication.recheck(identity)
        session = SocketSession(identity, device)
        self.hub.add(session)
        await self.engine.commits.settled()
        return identity.caller, session

    async def refused_token(self, token: str, device: str = "") -> Code:
        """The code with which a token is turned away."""
        with pytest.raises(TrunklineError) as caught:
            await self.authentication.authenticate_client(token, device)
        return caught.value.code

    async def everything_projected(self) -> None:
        """Wait until the index has it all."""
        await self.engine.commits.settled()
        await self.engine.projected(self.engine.committed_lsn)


class Disk:
    """The files of a store, which may be opened again and again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._io = FaultyIo()
        self.clock = SetClock()
        self._ids = Counting()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[World]:
        """Start; stop at the end."""
        journal = FileJournal.open("/journal", self._io, preallocate_bytes=0, segment_size_bytes=1 << 20)
        index = SqliteIndex.open(self._directory / "index.db", EPOCH, batch_s=600.0)
        world = World(index, journal, self._io, self.clock, self._ids)
        await world.directory.load(index.reader)
        try:
            yield world
        finally:
            await asyncio.get_running_loop().run_in_executor(None, world.writer.stop)
            await index.close()
            journal.close()
