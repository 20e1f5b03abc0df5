"""Who and where: parties, conversation ids, and what a caller may do."""

from trunkline.domain.identity.addresses import (
    PARTY_KINDS,
    check_conversation_id,
    check_group_id,
    check_party,
    direct_conversation_id,
    is_direct,
    kind_of,
    shard_of,
)
from trunkline.domain.identity.caller import SYSTEM_PARTY, Caller

__all__ = [
    "PARTY_KINDS",
    "SYSTEM_PARTY",
    "Caller",
    "check_conversation_id",
    "check_group_id",
    "check_party",
    "direct_conversation_id",
    "is_direct",
    "kind_of",
    "shard_of",
]
