"""Who may do what in a conversation: pure permission rules.

An app server (``caller.server``) acts above roles, but never outside its app, never in a
dismissed conversation, and never as a party that is not there: a message in a party's name
needs that party to be a member. ``bot/system`` is nobody's member and everywhere welcome.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import ADMIN, OWNER, Conversation, Member
from trunkline.domain.identity import SYSTEM_PARTY, Caller

DIRECT = "direct"
GROUP = "group"
COMMUNITY = "community"
_RANK = {OWNER: 3, ADMIN: 2, "member": 1}


def rank(member: Member | None) -> int:
    """Owner 3, admin 2, member 1, nobody 0."""
    return _RANK[member.role] if member is not None and member.present else 0


def check_alive(conversation: Conversation) -> None:
    """Refuse changes to a dismissed conversation.

    Raises:
        TrunklineError: ``DISMISSED``.
    """
    if conversation.dismissed:
        raise TrunklineError(Code.DISMISSED, "the conversation was dismissed")


def check_group(conversation: Conversation) -> None:
    """Refuse group operations elsewhere.

    Raises:
        TrunklineError: ``FORBIDDEN``.
    """
    if conversation.kind not in (GROUP, COMMUNITY):
        raise TrunklineError(Code.FORBIDDEN, "this is not a group", field="conversation")


def check_member(conversation: Conversation, caller: Caller) -> Member | None:
    """The caller's present membership; None only for an app server acting as itself.

    Raises:
        TrunklineError: ``NOT_MEMBER``.
    """
    member = conversation.members.get(caller.party)
    if member is not None and member.left_seq == 0:
        return member
    if caller.server and caller.party == SYSTEM_PARTY:
        return None
    raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not a member", field="conversation")


def check_reader(conversation: Conversation, caller: Caller) -> Member | None:
    """Like ``check_member``, but former members may still read what they saw.

    Raises:
        TrunklineError: ``NOT_MEMBER``.
    """
    member = conversation.members.get(caller.party)
    if member is not None:
        return member
    if caller.server and caller.party == SYSTEM_PARTY:
        return None
    raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} was never a member", field="conversation")


def check_may_send(conversation: Conversation, caller: Caller, now_ms: int) -> None:
    """Refuse a message of someone who may not speak here now.

    Raises:
        TrunklineError: ``NOT_MEMBER``, ``DISMISSED`` or ``MUTED``.
    """
    if conversation.dismissed:
        raise TrunklineError(Code.DISMISSED, "the conversation was dismissed")
    member = conversation.members.get(caller.party)
    if member is None or member.left_seq:
        if caller.server and caller.party == SYSTEM_PARTY:
            return
        raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not a member", field="conversation")
    if caller.server:
        return
    if member.muted_until_ms > now_ms:
        raise TrunklineError(Code.MUTED, f"muted until {member.muted_until_ms}")
    if conversation.settings.get("muted_all") and member.role == "member":
        raise TrunklineError(Code.MUTED, "everyone but the owner and admins is muted")


def check_manages(conversation: Conversation, caller: Caller, least: str = ADMIN) -> None:
    """Refuse unless the caller's role is at least ``least``, or it is an app server.

    Raises:
        TrunklineError: ``NOT_MEMBER``, ``DISMISSED`` or ``FORBIDDEN``.
    """
    check_alive(conversation)
    if caller.server and caller.party == SYSTEM_PARTY:
        return
    member = check_member(conversation, caller)
    if not caller.server and rank(member) < _RANK[least]:
        raise TrunklineError(Code.FORBIDDEN, f"this needs the role {least}")


def check_outranks(conversation: Conversation, caller: Caller, other: Member) -> None:
    """Refuse acting on a member of the same or a higher role.

    Raises:
        TrunklineError: ``FORBIDDEN``.
    """
    if not caller.server and rank(conversation.member(caller.party)) <= rank(other):
        raise TrunklineError(Code.FORBIDDEN, f"one may not do this to the {other.role}", field="party")
