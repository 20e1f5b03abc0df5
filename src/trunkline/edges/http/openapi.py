"""The OpenAPI 3.1 document, made from the route table, the operation registry and the wire Structs.

Nothing in it is written twice: what the dispatcher binds is what the document shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trunkline.base.errors import Code
from trunkline.edges.http.binding import Binder
from trunkline.edges.http.endpoint import success_status
from trunkline.edges.http.examples import EXAMPLES, PATH_EXAMPLES
from trunkline.edges.http.idempotency import KEY_HEADER, KEY_PATTERN, REPLAYED_HEADER
from trunkline.edges.http.problems import PROBLEM_MEDIA_TYPE, Problem
from trunkline.edges.http.routes import ROUTES, Route
from trunkline.edges.http.schema_types import CONTENTS, SchemaTypes, element_type
from trunkline.services.operation import Audience, Operation

_REF = "#/components/schemas/{name}"
_LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

_INTRODUCTION = """\
Everything the link offers, for app servers and for clients without a socket.

**Authentication.** App servers send their API key and secret as HTTP Basic and act as `bot/system`, or as the party
named in the header `Trunkline-Party`. Clients send their token as Bearer and act as themselves.

**Errors** are problem documents (RFC 9457) with a stable `code`; `retry` says what to do, `applied` whether anything
changed. All of them are listed at [/errors](/errors).

**Idempotency.** Any request that changes something may carry an `Idempotency-Key`: a repetition has no second effect
and gets the first answer again, with `Idempotent-Replayed: true`.

**Durability.** An answer means that the effect, and everything the answer shows, is on disk.

**Pages.** Lists return `next`; pass it as `after`. It is empty on the last page. Do not take it apart.

Unknown fields and query parameters are ignored.
"""

_AUDIENCE = {
    Audience.EVERYONE: "Clients, guests included, and app servers",
    Audience.PARTIES: "Clients other than guests, and app servers",
    Audience.SERVERS: "App servers",
    Audience.OPERATOR: "The operator",
}
_SECURITY: dict[Audience, list[dict[str, list[str]]]] = {
    Audience.EVERYONE: [{"server": []}, {"client": []}],
    Audience.PARTIES: [{"server": []}, {"client": []}],
    Audience.SERVERS: [{"server": []}],
    Audience.OPERATOR: [{"operator": []}],
}
_TAGS = (
    ("Messages", ("message", "history", "receipt", "pin")),
    ("Threads", ("thread",)),
    ("Cards", ("card",)),
    ("Webhooks", ("webhook", "event")),
    ("Files", ("file",)),
    ("Conversations", ("conversation", "cursor", "member", "sync")),
    ("Groups", ("group",)),
    ("Rooms", ("room",)),
    ("Quizzes", ("quiz",)),
    ("Live sessions", ("live",)),
    ("Communities", ("community", "category", "channel", "usergroup")),
    ("Broadcasts", ("broadcast", "tags")),
    ("Parties", ("profile", "presence", "block", "device", "party")),
    ("Keys and apps", ("token", "key", "app")),
    ("Deployment", ("backup",)),
)


def build_document(
    operations: Mapping[str, Operation], *, version: str, public_url: str = "", routes: Iterable[Route] = ROUTES
) -> dict[str, Any]:
    """The whole document, ready to encode."""
    twins = SchemaTypes()
    binders = [(route, Binder(route, operations[route.operation].request)) for route in routes]
    types: list[Any] = [Problem, *CONTENTS.values()]
    for route, binder in binders:
        if success_status(route, operations[route.operation]) != 204:
            types.append(twins.of(answer_type(route, operations[route.operation])))
        if binder.body_type is not None and binder.free:
            types.append(twins.of(binder.body_type))
        types += [twins.of(info.type) for info in msgspec.structs.fields(binder.request)]
    schemas = _Schemas(twins, types)
    paths: dict[str, dict[str, Any]] = {}
    for route, binder in binders:
        described = _describe(route, operations[route.operation], binder, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = described
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trunkline",
            "version": version,
            "summary": "Durable, ordered messaging",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "tags": [{"name": name} for name, _ in _TAGS],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "responses": _responses(),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }
    return document


class _Schemas:
    """JSON Schemas by type."""

    def __init__(self, twins: SchemaTypes, types: list[Any]) -> None:
        self._twins = twins
        unique = list(dict.fromkeys(types))
        schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
        self._by_type = dict(zip(unique, schemas, strict=True))
        self.components = {name: _cleaned(schema) for name, schema in sorted(components.items())}

    def of(self, type_: Any) -> dict[str, Any]:
        schema: dict[str, Any] = _cleaned(self._by_type[self._twins.of(type_)])
        return schema


def _cleaned(schema: Any) -> Any:
    """Docstrings without their indentation and markup; no null default where null means absent."""
    if isinstance(schema, list):
        return [_cleaned(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned = {name: _cleaned(value) for name, value in schema.items()}
    if isinstance(cleaned.get("description"), str):
        cleaned["description"] = inspect.cleandoc(cleaned["description"]).replace("``", "`")
    return cleaned


def _is_page(route: Route, operation: Operation) -> bool:
    """Whether the answer may go on in another one."""
    names = {info.name for info in msgspec.structs.fields(operation.result)}
    return (route.operation == "history.get" and not route.only) or "next" in names


def answer_type(route: Route, operation: Operation) -> Any:
    """The type of a successful answer."""
    return element_type(operation.result, route.only) if route.only else operation.result


def _describe(route: Route, operation: Operation, binder: Binder, schemas: _Schemas) -> dict[str, Any]:
    scope = f" An API key needs the scope `{operation.scope}`." if operation.scope else ""
    request_doc = inspect.cleandoc(operation.request.__doc__ or "").replace("``", "`")
    described: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary or operation.summary,
        "description": f"{request_doc}\n\nFor: {_AUDIENCE[operation.audience].lower()}.{scope}".strip(),
        "tags": [_tag(route)],
        "security": _SECURITY[operation.audience],
        "parameters": _parameters(route, operation, binder, schemas),
    }
    if binder.body_type is not None and binder.free:
        media: dict[str, Any] = {"schema": schemas.of(binder.body_type)}
        if route.operation_id in EXAMPLES:
            media["example"] = EXAMPLES[route.operation_id]
        required = any(info.required for info in binder.free.values())
        described["requestBody"] = {"required": required, "content": {"application/json": media}}
    described["responses"] = {
        str(success_status(route, operation)): _success(route, operation, schemas),
        "4XX": {"$ref": "#/components/responses/Refused"},
        "5XX": {"$ref": "#/components/responses/Failed"},
    }
    return described


def _success(route: Route, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    if operation.audience is not Audience.OPERATOR:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS}
    if _is_page(route, operation):
        headers["Link"] = {"$ref": "#/components/headers/Link"}
    if route.location:
        headers["Location"] = {"$ref": "#/components/headers/Location"}
    if route.method != "GET":
        headers[REPLAYED_HEADER] = {"$ref": f"#/components/headers/{REPLAYED_HEADER}"}
    if success_status(route, operation) == 204:
        return {"description": "Done.", "headers": headers}
    type_ = answer_type(route, operation)
    description = inspect.cleandoc(type_.__doc__ or "Done.").partition("\n")[0].replace("``", "`")
    content = {"application/json": {"schema": schemas.of(type_)}}
    return {"description": description, "headers": headers, "content": content}


def _parameters(route: Route, operation: Operation, binder: Binder, schemas: _Schemas) -> list[dict[str, Any]]:
    parameters = [_path_parameter(route, binder, name, schemas) for name in route.path_params]
    if binder.body_type is None:
        for name, info in binder.free.items():
            parameter: dict[str, Any] = {"name": name, "in": "query", "schema": schemas.of(info.type)}
            if info.required:
                parameter["required"] = True
            elif info.default not in (msgspec.NODEFAULT, None, ""):
                parameter["schema"] = {**parameter["schema"], "default": info.default}
            parameters.append(parameter)
    if operation.audience is not Audience.OPERATOR:
        parameters.append({"$ref": "#/components/parameters/ActingParty"})
    if route.method != "GET":
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return parameters


def _path_parameter(route: Route, binder: Binder, name: str, schemas: _Schemas) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "path", "required": True}
    if route.party and name == "kind":
        parameter["schema"] = {"enum": ["user", "device", "bot", "guest"]}
    elif route.party and name == "name":
        parameter["schema"] = {"type": "string", "pattern": r"^[A-Za-z0-9._~@+\-]{1,64}$"}
    else:
        field = route.spread[name][0] if name in route.spread else name
        parameter["schema"] = schemas.of(binder.type_of(field))
        if name in route.spread:
            parameter["schema"] = {**parameter["schema"], "minimum": 1}
    if name in PATH_EXAMPLES:
        parameter["example"] = PATH_EXAMPLES[name]
    return parameter


def _tag(route: Route) -> str:
    subject = route.operation.partition(".")[0]
    return next(name for name, subjects in _TAGS if subject in subjects)


def _responses() -> dict[str, Any]:
    def listed(low: int) -> str:
        codes = [code for code in Code if code.http_status // 100 == low]
        return "\n".join(f"- `{code.number}` [{code.slug}](/errors/{code.slug}) ({code.http_status})" for code in codes)

    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", "Retry-After")}
    return {
        "Refused": {"description": f"The request was refused.\n\n{listed(4)}", "headers": headers, "content": content},
        "Failed": {
            "description": f"The server could not serve the request.\n\n{listed(5)}",
            "headers": headers,
            "content": content,
        },
    }


_PARAMETERS: dict[str, Any] = {
    "ActingParty": {
        "name": "Trunkline-Party",
        "in": "header",
        "description": "App servers: the party in whose name to act, instead of `bot/system`.",
        "schema": {"type": "string", "pattern": r"^(user|device|bot|guest)/[A-Za-z0-9._~@+\-]{1,64}$"},
        "example": "user/alice",
    },
    "IdempotencyKey": {
        "name": KEY_HEADER,
        "in": "header",
        "description": "Makes a repetition of this request harmless.",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    },
}
_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"description": "Names this request in the server's log.", "schema": {"type": "string"}},
    "Link": {"description": 'The next page, as `rel="next"`; absent on the last.', "schema": {"type": "string"}},
    "Location": {"description": "Where to read what was made.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before a retry.", "schema": {"type": "integer"}},
    REPLAYED_HEADER: {
        "description": "`true` when this is the answer to an earlier request with the same key.",
        "schema": {"enum": ["true"]},
    },
    "RateLimit-Limit": {"description": "Requests possible at once.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Of these, left now.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until all are there again.", "schema": {"type": "integer"}},
}
_SECURITY_SCHEMES: dict[str, Any] = {
    "server": {"type": "http", "scheme": "basic", "description": "API key and secret of an app server."},
    "client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Token of a client."},
    "operator": {"type": "http", "scheme": "bearer", "description": "Admin token of the deployment."},
}
