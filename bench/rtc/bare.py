"""The packet thread alone in a process: ``python -m bench.rtc.bare``. For measures without signalling and DTLS.

Reads a plan (JSON) from standard input and prints a line when it is ready; on each line after that it prints what was
counted since. Lives here: the server's side. Does not live here: who sends and receives.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from trunkline.media import kernel

GCM = 7
MID, LEVEL, TRANSPORT = 4, 1, 3


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_s() -> float:
    """CPU time of all threads of this process."""
    tasks = Path("/proc/self/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def add_peer(port: Any, address: tuple[str, int], receive: bytes, send: bytes) -> int:
    """A peer whose ICE and DTLS are done."""
    number = int(port.peer_add())
    port.peer_keys(number, GCM, receive, send)
    port.peer_bind(number, *address)
    port.peer_reach(number, *address)
    return number


def main() -> None:
    """Serve one speaker to the listeners of the plan."""
    plan = json.loads(sys.stdin.readline())
    keys = bytes.fromhex(plan["keys"])
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((plan["host"], 0))
    bound.setblocking(False)
    wake = os.eventfd(0, os.EFD_NONBLOCK)
    port: Any = kernel.MODULE.Port(bound.fileno(), wake)
    video = plan["video"]
    speaker = add_peer(port, tuple(plan["speaker"]), keys, keys)
    port.peer_extensions(speaker, MID, TRANSPORT)
    codec = 1 if video else 0
    track = port.track_add(speaker, not video, "0", ("",), ((96, 1, codec, 0), (97, 3, 0, 96)), (0, 0, LEVEL, 0, 0))
    before = resident_bytes()
    for n, address in enumerate(plan["listeners"]):
        peer = add_peer(port, tuple(address), keys, keys)
        down = port.down_add(track, peer, 0x10000 + n, 0x8000000 + n, 100, 5000)
        port.down_assign(down, "0", ((96, 96, 97 if video else 0),), (MID, LEVEL, TRANSPORT, 0, 0), -1, -1)
    port.start()
    if plan["busy"]:
        threading.Thread(target=_spin, daemon=True).start()
    print(json.dumps({"port": bound.getsockname()[1]}), flush=True)
    start_s = cpu_s()
    for _ in sys.stdin:
        counted = {"cpu_s": cpu_s() - start_s, "bytes": resident_bytes() - before, "totals": port.totals()}
        print(json.dumps(counted), flush=True)
    port.stop()


def _spin() -> None:
    """Python as busy as it can be: this never lets go of the GIL but when it has to."""
    while True:
        for _ in range(1000):
            pass


if __name__ == "__main__":
    main()
