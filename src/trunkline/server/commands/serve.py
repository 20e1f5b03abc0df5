"""``trunkline serve``: run the server."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from trunkline.server.commands.options import add_config, config_of
from trunkline.server.config import Config, ConfigError
from trunkline.server.logs import set_up_logs
from trunkline.server.runtime import tune

if TYPE_CHECKING:
    from trunkline.server.lifecycle import Server

log = logging.getLogger("trunkline.server")


def add(commands: Any) -> None:
    """Offer the command."""
    parser: argparse.ArgumentParser = commands.add_parser("serve", help="run the server")
    add_config(parser)
    parser.add_argument("--check", action="store_true", help="validate the configuration and exit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped; 0 on a graceful end, 1 when the server could not start, 2 for a bad configuration."""
    try:
        config = config_of(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        print(json.dumps({"ok": True}) if options.json else "The configuration is valid.")
        return 0
    set_up_logs(config.server.log_level)
    return _serve(config, options)


def _serve(config: Config, options: argparse.Namespace) -> int:
    from trunkline.protocol.journal.errors import JournalError
    from trunkline.server import lifecycle
    from trunkline.server.store import StoreUnusable

    def ready(server: Server) -> None:
        scheme = "https" if config.tls.certificate else "http"
        host = f"[{config.server.host}]" if ":" in config.server.host else config.server.host
        url = f"{scheme}://{host}:{server.port}"
        line = json.dumps({"url": url, "port": server.port}) if options.json else f"Trunkline serves {url}"
        print(line, flush=True)

    tune()
    try:
        if config.server.loop == "uvloop":
            import uvloop

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(lifecycle.run(config, options.config, ready))
        else:
            asyncio.run(lifecycle.run(config, options.config, ready))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (JournalError, StoreUnusable) as error:
        print(f"The store cannot be opened: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot serve: {_explain(error, config)}", file=sys.stderr)
        return 1
    return 0


def _explain(error: OSError, config: Config) -> str:
    import errno

    if error.errno == errno.EADDRINUSE:
        return f"port {config.server.port} is in use; stop what uses it or set [server] port"
    if error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or config.store.directory}); free space, then start again"
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"no permission for {error.filename or config.store.directory}: {error.strerror}"
    return f"{error.strerror or error} ({error.filename or config.store.directory})"
