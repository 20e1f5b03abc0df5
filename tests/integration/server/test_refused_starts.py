"""A server that cannot start says why in one line, ends with a documented status, and changes nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.claims.server_process import ServerProcess
from trunkline.protocol.journal.format import decode_segment_header, encode_segment_header
from trunkline.server.cli import main

pytestmark = pytest.mark.timeout(120)


def tree(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline.server.cli", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    assert main(["app", "create", "x", "--data", str(tmp_path / "data"), "--json"]) == 0
    return tmp_path / "data"


def unlocked(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without the process id in the lock, which is only for messages."""
    return {name: data for name, data in found.items() if not name.endswith("LOCK")}


@pytest.mark.parametrize(
    ("damage", "says"), [("journal", "journal"), ("index", "index.db"), ("store", "store.json"), ("newer", "newer")]
)
def test_a_damaged_store(store: Path, damage: str, says: str):
    if damage == "journal":
        [segment] = (store / "journal").glob("*.tlj")
        data = bytearray(segment.read_bytes())
        data[110] ^= 1
        segment.write_bytes(data)
    elif damage == "index":
        (store / "index.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    else:
        (store / "store.json").write_text('{"format": 9, "epoch": 1}' if damage == "newer" else "{")
    before = unlocked(tree(store))
    status, said = refused("--data", str(store), "--port", "0")
    assert status == 1
    assert says in said
    assert unlocked(tree(store)) == before


def test_an_index_of_a_newer_version(store: Path):
    with closing(sqlite3.connect(store / "index.db")) as db:
        [(known,)] = db.execute("SELECT value FROM meta WHERE key = 'schema_version'")
        db.execute("UPDATE meta SET value = 9999 WHERE key = 'schema_version'")
        db.commit()
    before = unlocked(tree(store))
    status, said = refused("--data", str(store), "--port", "0")
    assert status == 1
    assert f"schema version 9999, this program knows up to {known}" in said
    assert "start the newer program" in said
    assert unlocked(tree(store)) == before


def test_a_journal_of_a_newer_version(store: Path):
    [segment] = (store / "journal").glob("*.tlj")
    data = segment.read_bytes()
    header = decode_segment_header(data)
    assert header is not None
    newer = encode_segment_header(header._replace(version=header.version + 1))
    segment.write_bytes(newer + data[len(newer) :])
    before = unlocked(tree(store))
    status, said = refused("--data", str(store), "--port", "0")
    assert status == 1
    assert segment.name in said
    assert f"format {header.version + 1}" in said
    assert "Use the version that wrote it" in said
    assert unlocked(tree(store)) == before


def test_an_unusable_directory(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    key = tmp_path / "keys/master.key"
    config = tmp_path / "c.toml"
    config.write_text(f'[store]\nmaster_key_file = "{key}"\n')
    status, said = refused("--config", str(config), "--data", str(tmp_path / "file"), "--port", "0")
    assert (status, "file" in said) == (1, True)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_bad_configuration(tmp_path: Path):
    for number, text in enumerate(("[server]\nprot = 1\n", "[server]\nport = 70000\n", "[server", "[tls]\nkey='k'\n")):
        config = tmp_path / f"{number}.toml"
        config.write_text(text)
        assert refused("--config", str(config), "--data", str(tmp_path / "data"))[0] == 2
    assert refused("--config", str(tmp_path / "none.toml"), "--data", str(tmp_path / "data"))[0] == 2
    assert not (tmp_path / "data").exists()


async def test_a_port_or_a_directory_in_use(tmp_path: Path):
    async with ServerProcess(tmp_path / "one") as process:
        status, said = refused("--data", str(tmp_path / "two"), "--port", str(process.port))
        assert (status, f"port {process.port} is in use" in said) == (1, True)
        status, said = refused("--data", str(process.data_dir), "--port", "0")
        assert (status, f"in use by process {process.pid}" in said) == (1, True)
        assert await process.health() == 200
