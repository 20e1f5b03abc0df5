"""Checks of the machine: versions, limits, memory, clock, port."""

from __future__ import annotations

import errno
import platform
import resource
import socket
import ssl
import time
import urllib.error
import urllib.request
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from trunkline.server.config import Config
from trunkline.server.doctor.finding import Finding, failure, ok, warning

LIBRARIES = ("msgspec", "picows", "PyJWT", "uvicorn", "httptools", "starlette", "google-crc32c", "prometheus-client")
PICOWS = "2.3.1"
_ENOUGH_FILES = 65_536
_LEAST_FILES = 1_024
_ENOUGH_MEMORY_BYTES = 1 << 30
_LEAST_MEMORY_BYTES = 256 << 20
_EARLIEST_S = 1_735_689_600  # 2025-01-01: before this program existed


def check_versions(config: Config) -> Finding:
    """Python and the libraries the server stands on."""
    wanted = (*LIBRARIES, "uvloop") if config.server.loop == "uvloop" else LIBRARIES
    found: list[str] = [f"Python {platform.python_version()}"]
    missing: list[str] = []
    for name in wanted:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    text = ", ".join(found)
    if missing:
        return failure("versions", f"missing: {', '.join(missing)}", "Run: pip install 'trunkline[server]'")
    if metadata.version("picows") != PICOWS:
        return failure("versions", text, f"Run: pip install picows=={PICOWS} (the server uses a part that may change).")
    return ok("versions", text)


def check_files() -> Finding:
    """One descriptor per connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{soft} open files (at most {'any number' if hard == resource.RLIM_INFINITY else hard})"
    advice = f"Raise the limit before serving: ulimit -n {_ENOUGH_FILES}, or LimitNOFILE in the systemd unit."
    if soft < _LEAST_FILES:
        return failure("open files", text, advice)
    return ok("open files", text) if soft >= _ENOUGH_FILES else warning("open files", text, advice)


def check_memory() -> Finding:
    """Memory the system says can still be used."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        available = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return warning("memory", "the system does not say", "See that 1 GB is free.")
    text = f"{available / 1e9:.1f} GB available"
    if available < _LEAST_MEMORY_BYTES:
        return failure("memory", text, "Free memory or use a larger machine: the server needs 256 MB and more.")
    if available < _ENOUGH_MEMORY_BYTES:
        return warning("memory", text, "Plan for 1 GB and 16 kB per connection.")
    return ok("memory", text)


def check_clock(store_epoch_ms: int) -> Finding:
    """Tokens expire by the clock, and messages carry its time."""
    now_s = time.time()
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    advice = "Set the clock right and keep it so (chrony, systemd-timesyncd)."
    if now_s < _EARLIEST_S:
        return failure("clock", f"{text}, before this program was made", advice)
    if store_epoch_ms > (now_s + 60) * 1000:
        return failure("clock", f"{text}, before the store was made", advice)
    return ok("clock", text)


def check_port(config: Config) -> Finding:
    """Whether the address can be bound, or our own server has it."""
    host, port = config.server.host, config.server.port
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        return failure("port", f"{host}: {error.strerror}", "Correct [server] host.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if _is_trunkline(config):
                return ok("port", f"{where} is served by Trunkline already")
            advice = f"Stop what uses it (ss -ltnp 'sport = :{port}' shows it), or set [server] port."
            return failure("port", f"{where} is in use by another program", advice)
        if error.errno in (errno.EACCES, errno.EPERM):
            advice = "Use a port above 1023 behind a proxy, or give CAP_NET_BIND_SERVICE."
            return failure("port", f"{where} may not be bound by this user", advice)
        return failure("port", f"{where}: {error.strerror}", "Correct [server] host.")
    return ok("port", f"{where} is free")


def _is_trunkline(config: Config) -> bool:
    host = config.server.host if config.server.host not in ("0.0.0.0", "::") else "localhost"  # noqa: S104 - compared
    scheme = "https" if config.tls.certificate else "http"
    address = f"[{host}]" if ":" in host else host
    return check_health(f"{scheme}://{address}:{config.server.port}", "live", own=True).verdict == "ok"


def check_health(url: str, kind: str = "ready", timeout_s: float = 2.0, *, own: bool = False) -> Finding:
    """Ask a server how it is.

    Args:
        url: its address.
        kind: ``ready`` or ``live``.
        timeout_s: how long to wait for the answer.
        own: it runs on this machine, as one on a loopback address does: its certificate need not name the address.
    """
    try:
        context = ssl.create_default_context()
        if own or _is_loopback(urlsplit(url).hostname or ""):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        address = f"{url.rstrip('/')}/health/{kind}"
        with urllib.request.urlopen(address, timeout=timeout_s, context=context) as answer:  # noqa: S310 - the operator's address
            body = answer.read(4096).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(4096).decode(errors="replace")
        return failure("health", f"{url} answers {error.code}: {body}", "See the server's log.")
    except (OSError, ValueError) as error:
        return failure("health", f"{url} does not answer: {error}", "Start the server, or correct the address.")
    if kind not in body:
        return failure("health", f"{url} is not a Trunkline server", "Correct the address.")
    return ok("health", f"{url} is {kind}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
