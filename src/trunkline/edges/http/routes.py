"""Where every operation lives in REST: one table, read by the dispatcher and by the OpenAPI document.

A parameter in a path is the request field of that name. Two exceptions: ``{kind}/{name}`` is a party, given
to the field ``Route.party``; and ``Route.spread`` gives one path parameter to several fields. The remaining
fields are query parameters of GET and DELETE and the JSON body of everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOT_IN_REST = frozenset({"hello", "typing.set", "presence.watch", "presence.unwatch", "room.join", "room.leave"})
"""They speak about a connection, which REST does not have."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one resource.

    Attributes:
        operation: what it runs.
        method: HTTP method.
        path: template.
        status: of success; 204 when the result is empty.
        id: operationId; the operation's name unless it has several routes.
        party: the field that ``{kind}/{name}`` names; a list field gets a list of one.
        fixed: fields the route itself decides.
        spread: path parameter -> the fields it is given to.
        only: take the single element of this list field of the result as the answer, or 404.
        location: template of the Location header, filled from the result.
        summary: what this route does where it differs from the operation.
    """

    operation: str
    method: str
    path: str
    status: int = 200
    id: str = ""
    party: str = ""
    fixed: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    spread: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    only: str = ""
    location: str = ""
    summary: str = ""

    @property
    def operation_id(self) -> str:
        """Unique name of the route."""
        return self.id or self.operation

    @property
    def path_params(self) -> tuple[str, ...]:
        """Names in the path, in order."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def has_body(self) -> bool:
        """Whether fields come as a JSON body rather than as query parameters."""
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def bound_elsewhere(self) -> frozenset[str]:
        """Fields that neither the query nor the body may name."""
        names: set[str] = set(self.fixed)
        for param in self.path_params:
            if param in self.spread:
                names.update(self.spread[param])
            elif self.party and param in ("kind", "name"):
                names.add(self.party)
            else:
                names.add(param)
        return frozenset(names)


_C = "/v1/conversations/{conversation}"
_M = _C + "/messages"
_S = _M + "/{seq}"
_T = _C + "/threads/{thread}"
_G = "/v1/groups/{conversation}"
_R = "/v1/rooms/{conversation}"
_O = "/v1/communities/{community}"
_B = "/v1/broadcasts/conversations/{conversation}"
_P = "/v1/parties/{kind}/{name}"
_SENT = "/v1/conversations/{conversation}/messages/{seq}"
_CARD = "/v1/conversations/{conversation}/cards/{seq}"
_W = "/v1/webhooks/{webhook}"
_SINGLE = MappingProxyType({"limit": 1})

ROUTES: tuple[Route, ...] = (
    # Messages
    # The path names the conversation; a party besides would be another one.
    Route("message.send", "POST", _M, 201, fixed={"to": None}, location=_SENT),
    Route(
        "message.send",
        "POST",
        "/v1/messages",
        201,
        id="message.send.to",
        location=_SENT,
        summary="Send a message to a party (`to`) or to the conversation named in the body",
    ),
    Route("message.search", "GET", "/v1/messages/search"),
    Route("message.bulk", "POST", "/v1/messages/bulk"),
    Route("message.forward", "POST", "/v1/messages/forward"),
    Route("history.get", "GET", _M),
    Route(
        "history.get",
        "GET",
        _S,
        id="message.get",
        fixed=_SINGLE,
        spread={"seq": ("from_seq", "to_seq")},
        only="entries",
        summary="Read one entry",
    ),
    Route("message.edit", "PATCH", _S),
    Route("message.recall", "DELETE", _S),
    Route("message.react", "PUT", _S + "/reactions/{key}", fixed={"on": True}, summary="Add a reaction"),
    Route(
        "message.react",
        "DELETE",
        _S + "/reactions/{key}",
        id="message.react.undo",
        fixed={"on": False},
        summary="Take a reaction back",
    ),
    Route("message.pin", "PUT", _S + "/pin", fixed={"on": True}, summary="Pin a message for everyone"),
    Route("message.pin", "DELETE", _S + "/pin", id="message.unpin", fixed={"on": False}, summary="Unpin a message"),
    Route("receipt.get", "GET", _S + "/receipt"),
    Route("message.hide", "POST", _C + "/hide"),
    Route("pin.list", "GET", _C + "/pins"),
    # Threads
    Route("thread.list", "GET", "/v1/threads"),
    Route("thread.changes", "GET", "/v1/threads/changes"),
    Route("thread.get", "GET", _T),
    Route("thread.history", "GET", _T + "/replies"),
    Route("thread.read", "PUT", _T + "/cursor"),
    Route("thread.follow", "PUT", _T + "/follow", fixed={"on": True}, summary="Follow a thread"),
    Route("thread.follow", "DELETE", _T + "/follow", id="thread.unfollow", fixed={"on": False}, summary="Unfollow"),
    # Cards
    Route("card.create", "POST", _C + "/cards", 201, fixed={"to": None}, location=_CARD),
    Route(
        "card.create",
        "POST",
        "/v1/cards",
        201,
        id="card.create.to",
        location=_CARD,
        summary="Put up a card for a party (`to`) or in the conversation named in the body",
    ),
    Route("card.list", "GET", _C + "/cards"),
    Route("card.get", "GET", _C + "/cards/{seq}"),
    Route("card.act", "POST", _C + "/cards/{seq}/actions"),
    # Conversations
    Route("conversation.list", "GET", "/v1/conversations"),
    Route("conversation.get", "GET", _C),
    Route("conversation.configure", "PATCH", _C + "/settings"),
    Route("cursor.move", "PUT", _C + "/cursor"),
    Route("member.list", "GET", _C + "/members"),
    Route("sync", "GET", "/v1/sync"),
    # Groups
    Route("group.create", "POST", "/v1/groups", 201, location="/v1/conversations/{conversation}"),
    Route("group.update", "PATCH", _G),
    Route("group.dismiss", "DELETE", _G),
    Route("group.invite", "POST", _G + "/members"),
    Route("group.kick", "POST", _G + "/members/remove"),
    Route(
        "group.kick",
        "DELETE",
        _G + "/members/{kind}/{name}",
        id="group.kick.one",
        party="parties",
        summary="Remove one member",
    ),
    Route("member.change", "PATCH", _G + "/members/{kind}/{name}", party="party"),
    Route("group.join", "POST", _G + "/join"),
    Route("group.leave", "POST", _G + "/leave"),
    Route("group.transfer", "PUT", _G + "/owner"),
    # Rooms
    Route("room.create", "POST", "/v1/rooms", 201, location="/v1/rooms/{conversation}"),
    Route("room.get", "GET", _R),
    Route("room.configure", "PATCH", _R),
    Route("room.close", "DELETE", _R),
    Route("room.stats", "GET", _R + "/stats"),
    Route("room.members", "GET", _R + "/members"),
    Route("room.send", "POST", _R + "/messages", 201),
    Route("room.recall", "DELETE", _R + "/messages/{seq}"),
    Route("room.entries", "GET", _R + "/entries"),
    Route("room.gifts", "GET", _R + "/gifts"),
    Route("quiz.create", "POST", _R + "/quizzes", 201),
    Route("quiz.get", "GET", _R + "/quizzes/{quiz}"),
    Route("quiz.ask", "POST", _R + "/quizzes/{quiz}/questions", 201),
    Route("quiz.close", "POST", _R + "/quizzes/{quiz}/questions/{question}/close"),
    Route("quiz.answer", "POST", _R + "/quizzes/{quiz}/answers", 201),
    Route("quiz.revive", "POST", _R + "/quizzes/{quiz}/revival"),
    Route("quiz.grant", "PUT", _R + "/quizzes/{quiz}/cards"),
    Route("quiz.end", "POST", _R + "/quizzes/{quiz}/end"),
    Route("quiz.results", "GET", _R + "/quizzes/{quiz}/results"),
    Route("room.kick", "POST", _R + "/kick"),
    Route("room.admit", "POST", _R + "/admit"),
    Route("room.named", "GET", _R + "/named"),
    Route("room.role", "PUT", _R + "/roles"),
    Route("room.mute", "PUT", _R + "/mutes"),
    Route("room.ban", "PUT", _R + "/bans"),
    Route("room.allow", "PUT", _R + "/allowed"),
    Route("room.attributes", "GET", _R + "/attributes"),
    Route("room.set_attribute", "PUT", _R + "/attributes/{key}"),
    Route("room.delete_attribute", "DELETE", _R + "/attributes/{key}"),
    # Communities
    Route("community.create", "POST", "/v1/communities", 201, location="/v1/communities/{conversation}"),
    Route("community.get", "GET", _O),
    Route("community.permit", "PUT", _O + "/everyone"),
    Route("community.ban", "PUT", _O + "/bans/{kind}/{name}", party="party", fixed={"on": True}, summary="Ban a party"),
    Route(
        "community.ban",
        "DELETE",
        _O + "/bans/{kind}/{name}",
        id="community.unban",
        party="party",
        fixed={"on": False},
        summary="Let a banned party in again",
    ),
    Route("category.set", "PUT", _O + "/categories/{id}"),
    Route("category.delete", "DELETE", _O + "/categories/{id}"),
    Route("channel.create", "POST", _O + "/channels", 201, location="/v1/conversations/{conversation}"),
    Route("channel.list", "GET", _O + "/channels"),
    Route("channel.update", "PATCH", "/v1/channels/{channel}"),
    Route("channel.delete", "DELETE", "/v1/channels/{channel}"),
    Route("usergroup.set", "PUT", _O + "/groups/{id}"),
    Route("usergroup.delete", "DELETE", _O + "/groups/{id}"),
    Route("usergroup.assign", "POST", _O + "/groups/{id}/members"),
    # Broadcasts
    Route("broadcast.create", "POST", "/v1/broadcasts/conversations", 201, location="/v1/conversations/{conversation}"),
    Route("broadcast.update", "PATCH", _B),
    Route("broadcast.send", "POST", _B + "/messages", 201, location="/v1/broadcasts/{broadcast}"),
    Route("broadcast.list", "GET", _B + "/messages"),
    Route("broadcast.get", "GET", "/v1/broadcasts/{broadcast}"),
    Route("broadcast.cancel", "DELETE", "/v1/broadcasts/{broadcast}"),
    Route("tags.set", "PUT", "/v1/tags"),
    Route("tags.get", "GET", _P + "/tags", party="party"),
    # Parties
    Route("profile.set", "PATCH", "/v1/profile"),
    Route("profile.get", "GET", "/v1/profiles"),
    Route("profile.search", "GET", "/v1/profiles/search"),
    Route("live.join", "POST", "/v1/conversations/{conversation}/live"),
    Route("presence.get", "GET", "/v1/presence"),
    Route("block.list", "GET", "/v1/blocks"),
    Route("block.set", "PUT", "/v1/blocks/{kind}/{name}", party="party", fixed={"on": True}, summary="Block a party"),
    Route(
        "block.set",
        "DELETE",
        "/v1/blocks/{kind}/{name}",
        id="block.undo",
        party="party",
        fixed={"on": False},
        summary="Unblock a party",
    ),
    Route("device.list", "GET", "/v1/devices"),
    Route("device.revoke", "DELETE", "/v1/devices/{device}"),
    Route("party.export", "GET", _P + "/export", party="party"),
    Route("party.erase", "DELETE", _P, party="party"),
    # Webhooks and events
    Route("webhook.list", "GET", "/v1/webhooks"),
    Route("webhook.create", "POST", "/v1/webhooks", 201, location=_W),
    Route("webhook.get", "GET", _W),
    Route("webhook.update", "PATCH", _W),
    Route("webhook.delete", "DELETE", _W, 204),
    Route("webhook.rotate", "POST", _W + "/secret"),
    Route("webhook.replay", "POST", _W + "/replay"),
    Route("webhook.backlog", "GET", _W + "/backlog"),
    Route("event.list", "GET", "/v1/events"),
    # Files; their bytes have routes of their own (``files``)
    Route("file.list", "GET", "/v1/files"),
    Route("file.get", "GET", "/v1/files/{file}"),
    Route("file.delete", "DELETE", "/v1/files/{file}"),
    Route("file.link", "POST", "/v1/files/{file}/links", 201),
    # Keys, apps and the deployment
    Route("token.revoke", "POST", "/v1/tokens/revoke"),
    Route("key.list", "GET", "/v1/keys"),
    Route("key.rotate", "POST", "/v1/keys", 201),
    Route("key.revoke", "DELETE", "/v1/keys/{key}"),
    Route("app.list", "GET", "/v1/admin/apps"),
    Route("app.create", "POST", "/v1/admin/apps", 201),
    Route("app.rotate_key", "POST", "/v1/admin/apps/{app}/keys", 201),
    Route("app.disable", "PUT", "/v1/admin/apps/{app}/disabled", fixed={"on": True}, summary="Shut an app out"),
    Route(
        "app.disable",
        "DELETE",
        "/v1/admin/apps/{app}/disabled",
        id="app.enable",
        fixed={"on": False},
        summary="Let a disabled app in again",
    ),
    Route("backup.start", "POST", "/v1/admin/backups", 202),
    Route("backup.get", "GET", "/v1/admin/backups/last"),
)
