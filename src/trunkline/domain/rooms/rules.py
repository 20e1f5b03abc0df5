"""Who may come in, speak, and do what to whom in a room."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.rooms.book import NOBODY, Named, named
from trunkline.domain.rooms.membership import Stay
from trunkline.domain.rooms.policy import RoomMessageType
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import KIND, RoomSettings


def check_room(state: Conversation) -> None:
    """Refuse what is not a room, or not any more.

    Raises:
        TrunklineError: ``FORBIDDEN`` or ``DISMISSED``.
    """
    if state.kind != KIND:
        raise TrunklineError(Code.FORBIDDEN, "this is not a room", field="conversation")
    if state.dismissed:
        raise TrunklineError(Code.DISMISSED, "the room is closed")


def role_of(state: Conversation, caller: Caller) -> Role:
    """The caller's role; an app server acting as itself is a host."""
    if caller.server and caller.party == SYSTEM_PARTY:
        return Role.HOST
    return named(state.settings, caller.party).role


def check_role(state: Conversation, caller: Caller, least: Role) -> Role:
    """The caller's role, if it suffices. An app server may do anything, in whoever's name.

    Raises:
        TrunklineError: ``FORBIDDEN``.
    """
    role = Role.HOST if caller.server else role_of(state, caller)
    if role < least:
        raise TrunklineError(Code.FORBIDDEN, f"this needs the role {least.label}")
    return role


def check_outranks(state: Conversation, caller: Caller, party: str) -> None:
    """Refuse acting on someone of the same or a higher role.

    Raises:
        TrunklineError: ``FORBIDDEN``.
    """
    other = named(state.settings, party).role
    if not caller.server and role_of(state, caller) <= other:
        raise TrunklineError(Code.FORBIDDEN, f"one may not do this to the {other.label} {party}", field="parties")


def check_may_join(
    settings: RoomSettings, known: Named, caller: Caller, room: str, now_ms: int, *, admitted: bool
) -> None:
    """Refuse who is banned, and who the room's rule does not let in.

    Raises:
        TrunklineError: ``BANNED``, ``JOIN_REFUSED``, or ``APPROVAL_NEEDED`` (ask, and wait to be admitted).
    """
    if known.banned_until_ms > now_ms:
        raise TrunklineError(Code.BANNED, f"banned until {known.banned_until_ms}")
    if settings.join == "open" or known.role > Role.AUDIENCE or known.allowed or admitted or caller.server:
        return
    if settings.join == "token":
        if any(fnmatchcase(room, pattern) for pattern in caller.rooms):
            return
        raise TrunklineError(Code.JOIN_REFUSED, "the token has no grant for this room (grants.im.rooms)")
    if settings.join == "allow-list":
        raise TrunklineError(Code.JOIN_REFUSED, "only those on the allow-list come in")
    raise TrunklineError(Code.APPROVAL_NEEDED, "someone who runs the room has to admit you")


def check_may_send(
    settings: RoomSettings, known: Named, stay: Stay[Any] | None, caller: Caller, type: RoomMessageType, now_ms: int
) -> None:
    """Refuse a message of someone who may not send it now.

    Raises:
        TrunklineError: ``NOT_MEMBER``, ``FORBIDDEN``, ``MUTED`` or ``SLOW_MODE``.
    """
    if caller.server:
        return
    if not type.sendable:
        raise TrunklineError(Code.UNKNOWN_MESSAGE_TYPE, f"{type.name!r} is made by the server", field="type")
    if stay is None:
        raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not in the room", field="conversation")
    if known.role < type.least:
        raise TrunklineError(Code.FORBIDDEN, f"{type.name} needs the role {type.least.label}", field="type")
    if not type.speech:
        return
    if known.muted_until_ms > now_ms:
        raise TrunklineError(Code.MUTED, f"muted until {known.muted_until_ms}")
    if known.role > Role.AUDIENCE:
        return
    if settings.muted_all:
        raise TrunklineError(Code.MUTED, "everyone in the audience is muted")
    if settings.slow_mode_ms and stay.spoke_at_ms >= 0:
        wait_ms = stay.spoke_at_ms + settings.slow_mode_ms - now_ms
        if wait_ms > 0:
            raise TrunklineError(Code.SLOW_MODE, f"one message every {settings.slow_mode_ms} ms", retry_ms=wait_ms)


__all__ = [
    "NOBODY",
    "check_may_join",
    "check_may_send",
    "check_outranks",
    "check_role",
    "check_room",
    "role_of",
]
