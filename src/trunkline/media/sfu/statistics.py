"""What a connection tells of its tracks and its path. Not here: what it means (``domain/live/statistics``)."""

from __future__ import annotations

from collections.abc import Collection

from trunkline.domain.live.statistics import (
    LayerStatistics,
    MediaStatistics,
    PublishedStatistics,
    ReceivedStatistics,
)
from trunkline.media.sfu.bandwidth import Bandwidth
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.uptrack import Layer, UpTrack


def describe(
    published: Collection[UpTrack],
    downs: Collection[DownTrack],
    link: Downlink,
    bandwidth: Bandwidth,
    up_loss: float,
    now_s: float,
) -> MediaStatistics:
    """A connection now."""
    estimate = link.estimate
    return MediaStatistics(
        tuple(
            PublishedStatistics(
                track.sid, track.kind, len(track.subscribers), tuple(_layer(layer, now_s) for layer in track.layers)
            )
            for track in published
        ),
        tuple(_received(down, bandwidth) for down in downs),
        int(estimate.target_bps) if estimate.limited else None,
        round(1000 * estimate.queue_s, 1),
        round(1000 * link.round_trip_s, 1) if link.round_trip_s is not None else None,
        round(up_loss, 4),
        round(link.depth.loss, 4),
        link.depth.depth,
    )


def _layer(layer: Layer, now_s: float) -> LayerStatistics:
    flows, reception = layer.flows(now_s), layer.reception
    return LayerStatistics(
        layer.rid,
        flows,
        int(layer.bitrate_bps) if flows else 0,
        reception.packets if reception is not None else 0,
        max(reception.expected - reception.packets, 0) if reception is not None else 0,
        round(1000 * reception.jitter_s, 1) if reception is not None else 0.0,
        layer.smoothness.frames,
        layer.smoothness.freezes,
        round(1000 * layer.smoothness.frozen_s),
    )


def _received(down: DownTrack, bandwidth: Bandwidth) -> ReceivedStatistics:
    layer, top = down.layer, len(down.up.steps) - 1
    report = down.reported
    sent_bps = layer.bitrate_bps if layer is not None and not down.paused else 0.0
    return ReceivedStatistics(
        down.up.sid,
        down.up.kind,
        int(sent_bps),
        layer.index if layer is not None else None,
        None if down.wish is None else min(down.wish, top),
        None if down.paused else min(down.wanted, top),
        down.up.sid in bandwidth.starved,
        round(report[0] / 256, 4) if report is not None else None,
        round(1000 * report[1] / down.up.clock_rate, 1) if report is not None else None,
    )
