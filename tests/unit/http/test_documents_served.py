"""The OpenAPI document describes what the dispatcher does; the pages show it without foreign content."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from tests.unit.http.conftest import Connect
from tests.unit.http.registry import World
from trunkline.base.errors import Code
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.edges.http import HttpConfig
from trunkline.edges.http.binding import Binder
from trunkline.edges.http.docs.errors import errors_markdown
from trunkline.edges.http.docs.markup import inline, paragraphs
from trunkline.edges.http.examples import EXAMPLES
from trunkline.edges.http.openapi import build_document
from trunkline.edges.http.routes import ROUTES
from trunkline.edges.http.schema_types import CONTENTS

SAMPLES = {
    "text": {"text": "x"},
    "voice": {"url": "u", "duration_ms": 1},
    "file": {"url": "u", "name": "n", "size_bytes": 1},
    "location": {"latitude": 1.0, "longitude": 2.0},
    "sticker": {"pack": "p", "id": "i"},
}
DOCUMENT = build_document(World().operations(), version="0.1.0")
OPERATIONS = [
    (method, path, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_route_is_described_once() -> None:
    assert sorted((operation["operationId"], method.upper(), path) for method, path, operation in OPERATIONS) == sorted(
        (route.operation_id, route.method, route.path) for route in ROUTES
    )


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = set(references(DOCUMENT))
    for reference in used:
        assert resolve(reference)
    for kind in ("schemas", "parameters", "headers", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_path_parameters_are_those_of_the_path() -> None:
    for _, path, operation in OPERATIONS:
        named = [parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"]
        assert named == re.findall(r"{(\w+)}", path)


def test_schemas_are_valid() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        assert schema.get("title") == name or "enum" in schema


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_fit_their_schema_and_their_request(name: str) -> None:
    operation = next(operation for _, _, operation in OPERATIONS if operation["operationId"] == name)
    media = operation["requestBody"]["content"]["application/json"]
    schema = {**resolve(media["schema"]["$ref"]), "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(media["example"])

    route = next(route for route in ROUTES if route.operation_id == name)
    binder = Binder(route, World().operations()[route.operation].request)
    path = {
        "conversation": "team",
        "seq": "3",
        "kind": "user",
        "name": "u1",
        "app": "a_1",
        "key": "song",
        "thread": "3",
        "webhook": "w_1",
        "quiz": "q1",
        "question": "1",
        "community": "club",
        "channel": "office",
        "id": "main",
    }
    binder.bind(path, [], json.dumps(EXAMPLES[name]).encode(), "application/json")


def test_what_is_only_there_to_be_refused_is_not_offered() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name.startswith("MessageSend"):
            assert not {"sender", "at_ms"} & set(schema["properties"]) or name == "MessageSent"
    send = DOCUMENT["components"]["schemas"]["MessageSend"]
    assert "content" in send["required"]
    assert {"$ref": "#/components/schemas/TextContent"} in send["properties"]["content"]["anyOf"]


def test_every_message_type_that_can_be_sent_has_its_content_described() -> None:
    sendable = {name for name, kind in MESSAGE_TYPES.items() if kind.sendable}
    assert set(CONTENTS) | {"custom"} == sendable
    for name, type_ in CONTENTS.items():
        MESSAGE_TYPES[name].check(msgspec.msgpack.encode(msgspec.convert(SAMPLES.get(name, {"url": "u"}), type_)))


def test_problems_are_described_as_they_are_sent() -> None:
    schema = DOCUMENT["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "code", "name", "retry", "applied"} <= set(schema["required"])
    listed = DOCUMENT["components"]["responses"]["Refused"]["description"]
    for code in Code:
        if 400 <= code.http_status < 500:
            assert f"/errors/{code.slug}" in listed


async def test_the_document_is_served(connect: Connect) -> None:
    client = connect(config=HttpConfig(public_url="https://chat.example"), auth=None)

    answer = await client.get("/v1/openapi.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["servers"] == [{"url": "https://chat.example"}]
    assert answer.json()["paths"] == msgspec.json.decode(msgspec.json.encode(DOCUMENT["paths"]))


class Page(HTMLParser):
    """Collects what a page links to and loads, and whether its tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids[given["id"] or ""] += 1
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag in ("link", "img", "script", "iframe") or "src" in given or "style" in given:
            self.loads.append(given.get("href") or given.get("src") or tag)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("path", ["/docs/api", "/errors", "/errors/rate_limited"])
async def test_pages_stand_on_their_own(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, auth=None)

    page = Page()
    page.feed(answer.text)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert page.loads == ["/docs/style.css"]
    assert page.open == []
    assert max(page.ids.values()) == 1
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert (await client.get(link, auth=None)).status_code == 200, link
    style = await client.get("/docs/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text
    assert "url(" not in style.text


async def test_the_reference_shows_every_operation_with_a_command(client: httpx.AsyncClient) -> None:
    text = (await client.get("/docs/api")).text

    for route in ROUTES:
        assert f'<section id="{route.operation_id}">' in text
    assert text.count("<pre>curl") == len(ROUTES)
    assert "https://" not in text.replace("https://chat.example", "")


async def test_the_root_leads_to_the_reference(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs/api")


async def test_documentation_can_be_switched_off(connect: Connect) -> None:
    client = connect(config=HttpConfig(docs=False))
    for path in ("/", "/docs/api", "/v1/openapi.json", "/errors/busy"):
        assert (await client.get(path)).status_code == 404


def test_descriptions_are_escaped() -> None:
    assert inline("a <b> `<c>` **d&** [e](/f) [g](javascript:h)") == (
        'a &lt;b&gt; <code>&lt;c&gt;</code> <strong>d&amp;</strong> <a href="/f">e</a> [g](javascript:h)'
    )
    assert paragraphs("one\ntwo\n\n- a\n- b") == "<p>one two</p>\n<ul><li>a</li><li>b</li></ul>"


def test_the_error_list_has_every_code() -> None:
    text = errors_markdown()
    for code in Code:
        assert f"| {code.number} | `{code.slug}` |" in text
