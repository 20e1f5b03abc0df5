"""Behind a reverse proxy, on a real server: whose X-Forwarded-* headers count, and for what."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.server.server_log import ServerLog
from tests.integration.server.test_refused_starts import refused

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
"""Both are this machine; the server tells them apart by their address."""


def caller(process: ServerProcess, address: str) -> httpx.Client:
    return httpx.Client(base_url=process.url, transport=httpx.HTTPTransport(local_address=address))


async def test_only_a_trusted_proxy_says_who_calls(tmp_path: Path):
    trusted: dict[str, dict[str, object]] = {"server": {"trusted_proxies": [PROXY, "10.0.0.0/8"]}}
    cases = (
        # By whom, what the header says, who called, and whether that is this machine (which may read metrics).
        (PROXY, "203.0.113.9", "203.0.113.9", False),
        (PROXY, "127.0.0.1, 203.0.113.9", "203.0.113.9", False),
        (PROXY, "203.0.113.9, 10.1.2.3", "203.0.113.9", False),
        (PROXY, "nobody", PROXY, True),
        (PROXY, "", PROXY, True),
        (STRANGER, "203.0.113.9", STRANGER, False),
        (STRANGER, "", STRANGER, True),
    )
    async with ServerProcess(tmp_path, config=trusted) as process:
        for number, (address, forwarded, known_as, local) in enumerate(cases):
            log = ServerLog(process)
            headers = {"X-Request-Id": f"case-{number}"} | ({"X-Forwarded-For": forwarded} if forwarded else {})
            with caller(process, address) as client:
                status = client.get("/metrics", headers=headers).status_code
            assert (number, status) == (number, 200 if local else 401)
            line = await log.said(f"GET /metrics {status}")
            assert (line["request_id"], line["client"]) == (f"case-{number}", known_as)
        for address, secure in ((PROXY, True), (STRANGER, False)):
            with caller(process, address) as client:
                answer = client.get("/health/live", headers={"X-Forwarded-Proto": "https"})
            assert ("Strict-Transport-Security" in answer.headers) is secure


@pytest.mark.parametrize("wrong", ["nearby", "10.0.0.0/33", "300.1.1.1", "*"])
def test_a_wrong_list_of_proxies_is_refused(tmp_path: Path, wrong: str):
    config = tmp_path / "c.toml"
    config.write_text(f'[server]\ntrusted_proxies = ["127.0.0.1", "{wrong}"]\n')
    status, said = refused("--config", str(config), "--data", str(tmp_path / "data"), "--port", "0")
    assert status == 2
    assert "trusted_proxies" in said
    assert repr(wrong) in said
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]
