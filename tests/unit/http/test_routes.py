"""The route table covers the specification, and every route leads to its operation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import Connect
from tests.unit.http.registry import ADMIN_TOKEN, TABLE, World
from trunkline.edges.http.examples import EXAMPLES
from trunkline.edges.http.routes import NOT_IN_REST, ROUTES, Route

SPEC = Path(__file__).parents[3] / "spec" / "link.md"
QUERY = {"profile.get": "parties=user/u1", "presence.get": "parties=user/u1", "message.search": "text=word"}
VALUES = {
    "file": "f_x",
    "conversation": "team",
    "seq": "3",
    "thread": "3",
    "broadcast": "b_1",
    "community": "club",
    "channel": "talk",
    "id": "main",
    "key": "%F0%9F%91%8D",
    "kind": "user",
    "name": "u2",
    "device": "phone",
    "app": "a_1",
    "webhook": "w_1",
    "quiz": "q1",
    "question": "1",
}


def specified() -> set[str]:
    section = SPEC.read_text("utf-8").partition("## 8. Methods")[2].partition("## 9.")[0]
    return set(re.findall(r"`([a-z]+(?:\.[a-z_]+)?)`", section))


def url(route: Route) -> str:
    path = re.sub(r"{(\w+)}", lambda match: VALUES[match.group(1)], route.path)
    return f"{path}?{QUERY[route.operation]}" if route.operation in QUERY else path


def test_the_table_has_every_specified_method_but_those_about_a_connection() -> None:
    assert len(specified()) > 40
    assert {route.operation for route in ROUTES} == specified() - NOT_IN_REST


def test_operation_ids_and_resources_are_unique() -> None:
    assert len({route.operation_id for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
async def test_every_route_runs_its_operation(route: Route, connect: Connect, world: World) -> None:
    operator = route.operation.startswith(("app.", "backup."))
    client = connect(auth=None if operator else ("K1", "s3cret"))
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"} if operator else {}
    body: dict[str, Any] = {"json": EXAMPLES[route.operation_id]} if route.operation_id in EXAMPLES else {}

    answer = await client.request(route.method, url(route), headers=headers, **body)

    empty = {name: result.__name__ == "EmptyResult" for name, _, result, *_ in TABLE}[route.operation]
    assert answer.status_code == (204 if empty else route.status), answer.text
    [(name, _, request)] = world.asked
    assert name == route.operation
    for param in route.path_params:
        if param in ("conversation", "device", "app"):
            assert getattr(request, param) == VALUES[param]
        for field in route.spread.get(param, (param,) if param in ("seq", "thread") else ()):
            assert getattr(request, field) == 3
    if route.party == "party":
        assert request.party == "user/u2"
    for field, value in route.fixed.items():
        assert getattr(request, field) == value


async def test_a_party_in_the_path_may_fill_a_list(client: httpx.AsyncClient, world: World) -> None:
    await client.delete("/v1/groups/team/members/user/u2")

    assert world.asked[0][2].parties == ["user/u2"]


async def test_the_path_of_a_send_wins_over_its_body(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/v1/conversations/team/messages", json={"to": "user/u2", "conversation": "x", "content": {}})

    assert (world.asked[0][2].conversation, world.asked[0][2].to) == ("team", None)


async def test_a_path_segment_is_percent_decoded(client: httpx.AsyncClient, world: World) -> None:
    await client.put("/v1/conversations/team/messages/3/reactions/%F0%9F%91%8D")

    assert world.asked[0][2].key == "👍"


async def test_head_answers_like_get_without_running_twice(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.head("/v1/conversations")

    assert answer.status_code == 200
    assert len(world.asked) == 1


async def test_what_was_made_is_named_in_location(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/messages", json={"to": "user/u2", "content": {"text": "x"}})

    assert answer.headers["Location"] == "/v1/conversations/team/messages/3"


async def test_one_entry_is_read_by_its_seq(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.get("/v1/conversations/team/messages/3")

    assert answer.json()["seq"] == 3
    assert (world.asked[0][2].from_seq, world.asked[0][2].to_seq, world.asked[0][2].limit) == (3, 3, 1)
