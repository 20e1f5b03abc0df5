"""Backup and restore: nothing accepted before a backup is missing from it, and clients notice the restore (R19)."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.sdk.conftest import QUICK, texts, until
from trunkline.client import Client, Resync
from trunkline.server.backups.manifest import BackupError, read_manifest
from trunkline.server.backups.restore import restore

pytestmark = pytest.mark.timeout(180)


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


async def backed_up(process: ServerProcess, name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(await process.command("backup", str(process.directory / name), "--json"))
    return made


async def restored(process: ServerProcess, backup: Path) -> dict[str, Any]:
    """Move the data away and put the backup in its place; the keys lie beside the data and stay."""
    process.data_dir.rename(process.directory / "lost")
    made: dict[str, Any] = json.loads(await process.command("restore", str(backup), "--json"))
    return made


async def test_a_backup_under_load_has_all_that_was_accepted_and_clients_resync(tmp_path: Path):
    resyncs: list[Resync] = []
    async with ServerProcess(tmp_path, config={"store": {"segment_bytes": 65_536}}) as process:
        await process.create_app()

        def client(party: str, **more: Any) -> Client:
            return Client(process.url, lambda: process.token(party), options=QUICK, **more)

        async with client("user/ann") as ann, client("user/bob", on_resync=resyncs.append) as bob:
            accepted: dict[str, int] = {}
            stop = asyncio.Event()

            async def load(lane: int) -> None:
                number = 0
                while not stop.is_set():
                    sent = await ann.send(f"user/u{lane}", f"{lane}:{number}" + "x" * 200)
                    accepted[f"{lane}:{number}"] = sent.seq
                    number += 1

            greeting = await ann.send("user/bob", "before")
            lanes = [asyncio.create_task(load(lane)) for lane in range(8)]
            await until(lambda: len(accepted) > 300)
            before = dict(accepted)
            made = await backed_up(process, "under-load")
            assert made["online"] is True
            await until(lambda: len(accepted) > len(before) + 50)
            stop.set()
            await asyncio.gather(*lanes)
            lost = await ann.send("user/bob", "after the backup")
            await until(lambda: len(texts(bob.local_history("user/ann"))) == 2)
            assert read_manifest(tmp_path / "under-load").last_lsn == made["last_lsn"]

            await process.terminate()
            back = await restored(process, tmp_path / "under-load")
            assert back["epoch"] > back["epoch_before"] == made["epoch"]
            await process.start()
            ann.reconnect()
            bob.reconnect()
            await until(lambda: resyncs)
            await bob.online()
            await until(lambda: texts(bob.local_history("user/ann")) == ["before"])
            assert [resync.history_dropped for resync in resyncs] == [True]
            assert all(entry.epoch == back["epoch"] for entry in bob.local_history("user/ann"))

            await ann.online()
            again = await ann.send("user/bob", "in the new epoch")
            assert (again.epoch, again.seq) == (back["epoch"], lost.seq)
            assert greeting.epoch == made["epoch"]
            await until(lambda: texts(bob.local_history("user/ann")) == ["before", "in the new epoch"])

            for lane in range(8):
                found: dict[str, int] = {}
                before_seq = 0
                while page := await ann.history(f"user/u{lane}", before_seq=before_seq, limit=200):
                    found |= {e.content["text"].rstrip("x"): e.seq for e in page if e.type == "text"}
                    before_seq = page[0].seq
                expected = {text: seq for text, seq in before.items() if text.startswith(f"{lane}:")}
                assert {text: found.get(text) for text in expected} == expected


async def test_a_backup_without_a_server_restores_the_same(tmp_path: Path):
    async with ServerProcess(tmp_path) as process:
        await process.create_app()
        async with Client(process.url, process.token("user/ann"), options=QUICK) as ann:
            sent = await ann.send("user/bob", "kept")
        await process.terminate()
        made = await backed_up(process, "offline")
        assert made["online"] is False
        await restored(process, tmp_path / "offline")
        await process.start()
        async with Client(process.url, process.token("user/bob"), options=QUICK) as bob:
            await bob.online()
            await until(lambda: texts(bob.local_history("user/ann")) == ["kept"])
            assert [e.seq for e in bob.local_history("user/ann") if e.type == "text"] == [sent.seq]


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store and a backup of it."""
    from trunkline.server.cli import main

    place = tmp_path_factory.mktemp("small")
    assert main(["app", "create", "x", "--data", str(place / "data"), "--json"]) == 0
    assert main(["backup", str(place / "backup"), "--data", str(place / "data"), "--json"]) == 0
    return place


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["index", "journal", "missing", "longer", "manifest", "no manifest", "newer"])
def test_a_damaged_backup_is_refused_and_nothing_is_made(small: Path, damage: str):
    backup = small / "backup"
    [segment] = (backup / "journal").iterdir()
    manifest = backup / "manifest.json"
    match damage:
        case "index":
            flip(backup / "index.db")
        case "journal":
            flip(segment)
        case "missing":
            segment.unlink()
        case "longer":
            segment.write_bytes(segment.read_bytes() + b"more")
        case "manifest":
            manifest.write_bytes(manifest.read_bytes()[:-20])
        case "no manifest":
            manifest.unlink()
        case "newer":
            manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    before = tree(small)
    with pytest.raises(BackupError, match=r"backup|manifest|format|damaged|missing"):
        restore(backup, small / "new")
    assert tree(small) == before
    assert not (small / "new").exists()
    assert not [path for path in small.iterdir() if path.name.endswith(".partial")]


def test_a_backup_cannot_name_files_outside_of_it(small: Path):
    manifest = small / "backup/manifest.json"
    manifest.write_text(manifest.read_text().replace('"index.db"', '"../data/index.db"'))
    with pytest.raises(BackupError, match="not inside"):
        restore(small / "backup", small / "new")


def test_a_directory_with_data_is_never_restored_over(small: Path):
    before = tree(small / "data")
    with pytest.raises(BackupError, match="not empty"):
        restore(small / "backup", small / "data")
    assert tree(small / "data") == before


def test_the_new_epoch_is_later_even_when_the_clock_is_behind(small: Path):
    manifest = small / "backup/manifest.json"
    ahead = read_manifest(small / "backup").epoch + 10**9
    data = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(data | {"epoch": ahead}))
    assert restore(small / "backup", small / "new")[1] == ahead + 1


def test_a_backup_into_the_data_or_over_something_is_refused(small: Path, capsys: pytest.CaptureFixture[str]):
    from trunkline.server.cli import main

    for target in (small / "data/inside", small / "backup", small / "nowhere/backup"):
        before = tree(small)
        assert main(["backup", str(target), "--data", str(small / "data")]) == 1
        assert "No backup was made" in capsys.readouterr().err
        assert tree(small) == before
    assert main(["backup", str(small / "b"), "--data", str(small / "none")]) == 2
    assert "there is no store" in capsys.readouterr().err
    assert not (small / "none").exists()


async def test_a_running_server_writes_backups_only_where_it_was_told(tmp_path: Path):
    async with ServerProcess(tmp_path / "server") as process:
        with pytest.raises(RuntimeError, match="backup_directory"):
            await process.command("backup", str(tmp_path / "elsewhere"))
        assert not (tmp_path / "elsewhere").exists()
        await process.kill()
        (tmp_path / "elsewhere").mkdir()
        process.write_config({"store": {"backup_directory": str(tmp_path / "elsewhere")}})
        await process.start()
        made = json.loads(await process.command("backup", str(tmp_path / "elsewhere/one"), "--json"))
        assert made["online"] is True
        assert read_manifest(tmp_path / "elsewhere/one").epoch == made["epoch"]
        shutil.rmtree(tmp_path / "elsewhere/one")
