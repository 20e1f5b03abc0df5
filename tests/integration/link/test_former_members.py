"""What somebody who left a group is still shown of it."""

from __future__ import annotations

import pytest

from tests.integration.link.acts import group, say, view
from tests.integration.link.conftest import Connect


@pytest.mark.parametrize("how", ["leaves", "is kicked"])
def test_a_former_member_sees_the_group_as_it_was(connect: Connect, how: str) -> None:
    a, b = connect("user/a"), connect("user/b")
    team = group(a, "team", "user/b", "user/c", name="Before")
    if how == "leaves":
        b.call("group.leave", conversation=team)
    else:
        a.call("group.kick", conversation=team, parties=["user/b"])
    then = view(b, team)
    assert (then["name"], then["member_count"], then["left_seq"]) == ("Before", 2, then["head"])
    a.call("group.update", conversation=team, name="After", avatar="https://x.example/p", muted_all=True, join="open")
    a.call("group.invite", conversation=team, parties=["user/d", "user/e"])
    say(a, team, "later")
    assert view(b, team) == then
    assert (view(a, team)["name"], view(a, team)["member_count"]) == ("After", 4)
    a.call("group.dismiss", conversation=team)
    assert view(b, team) == then
    ended = view(a, team)
    assert (ended["dismissed"], ended["name"], ended["member_count"]) == (True, "After", 4)
    (synced,) = (v for v in b.call("sync", epoch=0, pts=0)["conversations"] if v["conversation"] == team)
    assert (synced["name"], synced["member_count"]) == ("Before", 2)
