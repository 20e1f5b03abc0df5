"""The full-text index by itself: building it from a million messages, then two-word queries.

Lives here: the product's own writer and reader of ``search.db``. Does not live here: the look at the log that
follows for each hit (``search_server``), so the numbers are of the search for candidates.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.corpus import Corpus
from bench.results import Section, Table, Verdict
from bench.settings import Settings
from trunkline.domain.log.records import Entry
from trunkline.domain.search import parse_query
from trunkline.services.search.ports import NEWEST, Scope
from trunkline.store.sqlite.search import schema
from trunkline.store.sqlite.search.documents import Documents, Item
from trunkline.store.sqlite.search.reader import SearchReader

MESSAGES = 1_000_000
CONVERSATIONS = 100_000
MINE = 1_000
BATCH = 2_000
QUERIES = 400
TARGET_MS = 50.0
_encode = msgspec.msgpack.encode


def items(corpus: Corpus, count: int) -> Iterator[Item]:
    """Entries of conversations picked at random."""
    heads: dict[int, int] = {}
    for number in range(count):
        conversation = corpus.random.randrange(CONVERSATIONS)
        seq = heads[conversation] = heads.get(conversation, 0) + 1
        content = _encode({"text": corpus.text()})
        sender = f"user/u{conversation % 7919}"
        yield "a_bench", f"g{conversation}", Entry(seq, 1_700_000_000_000 + number, sender, "text", content, seq, seq)


def measure(settings: Settings) -> Section:
    """Build and query."""
    count = MESSAGES // 50 if settings.quick else MESSAGES
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    path = settings.work_dir / "search.db"
    schema.delete(path)
    corpus = Corpus(1)
    sample, spent_s = _build(path, corpus, count)
    size = path.stat().st_size / count
    rate = count / spent_s
    print(f"  built {count:,} at {rate:,.0f} a second, {size:.0f} bytes each", flush=True)
    table = Table(["query", "where", "p50 ms", "p99 ms", "candidates"])
    worst = 0.0
    frequent = [" ".join(corpus.random.sample(corpus.words[:12], 2)) for _ in range(QUERIES // 4)]
    frequent += [" ".join(corpus.random.sample(corpus.chinese[:12], 2)) for _ in range(QUERIES // 4)]
    kinds = {
        "two words of a message": [corpus.query(text) for text in sample[:QUERIES]],
        "two frequent words": frequent,
    }
    for (kind, queries), (where, many) in itertools.product(
        kinds.items(), (("1,000 conversations", MINE), ("20 conversations", 20), ("the whole app", 0))
    ):
        times, found = asyncio.run(_ask(path, corpus.random, queries, many))
        p99 = statistics.quantiles(times, n=100)[98]
        worst = max(worst, p99)
        table.rows.append([kind, where, f"{statistics.median(times):.1f}", f"{p99:.1f}", f"{found:.1f}"])
        print("  " + " · ".join(table.rows[-1]), flush=True)
    return Section(
        "search",
        "Search",
        f"{count:,} messages, half Chinese, in {CONVERSATIONS:,} conversations; 20 candidates a query, one at a time, "
        "in this process. The look at the log for each hit comes on top and is not measured here.",
        [table, Table(["messages indexed per second", "bytes per message"], [[f"{rate:,.0f}", f"{size:.0f}"]])],
        [Verdict(f"two-word query p99 <= {TARGET_MS:.0f} ms", f"candidates: {worst:.1f} ms", None, "index only")],
        data={"rate": rate, "bytes": size, "worst_p99_ms": worst},
    )


def _build(path: Path, corpus: Corpus, count: int) -> tuple[list[str], float]:
    db = schema.connect(path)
    schema.prepare_writer(db)
    schema.create_or_check(db, 1, 1)
    documents = Documents(db, lambda: None)
    spent_s = 0.0
    sample: list[str] = []
    made = items(corpus, count)
    while batch := list(itertools.islice(made, BATCH)):
        begun_s = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        documents.apply(batch)
        db.execute("COMMIT")
        spent_s += time.perf_counter() - begun_s
        sample.append(msgspec.msgpack.decode(batch[corpus.random.randrange(len(batch))][2].content)["text"])  # type: ignore[index]
    begun_s = time.perf_counter()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    db.close()
    corpus.random.shuffle(sample)
    return sample, spent_s + time.perf_counter() - begun_s


async def _ask(path: Path, rng: random.Random, queries: list[str], many: int) -> tuple[list[float], float]:
    """Milliseconds of each query, and how many candidates there were on average."""
    reader = SearchReader(path)
    times: list[float] = []
    found = 0
    try:
        for text in queries:
            terms = parse_query(text).candidate_terms()
            mine = [f"g{number}" for number in rng.sample(range(CONVERSATIONS), many)] if many else None
            begun_s = time.perf_counter()
            answer = await reader.candidates(terms, Scope("a_bench", mine), NEWEST, 21)
            times.append((time.perf_counter() - begun_s) * 1000)
            found += len(answer.found)
    finally:
        reader.close()
    return times, found / max(1, len(queries))
