"""Live rooms: the calls, and the rooms this client is in, which are joined again on every connection."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from trunkline.client.errors import RequestFailed
from trunkline.client.requests import Requests
from trunkline.client.room import APPROVAL_NEEDED, Room, RoomMessage
from trunkline.protocol.link.frames import Codec
from trunkline.wire.calls.room_gifts import RoomGifts, RoomGiftsGet
from trunkline.wire.calls.rooms import (
    RoomAdmit,
    RoomAdmitted,
    RoomAllow,
    RoomAsked,
    RoomAttribute,
    RoomAttributeDelete,
    RoomAttributes,
    RoomAttributeSet,
    RoomBan,
    RoomBatch,
    RoomChanged,
    RoomConfigure,
    RoomCreate,
    RoomEntriesGet,
    RoomKick,
    RoomKicked,
    RoomMemberList,
    RoomMembers,
    RoomMute,
    RoomNamedList,
    RoomNameds,
    RoomOut,
    RoomRecall,
    RoomRef,
    RoomRole,
    RoomStats,
    RoomView,
)

logger = logging.getLogger("trunkline.client")


class RoomCalls:
    """``client.rooms``. ``join`` answers a ``Room``, to be iterated over and spoken in."""

    def __init__(self, requests: Requests, codec: Codec, max_waiting: int) -> None:
        self._requests = requests
        self._call = requests.call
        self._codec = codec
        self._max_waiting = max_waiting
        self._rooms: dict[str, Room] = {}
        self._admissions: dict[str, asyncio.Future[bool]] = {}

    async def join(self, conversation: str, *, wait_s: float = 0.0) -> Room:
        """Come into a room. Where that needs approval, wait so long for it.

        Raises:
            RequestFailed: the room is full, closed, or does not let this party in.
        """
        before = self._rooms.get(conversation)
        if before is not None and not before.ended:
            return before
        room = self._rooms[conversation] = Room(self._requests, conversation, self._max_waiting)
        try:
            await self._join(room, wait_s)
        except BaseException:
            self._rooms.pop(conversation, None)
            raise
        return room

    async def _join(self, room: Room, wait_s: float) -> None:
        admitted = self._admissions[room.conversation] = asyncio.get_running_loop().create_future()
        try:
            await room.join()
        except RequestFailed as exc:
            if exc.code != APPROVAL_NEEDED or not wait_s:
                raise
            try:
                async with asyncio.timeout(wait_s):
                    if not await admitted:
                        raise
            except TimeoutError:
                raise exc from None
            await room.join()
        finally:
            self._admissions.pop(room.conversation, None)

    async def create(self, id: str = "", **settings: Any) -> RoomChanged:
        """Create a room with this party as its host; the settings are those of ``room.create``."""
        request = msgspec.convert({"id": id, **settings}, RoomCreate)
        return await self._call("room.create", request, RoomChanged)

    async def configure(self, conversation: str, **settings: Any) -> RoomChanged:
        """Change the settings given; leave the rest."""
        request = msgspec.convert({"conversation": conversation, **settings}, RoomConfigure)
        return await self._call("room.configure", request, RoomChanged, again=True)

    async def close(self, conversation: str) -> RoomChanged:
        """End a room for everyone."""
        return await self._call("room.close", RoomRef(conversation), RoomChanged)

    async def get(self, conversation: str) -> RoomView:
        """How a room is configured, and how many are in it."""
        return await self._call("room.get", RoomRef(conversation), RoomView, again=True)

    async def stats(self, conversation: str) -> RoomStats:
        """What a room counted."""
        return await self._call("room.stats", RoomRef(conversation), RoomStats, again=True)

    async def gifts(self, conversation: str, *, limit: int = 10) -> RoomGifts:
        """What was given in a room, who gave most, and what this party gave; every order counts once."""
        return await self._call(
            "room.gifts", RoomGiftsGet(conversation=conversation, limit=limit), RoomGifts, again=True
        )

    async def members(self, conversation: str, *, after: str = "", limit: int = 200) -> RoomMembers:
        """A page of who is in a room; pass ``next`` of the page before as ``after``."""
        return await self._call("room.members", RoomMemberList(conversation, after, limit), RoomMembers, again=True)

    async def entries(self, conversation: str, *, after: int = 0, limit: int = 200) -> RoomBatch:
        """Reliable entries after a seq."""
        request = RoomEntriesGet(conversation=conversation, after=after, limit=limit)
        return await self._call("room.entries", request, RoomBatch, again=True)

    async def recall(self, conversation: str, seq: int) -> RoomChanged:
        """Take back a reliable message: one's own, or of somebody of a lower role."""
        return await self._call("room.recall", RoomRecall(conversation, seq), RoomChanged)

    async def kick(self, conversation: str, *parties: str, for_ms: int = 60_000) -> RoomKicked:
        """Put parties out for a while."""
        return await self._call("room.kick", RoomKick(conversation, list(parties), for_ms), RoomKicked)

    async def admit(self, conversation: str, *parties: str, on: bool = True) -> RoomKicked:
        """Let in, or turn away, parties who asked."""
        return await self._call("room.admit", RoomAdmit(conversation, list(parties), on), RoomKicked)

    async def role(self, conversation: str, role: str, *parties: str) -> RoomChanged:
        """Give parties a role; ``audience`` takes it away."""
        request = RoomRole(conversation, list(parties), role)  # type: ignore[arg-type]
        return await self._call("room.role", request, RoomChanged, again=True)

    async def mute(self, conversation: str, *parties: str, until_ms: int) -> RoomChanged:
        """Mute parties until a time; 0 ends the mute."""
        return await self._call("room.mute", RoomMute(conversation, list(parties), until_ms), RoomChanged, again=True)

    async def ban(self, conversation: str, *parties: str, until_ms: int) -> RoomChanged:
        """Keep parties out until a time; 0 ends the ban."""
        return await self._call("room.ban", RoomBan(conversation, list(parties), until_ms), RoomChanged, again=True)

    async def allow(self, conversation: str, *parties: str, on: bool = True) -> RoomChanged:
        """Put parties on the allow-list, or take them off it."""
        return await self._call("room.allow", RoomAllow(conversation, list(parties), on), RoomChanged, again=True)

    async def named(self, conversation: str) -> RoomNameds:
        """Everyone with a role, a mute, a ban or a place on the allow-list, and who waits to be admitted."""
        return await self._call("room.named", RoomNamedList(conversation), RoomNameds, again=True)

    async def attributes(self, conversation: str) -> list[RoomAttribute]:
        """All attributes of a room."""
        found = await self._call("room.attributes", RoomRef(conversation), RoomAttributes, again=True)
        return found.attributes

    async def set_attribute(
        self, conversation: str, key: str, value: str, *, version: int | None = None, auto_delete: bool = False
    ) -> RoomAttribute:
        """Set an attribute; with ``version`` only if it has that version (0: only if it does not exist)."""
        request = RoomAttributeSet(
            conversation=conversation, key=key, value=value, version=version, auto_delete=auto_delete
        )
        return await self._call("room.set_attribute", request, RoomAttribute)

    async def delete_attribute(self, conversation: str, key: str, *, version: int | None = None) -> list[RoomAttribute]:
        """Delete an attribute; those that are left."""
        request = RoomAttributeDelete(conversation=conversation, key=key, version=version)
        return (await self._call("room.delete_attribute", request, RoomAttributes)).attributes

    # ------------------------------------------------------------------ what the client tells

    def renew(self) -> None:
        """A new connection: the server knows nothing of earlier joins."""
        self._rooms = {conversation: room for conversation, room in self._rooms.items() if not room.ended}
        for room in self._rooms.values():
            room.rejoin()

    def lost(self) -> None:
        """The connection is over."""
        for room in self._rooms.values():
            room.lost()

    def stop(self, reason: str = "stopped") -> None:
        """There will be no connection any more."""
        for room in self._rooms.values():
            room.end(reason)

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """A push about a room, or ``lagged``."""
        decode = self._codec.decode
        match event:
            case "room":
                batch = decode(body, RoomBatch)
                self._tell(batch.conversation, lambda room: room.batch(batch))
            case "room.out":
                out = decode(body, RoomOut)
                self._tell(out.conversation, lambda room: room.end(out.reason))
            case "room.stats":
                stats = decode(body, RoomStats)
                self._tell(stats.conversation, lambda room: setattr(room, "stats", stats))
            case "room.asked":
                asked = decode(body, RoomAsked)
                message = RoomMessage("room.asked", asked.party, 0, {})
                self._tell(asked.conversation, lambda room: room.tell(message))
            case "room.admitted":
                admitted = decode(body, RoomAdmitted)
                waiting = self._admissions.get(admitted.conversation)
                if waiting is not None and not waiting.done():
                    waiting.set_result(admitted.on)
            case "lagged":
                for room in self._rooms.values():
                    room.behind()

    def _tell(self, conversation: str, tell: Any) -> None:
        room = self._rooms.get(conversation)
        if room is not None and not room.ended:
            tell(room)
