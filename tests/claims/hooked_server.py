"""Runs the server with handles for faults that only its own process can have: `python -m tests.claims.hooked_server`.

Before the command (`serve ...`) may stand:

* `--close-on-signal`: at SIGUSR1 the server closes every session, as it does with one that is too slow; at SIGUSR2 it
  drops every connection without a word.
* `--eio-file FILE`: from when this file exists, a sync of the journal reports an I/O error, as a dying disk does.
* `--hello-waits-for FILE`: a hello with an outbox waits in its middle, authenticated and not yet let in, until this
  file exists.
* `--trim-every-s SECONDS`: the journal is trimmed that often instead of every half minute.

The program is otherwise the one that is shipped. Not here: the wall clock (`skewed_server`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import os
import signal
import socket
import stat
import sys
from pathlib import Path

from trunkline.base.errors import Code
from trunkline.domain.log.dedupe import Outbox
from trunkline.server import cli, lifecycle
from trunkline.services.log.residents import Residents
from trunkline.store.journal.file_io import OsFileIo


def fail_syncs_from(file: Path) -> None:
    """Let every sync of the journal fail once `file` is there."""

    def fdatasync(fd: int) -> None:
        if file.exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(fd)

    OsFileIo.fdatasync = staticmethod(fdatasync)  # type: ignore[arg-type]


def hold_hellos_until(file: Path) -> None:
    """Make the look at the outbox take until `file` is there."""
    load = Residents.load_outbox

    async def load_late(residents: Residents, app: str, party: str, outbox: str) -> Outbox:
        file.with_name(f"{outbox}.waiting").touch()
        while not file.exists():
            await asyncio.sleep(0.005)
        return await load(residents, app, party, outbox)

    Residents.load_outbox = load_late  # type: ignore[method-assign, assignment]


def drop_connections(port: int) -> None:
    """Shut every TCP connection to this port down in the kernel, behind the server's back."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as other:
                if other.family == socket.AF_INET and other.getsockname()[1] == port:
                    other.getpeername()  # raises for the one that listens
                    other.shutdown(socket.SHUT_RDWR)


def close_on_signal() -> None:
    """Install the two signals when a server has started."""
    start = lifecycle.Server.start

    async def start_and_listen(server: lifecycle.Server) -> None:
        await start(server)

        def close() -> None:
            server.system.hub.close_all(Code.SLOW_CONSUMER)

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, close)
        loop.add_signal_handler(signal.SIGUSR2, drop_connections, server.port)

    lifecycle.Server.start = start_and_listen  # type: ignore[assignment, method-assign]


def main() -> int:
    """Install what was asked for, then run the command line as usual."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--close-on-signal", action="store_true")
    parser.add_argument("--eio-file", type=Path)
    parser.add_argument("--hello-waits-for", type=Path)
    parser.add_argument("--trim-every-s", type=float)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.close_on_signal:
        close_on_signal()
    if options.eio_file is not None:
        fail_syncs_from(options.eio_file)
    if options.hello_waits_for is not None:
        hold_hellos_until(options.hello_waits_for)
    if options.trim_every_s is not None:
        lifecycle.TRIM_S = options.trim_every_s
    return cli.main(options.command)


if __name__ == "__main__":
    sys.exit(main())
