"""The master key (API secrets derive from it) and the operator's admin token: made once, kept outside the data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from trunkline.base.secret import Secret
from trunkline.server.config import Config, ConfigError

MASTER_KEY_VARIABLE = "TRUNKLINE_MASTER_KEY"


def load_master_key(config: Config) -> Secret:
    """The master key: from the environment, or from its file, which is made at first use.

    Raises:
        ConfigError: the file cannot be read or made, is readable by others, or is too short.
    """
    given = os.environ.get(MASTER_KEY_VARIABLE, "")
    if given:
        return _checked(given, MASTER_KEY_VARIABLE)
    return _checked(_read_or_make(config.master_key_path), str(config.master_key_path))


def load_admin_token(config: Config) -> Secret:
    """The operator's token, kept beside the data directory for the command line on this machine."""
    return Secret(_read_or_make(config.admin_token_path))


def _checked(value: str, where: str) -> Secret:
    if len(value) < 32:
        raise ConfigError(f"the master key in {where} must have at least 32 characters")
    return Secret(value)


def _read_or_make(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"{path} can be read by others; run: chmod 600 {path}") from None
            return path.read_text("ascii").strip()
        with os.fdopen(handle, "w") as file:
            value = secrets.token_urlsafe(48)
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        return value
    except OSError as error:
        raise ConfigError(f"cannot use {path}: {error.strerror}") from error
