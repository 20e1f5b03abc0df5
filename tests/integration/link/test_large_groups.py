"""Groups above 1,000 members keep a set of live sessions; nobody may fall out of it."""

from __future__ import annotations

from tests.integration.link.conftest import Connect
from tests.integration.rest.running import App


def test_pushes_reach_members_of_a_group_that_grew_large_a_moment_ago(app: App, connect: Connect) -> None:
    """Regression: a session was put into the live set from the index, which did not know yet that the group was large.

    Signing in between the commit that made the group large and its projection left a member without any push.
    """
    early = connect("user/early")
    with app.acting() as server:
        members = [f"user/m{i}" for i in range(998)] + ["user/early"]
        made = server.post("/v1/groups", json={"id": "big", "owner": "user/boss", "members": members})
        assert made.status_code == 201, made.text
        boss = connect("user/boss")
        boss.call("message.send", conversation="big", content={"text": "still small"})
        more = [f"user/late{i}" for i in range(200)]
        added = server.post("/v1/groups/big/members", json={"parties": more})
        assert added.status_code in (200, 201), added.text
    late = connect("user/late7")
    boss.call("message.send", conversation="big", content={"text": "large now"})
    again = connect("user/m5")
    boss.call("message.send", conversation="big", content={"text": "and once more"})
    for client, text in ((early, "large now"), (late, "large now"), (again, "and once more"), (early, "and once more")):
        assert client.push("entry", lambda e, t=text: e["content"].get("text") == t)["conversation"] == "big"  # type: ignore[misc]


def test_a_member_that_leaves_a_large_group_gets_nothing_after_that(app: App, connect: Connect) -> None:
    with app.acting() as server:
        members = [f"user/m{i}" for i in range(999)]
        assert (
            server.post("/v1/groups", json={"id": "big", "owner": "user/boss", "members": members}).status_code == 201
        )
        assert server.post("/v1/groups/big/members", json={"parties": ["user/x", "user/y"]}).is_success
    boss, leaver, stayer = connect("user/boss"), connect("user/x"), connect("user/y")
    boss.call("message.send", conversation="big", content={"text": "one"})
    leaver.push("entry", lambda e: e["content"].get("text") == "one")
    leaver.call("group.leave", conversation="big")
    boss.call("message.send", conversation="big", content={"text": "two"})
    stayer.push("entry", lambda e: e["content"].get("text") == "two")
    leaver.call("conversation.list")
    assert not [d for name, d in leaver.pushes if name == "entry" and d["content"].get("text") == "two"]
