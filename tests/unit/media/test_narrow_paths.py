"""What is too large for the way to one subscriber reaches it in fragments, and costs the others nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.media.far import TIMEOUT_S, thread
from trunkline.media import kernel
from trunkline.media.sfu.native.socket import KernelSocket
from trunkline.protocol.rtp.packet import RtpPacket

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)

ROOT = Path(__file__).parents[3]
NARROW = "127.0.0.9"
PACKETS = 40
PREPARE = f'ip link set lo up && ip route replace local {NARROW} dev lo table local mtu 700 && exec "$@"'


def in_a_network_of_its_own(part: str) -> None:
    """Run a function of this module where the way to NARROW takes 700 bytes."""
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")
    words = [sys.executable, "-m", "tests.unit.media.test_narrow_paths", part]
    done = subprocess.run(
        [*apart, "sh", "-c", PREPARE, "sh", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def media() -> None:
    """Packets of one size, more than fit, to a narrow and a wide subscriber: by the packet thread."""
    with thread() as it:
        ann, bob, cyd = it.join(), it.join(NARROW), it.join()
        it.port.peer_extensions(ann.number, 1, 0)
        track = it.port.track_add(ann.number, True, "0", ("",), ((96, 1, 0, 0),), (0, 0, 0, 0, 0))
        for number, far in enumerate((bob, cyd)):
            down = it.port.down_add(track, far.number, 1000 + 2 * number, 1001 + 2 * number, 100, 5000)
            it.port.down_assign(down, "7", ((96, 96, 0),), (0, 0, 0, 0, 0), -1, -1)
        for n in range(PACKETS):
            ann.send(RtpPacket(96, n, 960 * n, 5, extensions={1: b"0"}, payload=bytes((n,)) * 1100))
        for far in (cyd, bob):
            assert [p.payload for p in far.receive(PACKETS)] == [bytes((n,)) * 1100 for n in range(PACKETS)]
        totals = it.port.totals()
        assert totals["segmentation"] and totals["sent"] >= 2 * PACKETS


async def rest() -> None:
    """What Python sends over the same socket."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        bound.bind(("127.0.0.1", 0))
        far.bind((NARROW, 0))
        far.settimeout(TIMEOUT_S)
        made = KernelSocket(bound, lambda _data, _address: None)
        made.sendto(b"x" * 1200, far.getsockname())
        made.sendto(b"y" * 100, far.getsockname())
        assert [far.recv(2048), far.recv(2048)] == [b"x" * 1200, b"y" * 100]
        made.close()


@pytest.mark.parametrize("part", ["media", "rest"])
def test_a_narrow_path_gets_fragments(part: str) -> None:
    in_a_network_of_its_own(part)


if __name__ == "__main__":
    media() if sys.argv[1] == "media" else asyncio.run(rest())
