"""Idempotency-Key: one effect and one answer, whatever is repeated, and whenever."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import pytest

from tests.unit.http.conftest import Connect
from tests.unit.http.registry import ADMIN_TOKEN, CLIENT_TOKEN, World
from trunkline.base.errors import Code, TrunklineError

M = "/v1/conversations/team/messages"
BODY = {"content": {"text": "x"}}


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


async def test_a_repetition_gets_the_same_answer_and_has_no_effect(client: httpx.AsyncClient, world: World) -> None:
    first = await client.post(M, json=BODY, headers=keyed("k"))
    second = await client.post(M, json=BODY, headers=keyed("k"))

    assert len(world.asked) == 1
    assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
    assert second.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_a_quoted_key_is_the_same_key(client: httpx.AsyncClient, world: World) -> None:
    await client.post(M, json=BODY, headers=keyed('"k"'))
    await client.post(M, json=BODY, headers=keyed("k"))

    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", M, {"content": {"text": "y"}}, {}),
        ("POST", "/v1/conversations/other/messages", BODY, {}),
        ("POST", M, BODY, {"Trunkline-Party": "user/u2"}),
        ("POST", "/v1/messages", {"conversation": "team", **BODY}, {}),
        ("DELETE", f"{M}/3", None, {}),
    ],
    ids=["other content", "other path", "other party", "other route", "other method"],
)
async def test_a_key_used_for_another_request_is_refused(
    client: httpx.AsyncClient, world: World, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    await client.post(M, json=BODY, headers=keyed("k"))

    answer = await client.request(method, path, json=body, headers=keyed("k", **headers))

    assert (answer.status_code, answer.json()["code"]) == (409, Code.ID_CONFLICT.number)
    assert len(world.asked) == 1


async def test_a_key_of_a_running_request_is_busy(client: httpx.AsyncClient, world: World) -> None:
    world.before_answer = asyncio.Event()
    first = asyncio.ensure_future(client.post(M, json=BODY, headers=keyed("k")))
    while not world.asked:
        await asyncio.sleep(0)

    second = await client.post(M, json=BODY, headers=keyed("k"))
    world.before_answer.set()

    assert (second.status_code, second.json()["code"], second.json()["applied"]) == (503, Code.BUSY.number, False)
    assert second.headers["Retry-After"] == "1"
    assert (await first).status_code == 201
    assert (await client.post(M, json=BODY, headers=keyed("k"))).headers["Idempotent-Replayed"] == "true"
    assert len(world.asked) == 1


async def test_a_refusal_is_not_remembered(client: httpx.AsyncClient, world: World) -> None:
    world.refuse = TrunklineError(Code.MUTED)
    refused = await client.post(M, json=BODY, headers=keyed("k"))
    world.refuse = None

    again = await client.post(M, json=BODY, headers=keyed("k"))

    assert (refused.status_code, again.status_code) == (403, 201)
    assert "Idempotent-Replayed" not in again.headers


async def test_without_a_key_nothing_is_remembered(client: httpx.AsyncClient, world: World) -> None:
    await client.post(M, json=BODY)
    await client.post(M, json=BODY)

    assert (len(world.asked), len(world.remembered)) == (2, 0)


async def test_a_read_takes_no_key(client: httpx.AsyncClient, world: World) -> None:
    await client.get(M, headers=keyed("k"))
    await client.get(M, headers=keyed("k"))

    assert (len(world.asked), len(world.remembered)) == (2, 0)


async def test_a_replayed_answer_waits_for_the_disk_too(client: httpx.AsyncClient, world: World) -> None:
    await client.post(M, json=BODY, headers=keyed("k"))
    world.refuse_commit = TrunklineError(Code.DISK_FULL)

    assert (await client.post(M, json=BODY, headers=keyed("k"))).status_code == 507


async def test_clients_do_not_share_keys_with_the_app_server(connect: Connect, world: World) -> None:
    by_client = connect(auth=None)
    mine = await by_client.post(M, json=BODY, headers=keyed("k", Authorization=f"Bearer {CLIENT_TOKEN}"))
    servers = await connect().post(M, json=BODY, headers=keyed("k"))

    assert (mine.status_code, servers.status_code, len(world.asked)) == (201, 201, 2)


async def test_an_empty_answer_is_remembered(client: httpx.AsyncClient, world: World) -> None:
    first = await client.delete("/v1/devices/phone", headers=keyed("k"))
    second = await client.delete("/v1/devices/phone", headers=keyed("k"))

    assert (first.status_code, second.status_code, second.content, len(world.asked)) == (204, 204, b"", 1)


async def test_a_secret_is_shown_again_but_never_kept(
    client: httpx.AsyncClient, connect: Connect, world: World
) -> None:
    first = await client.post("/v1/keys", json={}, headers=keyed("k"))
    second = await client.post("/v1/keys", json={}, headers=keyed("k"))
    operator = connect(auth=None)
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    created = await operator.post("/v1/admin/apps", json={"name": "A"}, headers=keyed("k", **admin))
    again = await operator.post("/v1/admin/apps", json={"name": "A"}, headers=keyed("k", **admin))

    assert first.json()["secret"] == second.json()["secret"] == "shown-once"
    assert created.json()["key"]["secret"] == again.json()["key"]["secret"] == "shown-once"
    assert len(world.asked) == len(world.remembered) == 2
    assert b"shown-once" not in b"".join(kept.body for kept in world.remembered.values())


async def test_each_message_of_a_keyed_bulk_has_a_send_id(client: httpx.AsyncClient, world: World) -> None:
    messages = [{"to": "user/u1", "content": {}}, {"to": "user/u2", "content": {}, "outbox": "mine-0001", "n": 9}]

    for _ in range(2):
        world.remembered.clear()  # as after a crash between two groups of the bulk
        await client.post("/v1/messages/bulk", json={"messages": messages}, headers=keyed("k"))
    await client.post("/v1/messages/bulk", json={"messages": messages}, headers=keyed("k2"))
    await client.post("/v1/messages/bulk", json={"messages": messages})

    ids = [[(send.outbox, send.n) for send in request.messages] for _, _, request in world.asked]
    assert ids[0] == ids[1]
    assert ids[0][0][1] == 1
    assert ids[0][1] == ("mine-0001", 9)
    assert ids[2][0][0] != ids[0][0][0]
    assert ids[3][0] == (None, 0)
    outbox = msgspec.structs.fields(type(world.asked[0][2].messages[0]))
    msgspec.convert(ids[0][0][0], next(info.type for info in outbox if info.name == "outbox"))


async def test_what_opens_something_for_its_holder_is_made_afresh_and_never_kept(
    client: httpx.AsyncClient, world: World
) -> None:
    for _ in range(2):
        made = await client.post("/v1/files/f_1/links", json={}, headers=keyed("k"))
        assert made.status_code == 201, made.text
        assert "Idempotent-Replayed" not in made.headers

    assert (len(world.asked), world.remembered) == (2, {})
