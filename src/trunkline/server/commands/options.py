"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from trunkline.server.config import Config, load_config


class CommandError(Exception):
    """A command cannot be carried out; the message says what to do."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """``--config --data --host --port --json``."""
    parser.add_argument("--config", type=Path, help="TOML file; the environment (TRUNKLINE_SECTION__OPTION) wins")
    parser.add_argument("--data", help="data directory (overrides [store] directory)")
    parser.add_argument("--host", help="address of the server (overrides [server] host)")
    parser.add_argument("--port", type=int, help="port (overrides [server] port)")
    parser.add_argument("--json", action="store_true", help="print machine-readable output")


def config_of(options: argparse.Namespace) -> Config:
    """The configuration with the command line on top.

    Raises:
        ConfigError: it cannot be used.
    """
    config = load_config(options.config)
    if options.data is not None:
        config.store.directory = options.data
    if options.host is not None:
        config.server.host = options.host
    if options.port is not None:
        config.server.port = options.port
    return config
