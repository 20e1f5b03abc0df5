"""After a known amount of work the metrics say exactly that, and the reference page names each of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.claims.server_process import ServerProcess
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rooms.acts import hear
from tests.integration.sdk.conftest import until
from trunkline.edges.link import native

ROOT = Path(__file__).resolve().parents[3]
UNPREDICTABLE = {"trunkline_loop_lag_seconds", "process_max_resident_bytes", "trunkline_journal_bytes"}
"""Of these only that they are there and above zero can be known."""


class Page:
    """One reading of /metrics."""

    def __init__(self, url: str) -> None:
        families = list(text_string_to_metric_families(httpx.get(f"{url}/metrics").text))
        self.types = {family.name: family.type for family in families}
        self.samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """One sample; 0 when there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))), 0.0)

    def requests(self) -> dict[tuple[str, str, str], float]:
        """How often each route answered with each status."""
        return {
            (labels["method"], labels["route"], labels["status"]): value
            for (name, pairs), value in self.samples.items()
            if name == "trunkline_http_request_seconds_count" and (labels := dict(pairs))["route"] != "/health/ready"
        }


def work(process: ServerProcess) -> None:
    """Three live sessions of two people; 4 sends and a repeated one, 3 over REST, some refused, a room with 2."""
    with (
        WireClient(process.url, "trunkline.v1.msgpack") as phone,
        WireClient(process.url, "trunkline.v1.msgpack") as laptop,
        WireClient(process.url, "trunkline.v1.msgpack") as bob,
        httpx.Client(base_url=process.url, auth=(process.key, process.secret)) as api,
    ):
        phone.call("hello", token=process.token("user/ann"), device="phone", outbox="outbox-1")
        laptop.call("hello", token=process.token("user/ann"), device="laptop")
        bob.call("hello", token=process.token("user/bob"), device="phone")
        for n in range(1, 5):
            phone.call("message.send", to="user/bob", type="text", content={"text": str(n)}, n=n)
        phone.call("message.send", to="user/bob", type="text", content={"text": "4"}, n=4)
        try:
            phone.call("message.send", to="user/bob", type="no-such-type", content={}, n=5)
            raise AssertionError("it was accepted")
        except Refused:
            pass
        for number in range(3):
            sent = api.post("/v1/messages", json={"to": "user/bob", "content": {"text": str(number)}})
            assert sent.status_code == 201
        assert api.post("/v1/messages", json={"to": "user/bob", "content": 7}).status_code == 422
        assert api.post("/v1/messages", json={"to": "user/bob", "content": {}}, auth=("k", "s" * 43)).status_code == 401
        assert api.get("/v1/none").status_code == 404
        bob.push("entry", lambda entry: entry["seq"] == 4 and entry["sender"] == "bot/system")
        phone.call("room.create", id="r1", types={"x.say": {"delivery": "reliable"}}, keep_alive=True)
        phone.call("room.join", conversation="r1")
        bob.call("room.join", conversation="r1")
        for number in range(2):
            phone.call("room.send", conversation="r1", type="x.say", content={"text": str(number)})
            for client in (phone, bob):
                hear(client, str(number))
        check_while_connected(Page(process.url))
        for client in (phone, bob):
            client.call("room.leave", conversation="r1")


def check_while_connected(page: Page) -> None:
    """Gauges of who is there."""
    assert page.value("trunkline_sessions") == 3
    assert page.value("trunkline_parties_online") == 2
    assert page.value("trunkline_rooms") == 1
    assert page.value("trunkline_room_members") == 2


async def test_the_metrics_say_exactly_what_was_done(tmp_path: Path):
    async with ServerProcess(tmp_path, config={"limits": {"link_rate": 0}}) as process:
        await process.create_app()
        records_before = Page(process.url).value("trunkline_records_appended_total")
        await asyncio.to_thread(work, process)
        await until(lambda: Page(process.url).value("trunkline_sessions") == 0)
        await until(lambda: Page(process.url).value("trunkline_projection_lag_records") == 0)
        page = Page(process.url)

    for name in UNPREDICTABLE:
        sample = f"{name}_count" if page.types[name] == "histogram" else name
        assert page.value(sample) > 0, name
    # 3 devices, 2 conversations with their `created` and 4 and 3 messages, a room with its `created` and 2 messages.
    assert page.value("trunkline_records_appended_total") - records_before == 3 + 5 + 4 + 3
    # The first one makes the conversation, which is not plain.
    assert page.value("trunkline_native_sends_total") == (0 if native.MODULE is None else 3)
    # Entries between ann and bob go to three sessions, those of the system to one.
    assert page.value("trunkline_pushes_total") == 5 * 3 + 4
    for name in ("sessions", "parties_online", "room_members", "commit_queue_records", "store_failed", "hook_answers"):
        assert page.value(f"trunkline_{name}") == 0, name
    assert page.value("trunkline_rooms") == 1
    assert page.value("trunkline_room_batches_total") == 2
    assert page.value("trunkline_conversations_resident") == 3
    said = {"type": "x", "reason": ""}
    assert page.value("trunkline_room_messages_total", outcome="received", **said) == 2
    assert page.value("trunkline_room_messages_total", outcome="sent", **said) == 2
    assert page.value("trunkline_room_deliveries_total", outcome="delivered", **said) == 4
    assert page.requests() == {
        ("POST", "/v1/admin/apps", "201"): 1,
        ("POST", "/v1/messages", "201"): 3,
        ("POST", "/v1/messages", "422"): 1,
        ("POST", "/v1/messages", "401"): 1,
        ("GET", "unmatched", "404"): 1,
        ("GET", "/metrics", "200"): page.value(
            "trunkline_http_request_seconds_count", method="GET", route="/metrics", status="200"
        ),
    }


async def test_the_reference_page_names_every_metric_with_its_type(tmp_path: Path):
    async with ServerProcess(tmp_path, config={"search": {"enabled": True}}) as process:
        served = Page(process.url).types
    text = (ROOT / "docs/reference/metrics.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", text, re.MULTILINE))
    shown = {f"{name}_total" if type == "counter" else name: type for name, type in served.items()}
    assert documented == shown
