"""The methods of the link as typed calls, one class per feature, reached through ``Client``.

Each method is one request; its parameters and result are the Structs of ``wire.calls``. What is not here: sending
messages (``client.sending``), and rules, which the server keeps.
"""

from trunkline.client.calls.cards import CardCalls
from trunkline.client.calls.communities import CommunityCalls
from trunkline.client.calls.conversations import ConversationCalls
from trunkline.client.calls.entries import EntryCalls
from trunkline.client.calls.files import FileCalls
from trunkline.client.calls.groups import GroupCalls
from trunkline.client.calls.live import LiveCalls
from trunkline.client.calls.parties import BlockCalls, DeviceCalls, ProfileCalls
from trunkline.client.calls.presence import PresenceCalls
from trunkline.client.calls.quizzes import QuizCalls
from trunkline.client.calls.rooms import RoomCalls
from trunkline.client.calls.threads import ThreadCalls

__all__ = [
    "BlockCalls",
    "CardCalls",
    "CommunityCalls",
    "ConversationCalls",
    "DeviceCalls",
    "EntryCalls",
    "FileCalls",
    "GroupCalls",
    "LiveCalls",
    "PresenceCalls",
    "ProfileCalls",
    "QuizCalls",
    "RoomCalls",
    "ThreadCalls",
]
