"""The SDK's changes against a real server: each takes effect once, whatever happens to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.running import App, serving
from tests.integration.sdk.conftest import QUICK, texts, until
from trunkline.client import Client


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with serving(tmp_path) as server:
        yield server.create_app()


def client(app: App, party: str, device: str = "d1") -> Client:
    return Client(app.server.url, app.token(party), options=QUICK, device=device)


async def test_sending_goes_on_after_a_forward_of_several(app: App) -> None:
    async with client(app, "user/ann") as ann:
        sent = [await ann.send("user/bob", str(number)) for number in range(3)]
        await ann.groups.create("team")
        forwarded = await ann.entries.forward(sent[0].conversation, [one.seq for one in sent], "team")
        assert [one.seq for one in forwarded.sent] == [2, 3, 4]
        assert (await ann.send("team", "after")).seq == 5
        assert texts(await ann.history("team")) == ["0", "1", "2", "after"]


@pytest.mark.parametrize("online", [True, False], ids=["online", "away"])
async def test_what_i_delete_for_me_leaves_my_other_devices(app: App, tmp_path: Path, online: bool) -> None:
    def tablet() -> Client:
        return Client(app.server.url, app.token("user/bob"), tmp_path / "tablet.db", options=QUICK, device="tablet")

    def seqs(client: Client) -> list[int]:
        return [entry.seq for entry in client.local_history(conversation)]

    async with client(app, "user/ann") as ann, client(app, "user/bob", "phone") as phone:
        conversation = (await ann.send("user/bob", "1")).conversation
        for number in range(2, 7):
            await ann.send("user/bob", str(number))
        second = tablet()
        async with second:
            await until(lambda: seqs(second) == list(range(1, 8)))
            if online:
                await phone.entries.hide(conversation, 5, 7)
                await phone.entries.hide(conversation, up_to=3)
                await until(lambda: seqs(second) == [4, 6])
        if not online:
            await phone.entries.hide(conversation, 5, 7)
            await phone.entries.hide(conversation, up_to=3)
            second = tablet()
            async with second:
                await until(lambda: seqs(second) == [4, 6])
        assert seqs(ann) == list(range(1, 8))
        view = phone.conversations.get(conversation)
        assert view is not None
        await until(lambda: (found := phone.conversations.get(conversation)) is not None and found.unread == 2)


async def test_what_an_erased_party_said_leaves_the_disks_of_others(app: App, tmp_path: Path) -> None:
    file = tmp_path / "bob.db"
    async with Client(app.server.url, app.token("user/bob"), file, options=QUICK) as bob:
        async with client(app, "user/ann") as ann:
            sent = await ann.send("user/bob", "the secret word is walrus")
            await ann.entries.edit(sent.conversation, sent.seq, "the secret word is badger")
        answer = await bob.send("user/ann", "mine")
        await until(lambda: len(bob.local_history(sent.conversation)) == 4)
        with app.acting() as server:
            server.delete("/v1/parties/user/ann").raise_for_status()
        await until(lambda: bob.local_history(sent.conversation)[-1].type == "message.erased")
        held = {entry.seq: entry for entry in bob.local_history(sent.conversation)}
        assert held[sent.seq].content is None
        now = held[sent.seq].now
        assert now is not None
        assert now.erased
        assert held[answer.seq].content == {"text": "mine"}
        assert not any("walrus" in str(entry) or "badger" in str(entry) for entry in held.values())


async def test_a_change_whose_answer_was_lost_is_not_repeated(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(app, "user/ann") as ann:
        sent = await ann.send("user/bob", "old")
        asked: list[Any] = []
        call = ann.entries._call

        async def twice(method: str, params: Any, result: type[Any], **more: Any) -> Any:
            """What happens when an answer is lost: the same request once more."""
            asked.append(await call(method, params, result, **more))
            asked.append(await call(method, params, result, **more))
            return asked[-1]

        monkeypatch.setattr(ann.entries, "_call", twice)
        await ann.entries.react(sent.conversation, sent.seq, "+1")
        await ann.entries.react(sent.conversation, sent.seq, "+1", on=False)
        await ann.entries.edit(sent.conversation, sent.seq, "new")
        await ann.entries.pin(sent.conversation, sent.seq)
        await ann.entries.recall(sent.conversation, sent.seq)
        assert [one.seq for one in asked] == [3, 3, 4, 4, 5, 5, 6, 6, 7, 7]
        await until(lambda: ann.local_history(sent.conversation)[-1].seq == 7)
