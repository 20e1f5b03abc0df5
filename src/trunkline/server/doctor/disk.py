"""Checks of the disk and of the files beside the data: data directory, space, sync speed, master key, TLS."""

from __future__ import annotations

import os
import shutil
import ssl
import statistics
import tempfile
import time
from pathlib import Path

from trunkline.server.config import Config
from trunkline.server.doctor.finding import Finding, failure, ok, warning
from trunkline.server.master_key import MASTER_KEY_VARIABLE

_SYNCS = 50
_SYNC_BUDGET_S = 3.0
_GOOD_SYNC_MS = 10.0
_BAD_SYNC_MS = 50.0
_ENOUGH_BYTES = 2 << 30
_LEAST_BYTES = 256 << 20
_SOON_S = 14 * 86_400


def nearest_directory(path: Path) -> Path:
    """The directory itself, or what exists of the way to it."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def check_directory(config: Config) -> Finding:
    """Whether the data directory can be made and written."""
    directory = config.directory
    place = nearest_directory(directory)
    if not place.is_dir():
        return failure("data directory", f"{place} is a file", "Set [store] directory to a directory.")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = f"Give the server's user the right to write there: chown it, or set [store] directory ({place})."
        return failure("data directory", f"{place} cannot be written: {error.strerror}", advice)
    made = "exists and can be written" if place == directory.absolute() else f"can be made in {place}"
    return ok("data directory", f"{directory} {made}")


def check_space(config: Config) -> Finding:
    """Free space where the data is."""
    free = shutil.disk_usage(nearest_directory(config.directory)).free
    text = f"{free / 1e9:.1f} GB free"
    advice = "Free space or use a larger disk: a full disk refuses messages until there is room again."
    if free < _LEAST_BYTES:
        return failure("disk space", text, advice)
    return ok("disk space", text) if free >= _ENOUGH_BYTES else warning("disk space", text, advice)


def check_sync(config: Config) -> Finding:
    """How long the disk takes to make a small write durable: the floor of every acknowledgement."""
    if not config.store.fsync:
        return failure("sync", "[store] fsync is off", "Switch it on: a power loss would lose acknowledged messages.")
    took_ms: list[float] = []
    try:
        with tempfile.TemporaryFile(dir=nearest_directory(config.directory), buffering=0) as file:
            file.truncate(1 << 20)
            os.fsync(file.fileno())
            until_s = time.monotonic() + _SYNC_BUDGET_S
            for number in range(_SYNCS):
                began_s = time.perf_counter()
                os.pwrite(file.fileno(), bytes([number]) * 1024, number * 1024)
                os.fdatasync(file.fileno())
                took_ms.append((time.perf_counter() - began_s) * 1000)
                if time.monotonic() > until_s:
                    break
    except OSError as error:
        return failure("sync", f"cannot be measured: {error.strerror}", "See the finding on the data directory.")
    middle = statistics.median(took_ms)
    text = f"{middle:.2f} ms (slowest {max(took_ms):.1f} ms of {len(took_ms)})"
    advice = "Use a local SSD: each message waits for one sync, shared with all others that arrive meanwhile."
    if middle > _BAD_SYNC_MS:
        return failure("sync", text, advice)
    return ok("sync", text) if middle <= _GOOD_SYNC_MS else warning("sync", text, advice)


def check_master_key(config: Config) -> Finding:
    """Whether the master key is there and is a secret."""
    given = os.environ.get(MASTER_KEY_VARIABLE, "")
    if given:
        if len(given) < 32:
            return failure("master key", f"{MASTER_KEY_VARIABLE} is too short", "Use at least 32 characters.")
        return ok("master key", f"from {MASTER_KEY_VARIABLE}")
    path = config.master_key_path
    try:
        mode = path.stat().st_mode & 0o777
        value = path.read_text("ascii").strip()
    except FileNotFoundError:
        if (config.directory / "store.json").exists():
            advice = f"Put it back to {path} (mode 600): a new one makes every key and token of this store invalid."
            return failure("master key", f"{path} is missing, but there is a store", advice)
        return ok("master key", f"will be made at {path}")
    except (OSError, UnicodeDecodeError) as error:
        return failure("master key", f"{path} cannot be read: {error}", "Give it to the server's user, mode 600.")
    if mode & 0o077:
        return failure("master key", f"{path} can be read by others (mode {mode:o})", f"Run: chmod 600 {path}")
    if len(value) < 32:
        return failure("master key", f"{path} is too short", "Use at least 32 characters.")
    return ok("master key", f"{path}, mode {mode:o}; keep a copy in a safe place")


def check_tls(config: Config) -> Finding:
    """Whether certificate and key fit together and are valid for some time."""
    tls = config.tls
    if not tls.certificate:
        local = config.server.host in ("127.0.0.1", "::1", "localhost")
        if local:
            return ok("tls", "off; only this machine can connect")
        advice = "Set [tls] certificate and key, or put a proxy with TLS in front: tokens must not travel in the clear."
        return warning("tls", f"off, and {config.server.host} is not only this machine", advice)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        ends_s = _expiry_s(Path(tls.certificate))
    except (OSError, ssl.SSLError, ValueError) as error:
        return failure("tls", f"certificate or key cannot be used: {error}", "Correct [tls] certificate and key.")
    text = f"valid until {time.strftime('%Y-%m-%d', time.gmtime(ends_s))}"
    left_s = ends_s - time.time()
    if left_s <= 0:
        return failure(
            "tls", f"expired {text.removeprefix('valid until ')}", "Renew the certificate, then send SIGHUP."
        )
    return ok("tls", text) if left_s > _SOON_S else warning("tls", text, "Renew it soon, then send SIGHUP.")


def _expiry_s(certificate: Path) -> float:
    """When the first certificate of a chain ends; the standard library reads it without checking its issuer."""
    pem = certificate.read_text("ascii")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = pem[pem.index(begin) : pem.index(end) + len(end)]
    decode = ssl._ssl._test_decode_cert  # type: ignore[attr-defined]
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(first + "\n")
        file.flush()
        return float(ssl.cert_time_to_seconds(decode(file.name)["notAfter"]))
