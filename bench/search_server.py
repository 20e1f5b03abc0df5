"""Search through a whole server: a million messages sent over the link, then two-word queries over the link.

Lives here: filling a server, asking as a user of a thousand conversations and as the app's own server. The index by
itself is measured in ``search``.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from bench.corpus import Corpus
from bench.linkclient import LinkClient
from bench.peers import running
from bench.peers.trunkline import Trunkline
from bench.results import Section, Table, Verdict
from bench.settings import Settings

MESSAGES = 1_000_000
MINE, OTHERS = 1_000, 10_000
QUERIES = 400
WARM_UP = 20
TARGET_MS = 50.0
INDEX_PATIENCE_S = 600.0
ME, CROWD = "user/me", "user/crowd"

_METHOD = """\
{count:,} messages, half Chinese, are sent over the link; one in a hundred is in one of the {mine:,} direct
conversations of a user, the rest in {others:,} of another. When the index has them all, that user searches everywhere
over the link, and the app's server searches the whole app over REST: two words of a message, 20 hits a page, one
query at a time, times as the client sees them. Every hit has been read from the log again."""

Ask = Callable[[str], dict[str, Any]]


def measure(settings: Settings, system: Trunkline) -> Section:
    """Fill and query a fresh server."""
    count = MESSAGES // 50 if settings.quick else MESSAGES
    others = OTHERS // 50 if settings.quick else OTHERS
    queries = QUERIES // 4 if settings.quick else QUERIES
    system.environment["TRUNKLINE_SEARCH__ENABLED"] = "true"
    try:
        with running(system, settings, 2):
            return _measured(system, count, others, queries)
    finally:
        del system.environment["TRUNKLINE_SEARCH__ENABLED"]


def _measured(system: Trunkline, count: int, others: int, queries: int) -> Section:
    corpus = Corpus(1)
    rng = random.Random(2)
    mine: list[str] = []
    begun_s = time.perf_counter()
    with LinkClient(system.port, system.token(CROWD)) as crowd, LinkClient(system.port, system.token(ME)) as me:
        for _ in range(count // 1000):
            crowd.call_many("message.send", _messages(crowd, corpus, rng, "v", others, 990), 64)
            texts = list(_messages(me, corpus, rng, "u", MINE, 10))
            me.call_many("message.send", texts)
            mine.append(rng.choice(texts)["content"]["text"])
        sent_s = time.perf_counter() - begun_s
        _wait_indexed(me)
        indexed_s = time.perf_counter() - begun_s
        print(f"  sent {count:,} in {sent_s:.0f} s, indexed {indexed_s - sent_s:.1f} s later", flush=True)
        rest = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)

        def by_link(text: str) -> dict[str, Any]:
            return me.call("message.search", {"text": text})

        def by_rest(text: str) -> dict[str, Any]:
            authorization = "Basic " + b64encode(":".join(system.credentials).encode()).decode()
            rest.request("GET", f"/v1/messages/search?text={quote(text)}", headers={"Authorization": authorization})
            answer = rest.getresponse()
            page: dict[str, Any] = json.load(answer)
            assert answer.status == 200, page
            return page

        rng.shuffle(mine)
        words = [corpus.query(text) for text in itertools.islice(itertools.cycle(mine), queries)]
        frequent = [" ".join(rng.sample(corpus.words[:12], 2)) for _ in range(queries // 2)]
        frequent += [" ".join(rng.sample(corpus.chinese[:12], 2)) for _ in range(queries // 2)]
        table = Table(["query", "who", "p50 ms", "p99 ms", "hits"])
        worst = 0.0
        for (kind, texts_), (who, ask) in itertools.product(
            (("two words of a message", words), ("two frequent words", frequent)),
            ((f"a user of {MINE:,} conversations", by_link), ("the app's server", by_rest)),
        ):
            times, hits = _timed(ask, texts_)
            p99 = statistics.quantiles(times, n=100)[98]
            worst = max(worst, p99)
            table.rows.append([kind, who, f"{statistics.median(times):.1f}", f"{p99:.1f}", f"{hits:.1f}"])
            print("  " + " · ".join(table.rows[-1]), flush=True)
        rest.close()
    return Section(
        "search_server",
        "Search through a server",
        _METHOD.format(count=count, mine=MINE, others=others),
        [table],
        [
            Verdict(
                f"1 million messages: two-word query p99 <= {TARGET_MS:.0f} ms, Chinese included",
                f"{worst:.1f} ms",
                worst <= TARGET_MS if count == MESSAGES else None,
            )
        ],
        data={"worst_p99_ms": worst, "messages": count, "sent_s": sent_s, "indexed_s": indexed_s},
    )


def _messages(
    client: LinkClient, corpus: Corpus, rng: random.Random, name: str, among: int, count: int
) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        yield client.text_params(corpus.text(), to=f"user/{name}{rng.randrange(among)}")


def _wait_indexed(client: LinkClient) -> None:
    deadline_s = time.monotonic() + INDEX_PATIENCE_S
    while client.call("message.search", {"text": "anything"}).get("behind"):
        assert time.monotonic() < deadline_s, "the index does not catch up"
        time.sleep(0.1)


def _timed(ask: Ask, texts: list[str]) -> tuple[list[float], float]:
    """Milliseconds of each query, and how many hits there were on average."""
    for text in texts[:WARM_UP]:
        ask(text)
    times = []
    hits = 0
    for text in texts:
        begun_s = time.perf_counter()
        page = ask(text)
        times.append((time.perf_counter() - begun_s) * 1000)
        hits += len(page["hits"])
    return times, hits / max(1, len(texts))
