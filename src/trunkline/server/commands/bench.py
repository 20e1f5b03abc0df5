"""``trunkline bench``: a small load test of a running server with real SDK clients.

It tells whether an installation is healthy and what it gives; the comparison with other systems is ``make bench``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import Any

from trunkline.client import Client, ClientStopped, Options
from trunkline.client.tokens import mint_token
from trunkline.server.commands.options import CommandError


def add(commands: Any) -> None:
    """Offer the command."""
    parser: argparse.ArgumentParser = commands.add_parser("bench", help="put a small load on a running server")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the server")
    parser.add_argument("--key", required=True, help="API key")
    parser.add_argument("--secret", required=True, help="its secret (or - to read it from standard input)")
    parser.add_argument("--users", type=int, default=20, help="users, in pairs (2 to 500)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long (up to 600)")
    parser.add_argument("--window", type=int, default=1, help="messages each user has under way (1 to 64)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the load; 0 when every message was acknowledged and arrived."""
    if not (2 <= options.users <= 500 and 0 < options.seconds <= 600 and 1 <= options.window <= 64):
        raise CommandError("--users takes 2 to 500, --seconds up to 600, --window 1 to 64")
    secret = sys.stdin.readline().strip() if options.secret == "-" else options.secret
    result = asyncio.run(_load(options, secret))
    if options.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['messages']:,} messages in {result['seconds']:.1f} s: {result['messages_per_s']:,.0f}/s, "
            f"durable after p50 {result['ack_p50_ms']:.1f} ms, p99 {result['ack_p99_ms']:.1f} ms; "
            f"{result['missing']} not delivered"
        )
        print("The clients are Python and share this machine: they are usually the limit.", file=sys.stderr)
    return 0 if result["missing"] == 0 else 1


async def _load(options: argparse.Namespace, secret: str) -> dict[str, float]:
    count = options.users - options.users % 2
    run_id = f"{time.time_ns():x}"
    arrived: dict[str, int] = {}
    latencies_s: list[float] = []
    clients: list[tuple[str, Client]] = []
    for index in range(count):
        party = f"user/bench-{run_id}-{index}"

        def on_entry(entry: Any, party: str = party) -> None:
            if entry.type == "text" and entry.sender != party:
                arrived[party] = arrived.get(party, 0) + 1

        token = mint_token(options.key, secret, party, ttl_s=3600)
        clients.append((party, Client(options.url, token, options=Options(max_outbox=100_000), on_entry=on_entry)))
    try:
        for _, client in clients:
            await client.__aenter__()
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(*(client.online() for _, client in clients))
        except TimeoutError:
            raise CommandError(
                f"the clients could not sign in at {options.url}; is it running, is the key right?"
            ) from None
        except ClientStopped as stopped:
            raise CommandError(f"the server turned the clients away: {stopped}") from None
        began_s = time.monotonic()
        end_s = began_s + options.seconds

        async def talk(client: Client, peer: str) -> None:
            while time.monotonic() < end_s:
                sent_s = time.monotonic()
                await client.send(peer, "x" * 100)
                latencies_s.append(time.monotonic() - sent_s)

        await asyncio.gather(
            *(talk(client, clients[i ^ 1][0]) for i, (_, client) in enumerate(clients) for _ in range(options.window))
        )
        took_s = time.monotonic() - began_s
        deadline_s = time.monotonic() + 10
        while sum(arrived.values()) < len(latencies_s) and time.monotonic() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await asyncio.gather(*(client.close() for _, client in clients))
    points = statistics.quantiles(latencies_s, n=100) if len(latencies_s) > 1 else [0.0] * 99
    return {
        "users": count,
        "window": options.window,
        "seconds": took_s,
        "messages": len(latencies_s),
        "messages_per_s": len(latencies_s) / took_s,
        "ack_p50_ms": points[49] * 1000,
        "ack_p99_ms": points[98] * 1000,
        "missing": len(latencies_s) - sum(arrived.values()),
    }
