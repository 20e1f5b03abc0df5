"""Frames that arrive steadily, and pictures that stand still: in Python and in the packet thread."""

from __future__ import annotations

import pytest

from tests.unit.media.far import thread
from tests.unit.media.test_packet_thread import publish_video, subscribe, video, vp8
from trunkline.media import kernel
from trunkline.protocol.rtp.smoothness import Smoothness


def arrive(seen: Smoothness, *times_s: float) -> None:
    """A frame of two packets at each of the times."""
    for time_s in times_s:
        for later_s in (0.0, 0.002):
            seen.on_packet(int(90_000 * time_s) & 0xFFFFFFFF, time_s + later_s)


def test_steady_frames_are_counted_once_each_also_across_the_wrap_of_their_clock() -> None:
    seen = Smoothness()
    arrive(seen, *(47_700 + n / 20 for n in range(1000)))
    assert (seen.frames, seen.freezes, seen.frozen_s) == (1000, 0, 0.0)


@pytest.mark.parametrize(("gap_s", "freezes"), [(0.1, 0), (0.19, 0), (0.21, 1), (4.0, 1), (6.0, 0)])
def test_the_picture_stands_still_when_the_next_frame_takes_much_longer_than_usual(gap_s: float, freezes: int) -> None:
    seen = Smoothness()
    arrive(seen, *(n / 20 for n in range(20)))
    arrive(seen, 0.95 + gap_s, 1.0 + gap_s)
    assert seen.freezes == freezes
    assert seen.frozen_s == pytest.approx(gap_s if freezes else 0.0)


def test_late_packets_of_an_earlier_frame_are_no_frame() -> None:
    seen = Smoothness()
    arrive(seen, 1.0, 1.05)
    seen.on_packet(90_000, 1.06)
    assert seen.frames == 2


@pytest.mark.skipif(kernel.MODULE is None, reason=f"no media kernel: {kernel.WHY_NOT}")
def test_the_packet_thread_counts_frames() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_video(ann)
        subscribe(bob, track, 1000, ((96, 100, 101),))
        for n in range(10):
            ann.send(video(n, 5, vp8(n, n == 0)))
        assert len(bob.receive(10)) == 10
        frames, freezes, frozen_s = it.port.track_state(track)[1][0][8:]
        assert frames == 10 and freezes >= 0 and frozen_s >= 0
