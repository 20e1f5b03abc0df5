"""Operations on messages."""

from __future__ import annotations

from trunkline.services.messages.changes import Changes
from trunkline.services.messages.forward import Forwarder
from trunkline.services.messages.history import Reader
from trunkline.services.messages.send import Sender
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import messages as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "messages"


def operations(sender: Sender, forwarder: Forwarder, changes: Changes, reader: Reader) -> list[Operation]:
    """What one can do with messages."""
    every = Audience.EVERYONE
    return [
        Operation("message.send", calls.MessageSend, calls.MessageSent, sender.send, SCOPE, "Send a message", every),
        Operation(
            "message.forward",
            calls.MessageForward,
            calls.MessagesForwarded,
            forwarder.forward,
            SCOPE,
            "Forward messages",
        ),
        Operation(
            "message.bulk",
            calls.BulkSend,
            calls.BulkSent,
            forwarder.bulk,
            SCOPE,
            "Send many messages",
            Audience.SERVERS,
        ),
        Operation("message.edit", calls.MessageEdit, calls.Changed, changes.edit, SCOPE, "Edit a message", every),
        Operation(
            "message.recall", calls.MessageRecall, calls.Changed, changes.recall, SCOPE, "Recall a message", every
        ),
        Operation("message.hide", calls.MessageHide, EmptyResult, changes.hide, SCOPE, "Delete messages for me", every),
        Operation(
            "message.react", calls.MessageReact, calls.Changed, changes.react, SCOPE, "React to a message", every
        ),
        Operation("message.pin", calls.MessagePin, calls.Changed, changes.pin, SCOPE, "Pin a message"),
        Operation(
            "pin.list", calls.PinList, calls.History, reader.pins, SCOPE, "List pinned messages", every, writes=False
        ),
        Operation(
            "history.get", calls.HistoryGet, calls.History, reader.history, SCOPE, "Read messages", every, writes=False
        ),
        Operation(
            "receipt.get",
            calls.ReceiptGet,
            calls.Receipt,
            reader.receipt,
            SCOPE,
            "Who has read a message",
            every,
            writes=False,
        ),
    ]
