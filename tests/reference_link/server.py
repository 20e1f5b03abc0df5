"""The reference server: logs in memory, one asyncio listener, faults that tests switch on."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec
import picows

from trunkline.client.addresses import direct_conversation_id
from trunkline.wire.frames import SUBPROTOCOL_JSON

ERRORS = {
    1003: ("unknown_method", "never", False),
    2003: ("token_expired", "new_token", False),
    3002: ("not_found", "never", False),
    3004: ("muted", "never", False),
    3007: ("id_conflict", "never", False),
    3008: ("out_of_order", "never", False),
    4001: ("busy", "later", False),
    5003: ("timed_out", "same_id", None),
}


class Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Faults:
    """What goes wrong; probabilities are of ``rng``."""

    rng: random.Random = field(default_factory=lambda: random.Random(1))
    lose_push: float = 0.0
    double_push: float = 0.0
    delay_push_s: float = 0.0
    cut_before_apply: float = 0.0
    cut_after_apply: float = 0.0
    refuse: dict[str, list[int]] = field(default_factory=dict)
    """Per method, codes to answer the next requests with."""
    swallow: dict[str, int] = field(default_factory=dict)
    """Per method, how many of the next requests are neither applied nor answered."""
    hello: list[int] = field(default_factory=list)

    def rolls(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance


@dataclass
class Conversation:
    id: str
    members: list[str]
    log: list[dict[str, Any]] = field(default_factory=list)
    joined: dict[str, int] = field(default_factory=dict)
    cursors: dict[str, tuple[int, int]] = field(default_factory=dict)
    changed_at: int = 0


class Session(picows.WSListener):
    def __init__(self, server: ReferenceServer, json: bool) -> None:
        self.server = server
        self.codec: Any = msgspec.json if json else msgspec.msgpack
        self.kind = picows.WSMsgType.TEXT if json else picows.WSMsgType.BINARY
        self.party = ""
        self.device = ""
        self.outbox = ""
        self.pongs = 0
        self.transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.server.connections += 1

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.transport = None
        self.server.sessions.discard(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.PONG:
            self.pongs += 1
        elif frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
            self.take(self.codec.decode(frame.get_payload_as_bytes()))

    def send(self, *elements: Any) -> None:
        if self.transport is not None:
            self.transport.send(self.kind, self.codec.encode(elements))

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def close(self, code: int) -> None:
        if self.transport is not None:
            self.transport.send_close(code)  # type: ignore[arg-type]

    def take(self, request: list[Any]) -> None:
        if request[0] == 5:
            self.send(6, request[1])
            return
        _, request_id, method, params = request
        server = self.server
        server.requests.append((self.party, method, params))
        if server.faults.swallow.get(method, 0) > 0:
            server.faults.swallow[method] -= 1
            return
        try:
            planned = server.faults.refuse.get(method)
            if planned:
                raise Refused(planned.pop(0))
            if method == "message.send" and server.faults.rolls(server.faults.cut_before_apply):
                self.cut()
                return
            result = getattr(server, "do_" + method.replace(".", "_"), None)
            if result is None:
                raise Refused(1003)
            answer = result(self, params)
            if method == "message.send" and server.faults.rolls(server.faults.cut_after_apply):
                self.cut()
                return
        except Refused as exc:
            name, retry, applied = ERRORS[exc.code]
            error = {"code": exc.code, "name": name, "message": name, "retry": retry, "applied": applied}
            self.send(3, request_id, error)
            if method == "hello":
                self.close(4100)
        else:
            self.send(2, request_id, answer)


class ReferenceServer:
    """Use as ``async with ReferenceServer() as server``; clients connect to ``server.url``."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.epoch = 1_000
        self.pts = 0
        self.window = 32
        self.heartbeat_ms = 30_000
        self.conversations: dict[str, Conversation] = {}
        self.sent: dict[tuple[str, int], tuple[Any, dict[str, Any]]] = {}
        self.outbox_n: dict[str, int] = {}
        self.sessions: set[Session] = set()
        self.requests: list[tuple[str, str, Any]] = []
        self.connections = 0
        self.resync_below = 0
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> ReferenceServer:
        await self.listen(0)
        return self

    async def listen(self, port: int) -> None:
        def factory(request: picows.WSUpgradeRequest) -> Any:
            offered = str(request.headers.get("Sec-WebSocket-Protocol", ""))
            response = picows.WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": offered})
            return picows.WSUpgradeResponseWithListener(response, Session(self, offered == SUBPROTOCOL_JSON))

        self._listener = await picows.ws_create_server(factory, "127.0.0.1", port)
        self.port = self._listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def shut(self) -> None:
        """Stop listening and cut every connection, as a killed server does."""
        assert self._listener is not None
        self._listener.close()
        self.cut_all()
        await self._listener.wait_closed()

    def cut_all(self) -> None:
        for session in list(self.sessions):
            session.cut()

    def close_all(self, code: int) -> None:
        for session in list(self.sessions):
            session.close(code)

    def push(self, party: str, event: str, data: Any) -> None:
        for session in list(self.sessions):
            if session.party == party:
                session.send(4, event, data)

    # ---------------------------------------------------------------- logs

    def group(self, id: str, *members: str) -> Conversation:
        conversation = self.conversations[id] = Conversation(id, list(members))
        conversation.joined = dict.fromkeys(members, 1)
        self.append(conversation, members[0], "conversation.created", {"kind": "group", "members": list(members)})
        return conversation

    def append(self, conversation: Conversation, sender: str, type: str, content: Any, **more: Any) -> dict[str, Any]:
        entry = {
            "conversation": conversation.id,
            "epoch": self.epoch,
            "seq": len(conversation.log) + 1,
            "at_ms": 1_700_000_000_000 + len(conversation.log),
            "sender": sender,
            "type": type,
            "content": content,
            **more,
        }
        conversation.log.append(entry)
        self.pts += 1
        conversation.changed_at = self.pts
        for session in list(self.sessions):
            if session.party in conversation.members:
                self.push_entry(session, entry)
        return entry

    def push_entry(self, session: Session, entry: dict[str, Any]) -> None:
        faults = self.faults
        if faults.rolls(faults.lose_push):
            return
        for _ in range(2 if faults.rolls(faults.double_push) else 1):
            if faults.delay_push_s:
                delay_s = faults.rng.random() * faults.delay_push_s
                asyncio.get_running_loop().call_later(delay_s, session.send, 4, "entry", entry)
            else:
                session.send(4, "entry", entry)

    def view(self, conversation: Conversation, party: str) -> dict[str, Any]:
        delivered, read = conversation.cursors.get(party, (0, 0))
        first = conversation.joined.get(party, 1)
        return {
            "conversation": conversation.id,
            "kind": "direct" if conversation.id.startswith("d.") else "group",
            "epoch": self.epoch,
            "head": len(conversation.log),
            "first_visible_seq": first,
            "delivered": delivered,
            "read": read,
            "unread": sum(
                1 for e in conversation.log[max(read, first - 1) :] if e["type"] == "text" and e["sender"] != party
            ),
            "peer": next((m for m in conversation.members if m != party), "") if len(conversation.members) == 2 else "",
            "member_count": len(conversation.members),
            "active_at_ms": conversation.log[-1]["at_ms"] if conversation.log else 0,
        }

    def new_epoch(self, keep: int) -> None:
        """Restored from a backup: each log keeps its first entries, under a new epoch."""
        self.epoch += 1
        for conversation in self.conversations.values():
            del conversation.log[keep:]
            for entry in conversation.log:
                entry["epoch"] = self.epoch

    def of(self, session: Session, name: str) -> Conversation:
        conversation = self.conversations.get(name)
        if conversation is None or session.party not in conversation.members:
            raise Refused(3002)
        return conversation

    # ---------------------------------------------------------------- methods

    def do_hello(self, session: Session, params: Any) -> Any:
        if self.faults.hello:
            raise Refused(self.faults.hello.pop(0))
        claims = jwt.decode(params["token"], options={"verify_signature": False})
        for older in list(self.sessions):
            if (older.party, older.device) == (claims["sub"], params["device"]):
                older.close(4210)
        session.party, session.device, session.outbox = claims["sub"], params["device"], params.get("outbox", "")
        self.sessions.add(session)
        return {
            "party": session.party, "device": session.device, "session": "s", "session_epoch": 1, "epoch": self.epoch,
            "pts": self.pts, "server_time_ms": 0, "heartbeat_ms": self.heartbeat_ms, "window": self.window,
            "max_frame_bytes": 1 << 18, "outbox_n": self.outbox_n.get(session.outbox, 0),
        }  # fmt: skip

    def do_sync(self, session: Session, params: Any) -> Any:
        epoch, pts, limit = params.get("epoch", 0), params.get("pts", 0), params.get("limit", 100)
        if (epoch and epoch != self.epoch) or (pts and pts < self.resync_below):
            return {"epoch": self.epoch, "pts": 0, "resync": True}
        changed = sorted(
            (c for c in self.conversations.values() if session.party in c.members and c.changed_at > pts),
            key=lambda c: c.changed_at,
        )
        page = changed[:limit]
        more = len(changed) > limit
        return {
            "epoch": self.epoch,
            "pts": page[-1].changed_at if more else self.pts,
            "more": more,
            "conversations": [self.view(c, session.party) for c in page],
        }

    def do_message_send(self, session: Session, params: Any) -> Any:
        name = params.get("conversation") or direct_conversation_id(session.party, params["to"])
        shape = (name, params.get("type", "text"), params["content"])
        before = self.sent.get((session.outbox, params["n"]))
        if before is not None:
            if before[0] != shape:
                raise Refused(3007)
            return before[1]
        after = params.get("after")
        if after and (session.outbox, after) not in self.sent:
            raise Refused(3008)
        if params["content"] == {"text": "refuse me"}:
            raise Refused(3004)
        conversation = self.conversations.get(name)
        if conversation is None and "to" in params:
            conversation = self.conversations[name] = Conversation(name, sorted((session.party, params["to"])))
            self.append(conversation, session.party, "conversation.created", {"kind": "direct"})
        if conversation is None or session.party not in conversation.members:
            raise Refused(3002)
        self.outbox_n[session.outbox] = max(self.outbox_n.get(session.outbox, 0), params["n"])
        more = {"outbox": session.outbox, "n": params["n"]}
        entry = self.append(conversation, session.party, shape[1], shape[2], **more)
        sent = {"conversation": name, "epoch": self.epoch, "seq": entry["seq"], "at_ms": entry["at_ms"]}
        self.sent[session.outbox, params["n"]] = (shape, sent)
        return sent

    def do_message_recall(self, session: Session, params: Any) -> Any:
        conversation = self.of(session, params["conversation"])
        entry = self.append(conversation, session.party, "message.recalled", {}, target=params["seq"])
        return {k: entry[k] for k in ("conversation", "epoch", "seq", "at_ms")}

    def do_history_get(self, session: Session, params: Any) -> Any:
        conversation = self.of(session, params["conversation"])
        first = max(params.get("from_seq", 0), conversation.joined.get(session.party, 1))
        last = params.get("to_seq", 0) or len(conversation.log)
        limit = params.get("limit", 100)
        wanted = conversation.log[first - 1 : last]
        page = wanted[-limit:] if params.get("newest_first") else wanted[:limit]
        return {
            "conversation": conversation.id, "epoch": self.epoch, "head": len(conversation.log), "entries": page,
            "more": len(wanted) > limit,
        }  # fmt: skip

    def do_conversation_get(self, session: Session, params: Any) -> Any:
        return self.view(self.of(session, params["conversation"]), session.party)

    def do_cursor_move(self, session: Session, params: Any) -> Any:
        conversation = self.of(session, params["conversation"])
        delivered, read = conversation.cursors.get(session.party, (0, 0))
        read = max(read, params.get("read", 0))
        delivered = max(delivered, read, params.get("delivered", 0))
        conversation.cursors[session.party] = (delivered, read)
        for member in conversation.members:
            if member != session.party:
                data = {"conversation": conversation.id, "party": session.party, "delivered": delivered, "read": read}
                self.push(member, "cursor", data)
        unread = self.view(conversation, session.party)["unread"]
        return {"conversation": conversation.id, "delivered": delivered, "read": read, "unread": unread,
                "unread_mentions": 0}  # fmt: skip

    def do_typing_set(self, session: Session, params: Any) -> Any:
        for member in self.of(session, params["conversation"]).members:
            if member != session.party:
                data = {"conversation": params["conversation"], "party": session.party,
                        "typing": params.get("typing", True)}  # fmt: skip
                self.push(member, "typing", data)
        return {}

    def do_presence_watch(self, session: Session, params: Any) -> Any:
        online = {s.party for s in self.sessions}
        return {"presences": [{"party": p, "online": p in online} for p in params["parties"]]}
