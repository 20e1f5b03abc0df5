"""The Python SDK: what ``pip install trunkline`` brings.

Here live the asyncio client, its durable outbox, its local history and its reconnection. It imports
``wire``, ``protocol``, ``crypto`` and ``base`` and nothing else of Trunkline, so that an application
does not carry the server along.
"""

from trunkline.client.calls.cards import ActHandle, LocalCard
from trunkline.client.client import Client
from trunkline.client.errors import ClientStopped, OutboxFull, RequestFailed, StoreInUse, StoreUnusable
from trunkline.client.feed import EntryStream
from trunkline.client.notices import ClientState, CursorMoved, Presence, Resync, SendOutcome, StateChange, Typing
from trunkline.client.options import Options
from trunkline.client.room import Room, RoomMessage
from trunkline.client.send_handle import SendHandle
from trunkline.client.store import OutboxRow, SendStatus
from trunkline.client.tokens import mint_token

__all__ = [
    "ActHandle",
    "Client",
    "ClientState",
    "ClientStopped",
    "CursorMoved",
    "EntryStream",
    "LocalCard",
    "Options",
    "OutboxFull",
    "OutboxRow",
    "Presence",
    "RequestFailed",
    "Resync",
    "Room",
    "RoomMessage",
    "SendHandle",
    "SendOutcome",
    "SendStatus",
    "StateChange",
    "StoreInUse",
    "StoreUnusable",
    "Typing",
    "mint_token",
]
