"""A registry with the real Structs of every operation, and use cases that only record what they were asked.

It serves the tests of the edge's own logic (binding, problems, idempotency, headers). What the operations do is
tested against the real server in ``tests/integration``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tests.unit.http.card_registry import CARD_TABLE
from tests.unit.http.file_registry import FILE_TABLE
from tests.unit.http.listed import LISTED
from tests.unit.http.room_registry import ROOM_TABLE
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.edges.http import HttpConfig, HttpDeps, RequestRates, ShownSecrets
from trunkline.services.log.index_port import Remembered
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import apps, backups, conversations, messages, parties, search, session
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import EmptyResult

SERVER_AUTH = ("K1", "s3cret")
CLIENT_TOKEN = "token-of-u1"
GUEST_TOKEN = "token-of-g1"
ADMIN_TOKEN = "admin-token"

Run = Callable[[Caller, Any], Awaitable[Any]]
Struct = type[msgspec.Struct]

SENT = messages.MessageSent("team", 7, 3, 1000)
CHANGED = messages.Changed("team", 7, 4, 1000)
VIEW = session.ConversationView(conversation="team", kind="group", epoch=7, head=3)
MEMBERSHIP = conversations.MembershipChanged("team", 7, 5, ["user/u2"])
KEY = apps.ApiKey("a_1", "K2", ["messages"], 1000, secret="shown-once")
APP = apps.App("a_1", "App", 1000)
HISTORY = messages.History(
    conversation="team",
    epoch=7,
    head=3,
    entries=[EntryView(conversation="team", epoch=7, seq=3, at_ms=1, sender="user/u1", type="text", content={})],
)
PROFILES = parties.Profiles([parties.Profile("user/u1", name="U")], next="abc")

TABLE: tuple[tuple[str, Struct, Struct, Any, str, Audience], ...] = (
    ("message.send", messages.MessageSend, messages.MessageSent, SENT, "messages", Audience.EVERYONE),
    ("message.search", search.MessageSearch, search.SearchPage, search.SearchPage([]), "messages", Audience.EVERYONE),
    ("message.bulk", messages.BulkSend, messages.BulkSent, messages.BulkSent([]), "messages", Audience.SERVERS),
    (
        "message.forward",
        messages.MessageForward,
        messages.MessagesForwarded,
        messages.MessagesForwarded([SENT]),
        "messages",
        Audience.PARTIES,
    ),
    ("history.get", messages.HistoryGet, messages.History, HISTORY, "messages", Audience.EVERYONE),
    ("message.edit", messages.MessageEdit, messages.Changed, CHANGED, "messages", Audience.EVERYONE),
    ("message.recall", messages.MessageRecall, messages.Changed, CHANGED, "messages", Audience.EVERYONE),
    ("message.react", messages.MessageReact, messages.Changed, CHANGED, "messages", Audience.EVERYONE),
    ("message.pin", messages.MessagePin, messages.Changed, CHANGED, "messages", Audience.PARTIES),
    (
        "receipt.get",
        messages.ReceiptGet,
        messages.Receipt,
        messages.Receipt("team", 3, 2, 1, 1, ["user/u2"]),
        "messages",
        Audience.EVERYONE,
    ),
    ("message.hide", messages.MessageHide, EmptyResult, EmptyResult(), "messages", Audience.EVERYONE),
    ("pin.list", messages.PinList, messages.History, HISTORY, "messages", Audience.EVERYONE),
    (
        "conversation.list",
        conversations.ConversationList,
        conversations.Conversations,
        conversations.Conversations([VIEW], 0, "cursor"),
        "messages",
        Audience.EVERYONE,
    ),
    (
        "conversation.get",
        conversations.ConversationRef,
        session.ConversationView,
        VIEW,
        "messages",
        Audience.EVERYONE,
    ),
    (
        "conversation.configure",
        conversations.ConversationConfigure,
        session.ConversationView,
        VIEW,
        "messages",
        Audience.EVERYONE,
    ),
    (
        "cursor.move",
        messages.CursorMove,
        messages.Cursor,
        messages.Cursor("team", 3, 3, 0, 0),
        "messages",
        Audience.EVERYONE,
    ),
    (
        "member.list",
        conversations.MemberList,
        conversations.Members,
        conversations.Members("team", 0, []),
        "groups",
        Audience.EVERYONE,
    ),
    ("sync", session.Sync, session.SyncResult, session.SyncResult(epoch=7, pts=1), "messages", Audience.EVERYONE),
    (
        "group.create",
        conversations.GroupCreate,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    (
        "group.update",
        conversations.GroupUpdate,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    (
        "group.dismiss",
        conversations.ConversationRef,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    (
        "group.invite",
        conversations.GroupMembers,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    ("group.kick", conversations.GroupMembers, conversations.MembershipChanged, MEMBERSHIP, "groups", Audience.PARTIES),
    (
        "member.change",
        conversations.MemberChange,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    (
        "group.join",
        conversations.ConversationRef,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    (
        "group.leave",
        conversations.ConversationRef,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.EVERYONE,
    ),
    (
        "group.transfer",
        conversations.GroupTransfer,
        conversations.MembershipChanged,
        MEMBERSHIP,
        "groups",
        Audience.PARTIES,
    ),
    ("profile.set", parties.ProfileSet, parties.Profile, parties.Profile("user/u1"), "parties", Audience.EVERYONE),
    ("profile.get", parties.ProfileGet, parties.Profiles, PROFILES, "parties", Audience.EVERYONE),
    ("profile.search", parties.ProfileSearch, parties.Profiles, PROFILES, "parties", Audience.SERVERS),
    ("presence.get", session.PresenceWatch, session.Presences, session.Presences([]), "parties", Audience.PARTIES),
    ("block.list", parties.BlockList, parties.Blocks, parties.Blocks([]), "parties", Audience.PARTIES),
    ("block.set", parties.BlockChange, parties.Blocks, parties.Blocks(["user/u2"]), "parties", Audience.PARTIES),
    ("device.list", session.DeviceList, session.Devices, session.Devices([]), "parties", Audience.EVERYONE),
    ("device.revoke", session.DeviceRevoke, EmptyResult, EmptyResult(), "parties", Audience.PARTIES),
    (
        "party.export",
        parties.PartyExportPage,
        parties.PartyExport,
        parties.PartyExport("user/u1", 1, None, [], [], [], []),
        "privacy",
        Audience.SERVERS,
    ),
    (
        "party.erase",
        parties.PartyRef,
        parties.PartyErased,
        parties.PartyErased("user/u1", 1, 1),
        "privacy",
        Audience.SERVERS,
    ),
    ("token.revoke", session.TokensRevoke, EmptyResult, EmptyResult(), "tokens", Audience.SERVERS),
    ("key.list", apps.KeyList, apps.Keys, apps.Keys([]), "keys", Audience.SERVERS),
    ("key.rotate", apps.KeyRotate, apps.ApiKey, KEY, "keys", Audience.SERVERS),
    ("key.revoke", apps.KeyRevoke, EmptyResult, EmptyResult(), "keys", Audience.SERVERS),
    ("app.list", apps.AppList, apps.Apps, apps.Apps([APP]), "", Audience.OPERATOR),
    ("app.rotate_key", apps.AppRotateKey, apps.ApiKey, KEY, "", Audience.OPERATOR),
    ("app.disable", apps.AppDisable, apps.App, APP, "", Audience.OPERATOR),
    ("app.create", apps.AppCreate, apps.AppCreated, apps.AppCreated(APP, KEY), "", Audience.OPERATOR),
    ("backup.start", backups.BackupStart, backups.Backup, backups.Backup(state="running"), "", Audience.OPERATOR),
    ("backup.get", backups.BackupGet, backups.Backup, backups.Backup(state="none"), "", Audience.OPERATOR),
    *ROOM_TABLE,
    *LISTED,
    *CARD_TABLE,
    *FILE_TABLE,
)


class World:
    """Everything behind the edge, in memory, and what reached it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Caller, Any]] = []
        self.remembered: dict[tuple[str, str], Remembered] = {}
        self.settled_after: list[int] = []
        self.before_answer: asyncio.Event | None = None
        self.refuse: TrunklineError | None = None
        self.crash: Exception | None = None
        self.refuse_commit: TrunklineError | None = None
        self.scopes = frozenset(apps.ALL_SCOPES)
        self.now_s = 100.0
        self.checks: list[tuple[str, bool, str]] = [("journal", True, "")]

    # --- ports ---

    async def authenticate_server(self, key: str, secret: str, party: str | None) -> Caller:
        if key != SERVER_AUTH[0]:
            raise TrunklineError(Code.UNKNOWN_KEY)
        if secret != SERVER_AUTH[1]:
            raise TrunklineError(Code.SECRET_WRONG)
        return Caller("a_1", party or "bot/system", server=True, scopes=self.scopes, key=key)

    async def authenticate_client(self, token: str) -> Caller:
        if token == CLIENT_TOKEN:
            return Caller("a_1", "user/u1", "phone", key="K1")
        if token == GUEST_TOKEN:
            return Caller("a_1", "guest/g1", "phone", key="K1")
        raise TrunklineError(Code.TOKEN_GARBLED)

    async def authenticate_operator(self, token: str) -> None:
        if token != ADMIN_TOKEN:
            raise TrunklineError(Code.TOKEN_GARBLED, "This is not the admin token.")

    async def recall_answer(self, app: str, key: str) -> Remembered | None:
        return self.remembered.get((app, key))

    def remember(self, app: str, key: str, request_hash: bytes, status: int, body: bytes) -> None:
        self.remembered[(app, key)] = Remembered(request_hash, status, body)

    async def settled(self) -> None:
        self.settled_after.append(len(self.asked))
        if self.refuse_commit is not None:
            raise self.refuse_commit

    def now_ms(self) -> int:
        return 1_000_000

    def monotonic_s(self) -> float:
        return self.now_s

    def token(self, size_bytes: int) -> str:
        return "r" * size_bytes

    # --- the registry ---

    def _run(self, name: str, result: Any) -> Run:
        async def run(caller: Caller, request: Any) -> Any:
            self.asked.append((name, caller, request))
            if self.before_answer is not None:
                await self.before_answer.wait()
            if self.refuse is not None:
                raise self.refuse
            if self.crash is not None:
                raise self.crash
            return result

        return run

    def operations(self) -> dict[str, Operation]:
        return {
            name: Operation(
                name, request, result, self._run(name, answer), scope, f"Do {name}", audience, not name.endswith("get")
            )
            for name, request, result, answer, scope, audience in TABLE
        }

    def deps(self, config: HttpConfig | None = None, rates: RequestRates | None = None, **more: Any) -> HttpDeps:
        return HttpDeps(
            operations=self.operations(),
            gate=self,
            authenticator=self,
            answers=self,
            clock=self,
            randomness=self,
            readiness=lambda: self.checks,
            metrics=lambda: b"trunkline_up 1\n",
            secrets=ShownSecrets(lambda key: "shown-once" if key == "K2" else ""),
            rates=rates or RequestRates(),
            config=config or HttpConfig(),
            **more,
        )
