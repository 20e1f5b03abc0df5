"""A conversation in memory: its state, the rules of who may do what, and how entries change it."""

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import Unread, unread_of

__all__ = ["Conversation", "Member", "Unread", "unread_of"]
