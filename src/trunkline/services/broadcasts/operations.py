"""Operations on broadcasts and tags; all of them are the app server's."""

from __future__ import annotations

from trunkline.services.broadcasts.broadcasts import Broadcasts
from trunkline.services.broadcasts.tags import TagBook
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import broadcasts as calls
from trunkline.wire.calls.conversations import MembershipChanged

SCOPE = "messages"


def operations(service: Broadcasts, tags: TagBook) -> list[Operation]:
    """What an app does with broadcasts and tags."""
    servers = Audience.SERVERS
    done, view = MembershipChanged, calls.BroadcastView
    return [
        Operation("tags.set", calls.TagsSet, calls.TagsChanged, tags.set, SCOPE, "Set the tags of parties", servers),
        Operation("tags.get", calls.TagsGet, calls.Tags, tags.get, SCOPE, "Read a party's tags", servers, writes=False),
        Operation(
            "broadcast.create",
            calls.BroadcastCreate,
            done,
            service.create,
            SCOPE,
            "Make a broadcast conversation",
            servers,
        ),
        Operation(
            "broadcast.update",
            calls.BroadcastUpdate,
            done,
            service.update,
            SCOPE,
            "Change a broadcast conversation",
            servers,
        ),
        Operation(
            "broadcast.send", calls.BroadcastSend, view, service.send, SCOPE, "Send or schedule a broadcast", servers
        ),
        Operation(
            "broadcast.cancel", calls.BroadcastRef, view, service.cancel, SCOPE, "Cancel a scheduled broadcast", servers
        ),
        Operation(
            "broadcast.get", calls.BroadcastRef, view, service.get, SCOPE, "Read a broadcast", servers, writes=False
        ),
        Operation(
            "broadcast.list",
            calls.BroadcastList,
            calls.Broadcasts,
            service.page,
            SCOPE,
            "List broadcasts",
            servers,
            writes=False,
        ),
    ]
