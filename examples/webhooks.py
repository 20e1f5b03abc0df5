"""An app's own server: takes every message once, and decides about messages before they are accepted.

Needs TRUNKLINE_URL, TRUNKLINE_KEY and TRUNKLINE_SECRET, of a key with the scope ``webhooks``. The server calls this
program back at http://127.0.0.1:PORT, which it does only when its operator allows that:

    TRUNKLINE_WEBHOOKS__ALLOW_NETWORKS=127.0.0.0/8 TRUNKLINE_WEBHOOKS__ALLOW_HTTP=true trunkline serve
"""

import json
import os
import sqlite3
import time
from typing import Any

import httpx
from aiohttp import web

from trunkline.crypto.webhooks import SignatureInvalid, read_secret, verify

PORT = int(os.environ.get("PORT", "8090"))
FORBIDDEN = "casino"

db = sqlite3.connect("webhooks.db", isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS secret (path TEXT PRIMARY KEY, secret TEXT NOT NULL)")
db.execute("CREATE TABLE IF NOT EXISTS taken (event TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")


def subscribe() -> None:
    """Make both webhooks at the first start: a secret is shown only then."""
    wanted: dict[str, dict[str, Any]] = {
        "events": {"events": ["message.created"]},
        "ask": {"mode": "before_send", "on_failure": "accept", "deadline_ms": 5000},
    }
    key = (os.environ["TRUNKLINE_KEY"], os.environ["TRUNKLINE_SECRET"])
    with httpx.Client(base_url=os.environ["TRUNKLINE_URL"], auth=key) as trunkline:
        for path, options in wanted.items():
            if db.execute("SELECT 1 FROM secret WHERE path = ?", (path,)).fetchone():
                continue
            webhook = {"url": f"http://127.0.0.1:{PORT}/{path}"} | options
            made = trunkline.post("/v1/webhooks", json=webhook).raise_for_status().json()
            db.execute("INSERT INTO secret VALUES (?, ?)", (path, made["secret"]))


async def signed(request: web.Request) -> Any:
    """The body of a request, if it comes from the server; anybody else can post here too."""
    (secret,) = db.execute("SELECT secret FROM secret WHERE path = ?", (request.path[1:],)).fetchone()
    body = await request.read()
    try:
        verify(read_secret(secret), request.headers, body, time.time())
    except SignatureInvalid:
        raise web.HTTPUnauthorized from None
    return json.loads(body)


async def take(request: web.Request) -> web.Response:
    """Note an event and answer; an event that comes again is one that was noted, while the answer was lost."""
    event = await signed(request)
    entry = event["data"]["entry"]
    text = (entry.get("content") or {}).get("text", "")  # nothing is left when it was recalled meanwhile
    # The id and what is done about it become durable together, so that it is done exactly once.
    if db.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (event["id"], text)).rowcount:
        print(entry["sender"], "in", event["conversation"], "said", text)
    return web.Response(status=204)


async def decide(request: web.Request) -> web.Response:
    """Refuse one word, mask another, accept the rest."""
    message = (await signed(request))["data"]
    text = message["content"].get("text", "") if message["type"] == "text" else ""
    if FORBIDDEN in text:
        return web.json_response({"action": "reject", "code": "advertising", "message": "No advertising here."})
    if "password" in text:
        content = message["content"] | {"text": text.replace("password", "********")}
        return web.json_response({"action": "replace", "content": content})
    return web.json_response({"action": "accept"})


async def ready(_app: web.Application) -> None:
    """Say that events are taken from now on; what was sent before comes again."""
    print("ready")


subscribe()
app = web.Application()
app.add_routes([web.post("/events", take), web.post("/ask", decide)])
app.on_startup.append(ready)
web.run_app(app, host="127.0.0.1", port=PORT, print=None)
