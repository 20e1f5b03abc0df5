"""sync: nothing, only what changed, pages, and positions that are of no use."""

from __future__ import annotations

from tests.integration.link.acts import group, say
from tests.integration.link.conftest import Connect


def test_sync_tells_only_what_changed(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    for i in range(5):
        group(a, f"g{i}", "user/b")
    start = b.call("sync")
    assert sorted(c["conversation"] for c in start["conversations"]) == [f"g{i}" for i in range(5)]
    at = {"epoch": start["epoch"], "pts": start["pts"]}
    assert b.call("sync", **at).get("conversations", []) == []
    seq = say(a, "g3", "news")
    (changed,) = b.call("sync", **at)["conversations"]
    assert (changed["conversation"], changed["head"], changed["unread"]) == ("g3", seq, 1)


def test_sync_pages_miss_nothing(connect: Connect) -> None:
    a = connect("user/a")
    for i in range(7):
        group(a, f"g{i}")
    found: list[str] = []
    position = {"epoch": 0, "pts": 0}
    while True:
        page = a.call("sync", limit=2, **position)
        found += [c["conversation"] for c in page.get("conversations", [])]
        position = {"epoch": page["epoch"], "pts": page["pts"]}
        if not page.get("more"):
            break
    assert sorted(found) == [f"g{i}" for i in range(7)]


def test_a_position_of_another_epoch_or_ahead_of_us_must_resync(connect: Connect) -> None:
    a = connect("user/a")
    group(a, "g")
    now = a.call("sync")
    for epoch, pts in ((now["epoch"] - 1, now["pts"]), (now["epoch"], now["pts"] + 1_000_000)):
        answer = a.call("sync", epoch=epoch, pts=pts)
        assert (answer["resync"], answer["pts"], answer.get("conversations", [])) == (True, 0, [])
