"""The grammar of parties and conversation ids.

A party is ``kind/name``: ``user/u1``, ``device/cam-7``, ``bot/helper``, ``guest/g1``.
A direct conversation's id derives from its pair, so both sides and any node compute the
same one without asking; a group's id is chosen by the app or made at random.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib

from trunkline.base.errors import Code, TrunklineError

PARTY_KINDS = ("user", "device", "bot", "guest")
SHARD_COUNT = 1024

_PARTY = re.compile(r"(?:user|device|bot|guest)/[A-Za-z0-9._~@+\-]{1,64}")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~\-]{0,63}")
_DIRECT_PREFIX = "d."
_DIRECT_LENGTH = len(_DIRECT_PREFIX) + 22


def check_party(party: str, field: str = "party") -> str:
    """Return ``party`` if it follows the grammar.

    Raises:
        TrunklineError: ``INVALID_PARTY``.
    """
    if _PARTY.fullmatch(party) is None:
        raise TrunklineError(
            Code.INVALID_PARTY,
            f"{field} must be one of {', '.join(PARTY_KINDS)}, a slash, and 1-64 of A-Z a-z 0-9 . _ ~ @ + -",
            field=field,
        )
    return party


def kind_of(party: str) -> str:
    """The kind of a checked party: the part before the slash."""
    return party.partition("/")[0]


def direct_conversation_id(one: str, other: str) -> str:
    """The id of the direct conversation of two parties, the same from either side."""
    first, second = sorted((one, other))
    digest = hashlib.sha256(f"{first}\n{second}".encode("ascii")).digest()[:16]
    return _DIRECT_PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def is_direct(conversation: str) -> bool:
    """Whether an id has the form of a derived direct id."""
    return conversation.startswith(_DIRECT_PREFIX) and len(conversation) == _DIRECT_LENGTH


def check_conversation_id(conversation: str, field: str = "conversation") -> str:
    """Return ``conversation`` if it could be an id of ours.

    Raises:
        TrunklineError: ``INVALID_CONVERSATION``.
    """
    if _GROUP.fullmatch(conversation) is None:
        raise TrunklineError(Code.INVALID_CONVERSATION, f"{field} must be 1-64 of A-Z a-z 0-9 . _ ~ -", field=field)
    return conversation


def check_group_id(conversation: str, field: str = "id") -> str:
    """Like ``check_conversation_id``, and the id does not claim to be a direct one."""
    check_conversation_id(conversation, field)
    if conversation.startswith(_DIRECT_PREFIX):
        raise TrunklineError(
            Code.INVALID_CONVERSATION, f"{field} must not begin with 'd.', which is kept for direct ids", field=field
        )
    return conversation


def shard_of(app: str, conversation: str) -> int:
    """The shard, 0-1023, that orders a conversation; fixed for all time."""
    return zlib.crc32(f"{app}/{conversation}".encode()) % SHARD_COUNT
