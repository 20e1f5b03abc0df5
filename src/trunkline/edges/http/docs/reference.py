"""The API reference as a page, from the OpenAPI document alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from trunkline.edges.http.docs.markup import inline, page, paragraphs


def render_reference(document: dict[str, Any]) -> str:
    """The page."""
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append((method, path, operation))
    info = document["info"]
    main = [f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>", paragraphs(info["description"])]
    navigation: list[str] = []
    for tag, operations in by_tag.items():
        if not operations:
            continue
        navigation.append(f"<h2>{escape(tag)}</h2><ul>")
        main.append(f"<h2>{escape(tag)}</h2>")
        for method, path, operation in operations:
            anchor = escape(operation["operationId"])
            navigation.append(f'<li><a href="#{anchor}">{inline(operation["summary"])}</a></li>')
            main.append(_operation(document, method, path, operation))
        navigation.append("</ul>")
    main.append("<h2>Schemas</h2>")
    navigation.append("<h2>Schemas</h2><ul>")
    for name, schema in document["components"]["schemas"].items():
        navigation.append(f'<li><a href="#schema-{escape(name)}">{escape(name)}</a></li>')
        main.append(_schema_section(name, schema))
    navigation.append("</ul>")
    return page("API", "\n".join(main), "\n".join(navigation))


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    anchor = escape(operation["operationId"])
    parts = [
        f'<section id="{anchor}"><h3><a href="#{anchor}">{inline(operation["summary"])}</a></h3>',
        f'<p class="route"><code><span class="method {method}">{method.upper()}</span>{escape(path)}</code></p>',
        paragraphs(operation["description"]),
    ]
    parameters = [_resolved(document, parameter) for parameter in operation["parameters"]]
    if parameters:
        rows = [
            (
                f"<code>{escape(parameter['name'])}</code>{_required(parameter.get('required', False))}",
                escape(parameter["in"]),
                type_text(parameter["schema"]),
                inline(parameter.get("description", "")),
            )
            for parameter in parameters
        ]
        parts.append("<h4>Parameters</h4>" + table(("Name", "In", "Type", ""), rows))
    body = operation.get("requestBody")
    if body is not None:
        schema = _resolved(document, body["content"]["application/json"]["schema"])
        parts.append("<h4>Body</h4>" + _properties(schema))
    parts.append(f"<h4>Example</h4><pre>{escape(curl(document, method, path, operation))}</pre>")
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        content = response.get("content", {}).get("application/json")
        shown = type_text(content["schema"]) if content else "no content"
        parts.append(f"<h4>Answer</h4><p><code>{escape(status)}</code> {shown}: {inline(response['description'])}</p>")
    parts.append("</section>")
    return "\n".join(parts)


def curl(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    """A command that would call the operation."""
    query: list[tuple[str, str]] = []
    for parameter in (_resolved(document, one) for one in operation["parameters"]):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(parameter.get("example", parameter["name"].upper())))
        elif parameter["in"] == "query" and parameter.get("required"):
            query.append((parameter["name"], "user/alice"))
    if query:
        path += "?" + urlencode(query, safe="/")
    bearer = "server" not in operation["security"][0]
    credentials = "-H 'Authorization: Bearer ADMIN_TOKEN'" if bearer else "-u KEY:SECRET"
    verb = "" if method == "get" else f" -X {method.upper()}"
    lines = [f"curl{verb} {credentials} \\"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and "example" in body:
        lines.append("  -H 'Content-Type: application/json' \\")
        lines.append(f"  -d '{json.dumps(body['example'], ensure_ascii=False)}' \\")
    server = document["servers"][0]["url"].rstrip("/") or "http://127.0.0.1:8080"
    lines.append(f"  '{server}{path}'")
    return "\n".join(lines)


def _schema_section(name: str, schema: dict[str, Any]) -> str:
    anchor = f"schema-{escape(name)}"
    return (
        f'<section id="{anchor}"><h3><a href="#{anchor}">{escape(name)}</a></h3>'
        f"{paragraphs(schema.get('description', ''))}{_properties(schema)}</section>"
    )


def _properties(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(name)}</code>{_required(name in required)}",
            type_text(property_),
            inline(property_.get("description", "")),
        )
        for name, property_ in schema.get("properties", {}).items()
    ]
    return table(("Field", "Type", ""), rows) if rows else ""


def _required(is_required: bool) -> str:
    return ' <span class="dim">required</span>' if is_required else ""


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already."""
    header = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>'


def type_text(schema: dict[str, Any]) -> str:
    """A schema in a few words of HTML."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(type_text(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {type_text(schema.get('items', {}))}{_bounds(schema, 'minItems', 'maxItems')}"
    if kind == "string":
        return f"string{_bounds(schema, 'minLength', 'maxLength')}"
    if kind in ("integer", "number"):
        return f"{kind}{_bounds(schema, 'minimum', 'maximum')}"
    return escape(str(kind)) if kind else "any"


def _bounds(schema: dict[str, Any], low: str, high: str) -> str:
    if low not in schema and high not in schema:
        return ""
    return f' <span class="dim">{schema.get(low, "")}..{schema.get(high, "")}</span>'


def _resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    reference = value.get("$ref")
    if reference is None:
        return value
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    assert isinstance(target, dict)
    return target
