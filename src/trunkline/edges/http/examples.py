"""Example bodies and path values for the OpenAPI document; a test decodes each as the real request."""

from __future__ import annotations

from typing import Any

EXAMPLES: dict[str, Any] = {
    "message.send": {"type": "text", "content": {"text": "Hello, team"}, "mentions": ["user/bob"]},
    "message.send.to": {"to": "user/bob", "type": "text", "content": {"text": "Hello, Bob"}},
    "message.bulk": {
        "messages": [
            {"to": "user/bob", "content": {"text": "Your parcel is on its way"}},
            {"to": "user/carol", "content": {"text": "Your parcel has arrived"}},
        ]
    },
    "message.forward": {"source": "team", "seqs": [3, 4], "to": "user/bob", "merged": True, "title": "From team"},
    "message.edit": {"content": {"text": "Hello, everyone"}},
    "message.hide": {"seqs": [3]},
    "card.create": {
        "kind": "poll",
        "data": {"question": "Where do we eat?", "options": ["Noodles", "Pizza"]},
        "closes_in_ms": 3_600_000,
    },
    "card.create.to": {"to": "user/bob", "kind": "red_packet", "data": {"amount": 888, "shares": 1, "currency": "CNY"}},
    "card.act": {"action": "vote", "value": {"choices": [0]}},
    "live.join": {"device": "laptop"},
    "thread.read": {"read": 12},
    "broadcast.create": {"id": "news", "name": "News"},
    "broadcast.update": {"name": "Good news"},
    "broadcast.send": {"content": {"text": "We open at nine"}, "audience": "city:berlin AND NOT quiet"},
    "tags.set": {"parties": ["user/alice", "user/bob"], "tags": ["city:berlin", "plan:pro"]},
    "conversation.configure": {"pinned": True, "mute": True, "draft": "Dear "},
    "cursor.move": {"delivered": 12, "read": 10},
    "group.create": {"id": "team", "name": "Team", "owner": "user/alice", "members": ["user/bob", "user/carol"]},
    "group.update": {"name": "The team", "join": "open"},
    "group.invite": {"parties": ["user/dave"]},
    "group.kick": {"parties": ["user/dave", "user/erin"]},
    "member.change": {"role": "admin"},
    "group.transfer": {"party": "user/bob"},
    "room.create": {"id": "show", "name": "Friday show", "host": "user/alice", "slow_mode_ms": 2000},
    "room.configure": {"muted_all": True, "capacity": 20_000},
    "room.send": {"type": "x.poll", "content": {"question": "Which song next?"}},
    "room.kick": {"parties": ["user/dave"], "for_ms": 600_000},
    "room.admit": {"parties": ["user/erin"], "on": True},
    "room.role": {"parties": ["user/bob"], "role": "co-host"},
    "room.mute": {"parties": ["user/dave"], "until_ms": 1_924_992_000_000},
    "room.ban": {"parties": ["user/dave"], "until_ms": 1_924_992_000_000},
    "room.allow": {"parties": ["user/erin"], "on": True},
    "room.set_attribute": {"value": "The Blue Album", "version": 0},
    "webhook.create": {"url": "https://chat.example/hooks/trunkline", "events": ["message.created", "members.*"]},
    "webhook.update": {"events": ["message.undelivered"], "enabled": True},
    "webhook.rotate": {"overlap_s": 3600},
    "webhook.replay": {"lsn": 1},
    "profile.set": {"name": "Alice", "custom": {"department": "sales"}},
    "token.revoke": {"party": "user/alice"},
    "key.rotate": {"overlap_s": 3600, "scopes": ["messages", "groups"]},
    "app.create": {"name": "My app"},
    "app.rotate_key": {"overlap_s": 0},
    "backup.start": {"name": "2026-05-17"},
}

PATH_EXAMPLES: dict[str, Any] = {
    "conversation": "team",
    "seq": 3,
    "kind": "user",
    "name": "alice",
    "device": "phone-1",
    "key": "song",
    "webhook": "w_4hQd0mXk2Yp",
    "app": "a_5gTzQ0mXk2Yp",
}
