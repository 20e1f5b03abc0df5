"""A client that rehearses a narrow path is sent what would fit it."""

from __future__ import annotations

from typing import cast

from tests.unit.media.test_pacing import Wire
from trunkline.media.sfu.bandwidth import Bandwidth
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media


def test_layers_fit_the_bandwidth_that_a_client_rehearses_and_come_back_after_it() -> None:
    vp8 = Codec(96, "VP8", 90_000)
    layers = [Layer(n, rid, 7 + n, Reception(7 + n, 90_000)) for n, rid in enumerate(("q", "h", "f"))]
    for layer, bitrate_bps in zip(layers, (100_000.0, 400_000.0, 1_500_000.0), strict=True):
        layer.bitrate_bps, layer.arrived_s = bitrate_bps, 100.0
    up, link = UpTrack("TR_v", "video", "0", {96: vp8}, layers), Downlink(0)
    down = DownTrack(up, cast("Peer", Wire()), link, 1, 2, 0, 0, lambda _track, _layer: None)
    down.assign(Media("video", mid="0", codecs=[vp8]))
    bandwidth = Bandwidth(link)
    found: list[tuple[int, bool, list[tuple[str, bool]]]] = []
    for most_bps in (None, 600_000, 150_000, 20_000, None):
        bandwidth.most_bps = most_bps
        changed = bandwidth.decide([down], 100.0)
        found.append((down.wanted, down.paused, changed))
    assert found == [
        (2, False, []),
        (1, False, []),
        (0, False, []),
        (0, True, [("TR_v", True)]),
        (2, False, [("TR_v", False)]),
    ]
