"""Tag some users and tell the German VIPs something. Needs TRUNKLINE_URL, TRUNKLINE_KEY and TRUNKLINE_SECRET."""

import os
import time

import httpx

app = httpx.Client(
    base_url=os.environ["TRUNKLINE_URL"], auth=(os.environ["TRUNKLINE_KEY"], os.environ["TRUNKLINE_SECRET"])
)
app.post("/v1/broadcasts/conversations", json={"id": "news", "name": "News"})
app.put("/v1/tags", json={"parties": ["user/ann", "user/bob"], "tags": ["vip", "de"]}).raise_for_status()

messages = "/v1/broadcasts/conversations/news/messages"
now = {"content": {"text": "Welcome to the sale"}, "audience": "vip AND de"}
sent = app.post(messages, json=now).raise_for_status().json()
print("sent as number", sent["seq"])

later = {
    "content": {"text": "Last hour"},
    "audience": "de AND NOT vip",
    "send_at_ms": int(time.time() * 1000) + 3_600_000,
}
planned = app.post(messages, json=later).raise_for_status().json()
print(planned["broadcast"], "is", planned["status"])
print("cancelled:", app.delete(f"/v1/broadcasts/{planned['broadcast']}").raise_for_status().json()["status"])
