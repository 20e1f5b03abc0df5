"""``trunkline backup`` and ``trunkline restore``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from trunkline.server.commands.options import CommandError, add_config, config_of
from trunkline.server.config import Config

_POLL_S = 0.1


def add(commands: Any) -> None:
    """Offer the commands."""
    backup: argparse.ArgumentParser = commands.add_parser(
        "backup", help="back the store up, while the server runs or not"
    )
    backup.add_argument("target", type=Path, help="directory to make; it must not exist")
    add_config(backup)
    backup.set_defaults(run=run_backup)
    restore: argparse.ArgumentParser = commands.add_parser(
        "restore", help="make a data directory out of a backup; clients then synchronise again"
    )
    restore.add_argument("source", type=Path, help="the backup")
    add_config(restore)
    restore.set_defaults(run=run_restore)


def run_backup(options: argparse.Namespace) -> int:
    """Back up; 1 when no backup was made."""
    from trunkline.protocol.journal.errors import JournalError
    from trunkline.server.backups.manifest import BackupError
    from trunkline.store.journal.lock import DataDirectoryLocked

    config = config_of(options)
    target: Path = options.target.absolute()
    if not (config.directory / "store.json").exists():
        raise CommandError(f"there is no store in {config.directory}; give --data or --config as for the server")
    try:
        try:
            made = asyncio.run(_offline(config, target))
        except DataDirectoryLocked:
            made = _online(config, target)
    except (BackupError, JournalError, OSError) as error:
        print(f"No backup was made: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(made))
    else:
        print(f"Backed up {made['size_bytes'] / 1e6:.1f} MB to {made['path']} in {made['took_ms'] / 1000:.1f} s.")
        print("Keep the master key as well, elsewhere: without it a restored store accepts no token.", file=sys.stderr)
    return 0


async def _offline(config: Config, target: Path) -> dict[str, Any]:
    from trunkline.server.backups.take import check_target, take_backup
    from trunkline.server.lifecycle import version
    from trunkline.server.store import open_store

    began_s = time.monotonic()
    check_target(target, config.directory)
    store = await open_store(config)
    try:
        manifest = await take_backup(store, target, version())
    finally:
        await store.close()
    return {
        "path": str(target),
        "epoch": manifest.epoch,
        "last_lsn": manifest.last_lsn,
        "size_bytes": manifest.size_bytes,
        "took_ms": int((time.monotonic() - began_s) * 1000),
        "online": False,
    }


def _online(config: Config, target: Path) -> dict[str, Any]:
    from trunkline.server.backups.manifest import BackupError
    from trunkline.server.operator import ask_server
    from trunkline.wire.calls.backups import Backup, BackupGet, BackupStart

    if target.parent.resolve() != config.backup_path.resolve():
        raise BackupError(
            f"the running server puts backups into {config.backup_path}: name one there, "
            "or set [store] backup_directory and restart"
        )
    begun = ask_server(config, "/v1/admin/backups", "POST", BackupStart(target.name), Backup)
    while True:
        last = ask_server(config, "/v1/admin/backups/last", "GET", BackupGet(), Backup)
        if last.name != begun.name or last.started_at_ms != begun.started_at_ms or last.state == "none":
            raise BackupError("the server was restarted meanwhile")
        if last.state == "failed":
            raise BackupError(last.detail)
        if last.state == "done":
            break
        time.sleep(_POLL_S)
    return {
        "path": last.path,
        "epoch": last.epoch,
        "last_lsn": last.last_lsn,
        "size_bytes": last.size_bytes,
        "took_ms": last.took_ms,
        "online": True,
    }


def run_restore(options: argparse.Namespace) -> int:
    """Restore; 1 when the backup cannot be used, and then nothing was changed."""
    from trunkline.server.backups.manifest import BackupError
    from trunkline.server.backups.restore import restore

    config = config_of(options)
    try:
        manifest, epoch = restore(options.source, config.directory)
    except (BackupError, OSError) as error:
        print(f"Nothing was restored: {error}", file=sys.stderr)
        return 1
    if options.json:
        restored = {"directory": str(config.directory), "epoch": epoch, "epoch_before": manifest.epoch}
        print(json.dumps(restored | {"last_lsn": manifest.last_lsn, "taken_at_ms": manifest.created_at_ms}))
    else:
        taken = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(manifest.created_at_ms / 1000))
        print(f"Restored the backup of {taken} to {config.directory}; its new epoch is {epoch}.")
    if not config.master_key_path.exists():
        print(
            f"Put the master key of the old server to {config.master_key_path} (mode 600) or into "
            "TRUNKLINE_MASTER_KEY before the first start: without it no key and no token is accepted.",
            file=sys.stderr,
        )
    return 0
