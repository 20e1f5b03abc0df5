"""``trunkline demo --once``: what a newcomer sees is what happened."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(240)
def test_the_demo_chats_crashes_calls_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    demo = [sys.executable, "-m", "trunkline.server.cli", "demo"]
    ran = subprocess.run(
        [*demo, "--once", "--json", "--port", str(port), "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    judged = re.search(r"lost 0, duplicated 0, reordered 0 of ([\d,]+) accepted messages", ran.stderr)
    assert judged is not None and int(judged[1].replace(",", "")) > 3000, ran.stderr
    calls = re.findall(r"(\d+) frames of sound, loudness (\d+) of 32767; (\d+) pictures of 640x360", ran.stderr)
    assert len(calls) == 2, ran.stderr
    for sound, loudness, pictures in calls:
        assert int(sound) > 100 and int(loudness) > 1000 and int(pictures) > 10
    assert "livekit" not in ran.stderr
    result = json.loads(ran.stdout)
    assert (result["ok"], result["lost"], result["duplicated"], result["reordered"]) == (True, 0, 0, 0)
    assert result["accepted"] == int(judged[1].replace(",", ""))
    assert [call["audio_frames"] for call in result["call"]] == [int(sound) for sound, _, _ in calls]
