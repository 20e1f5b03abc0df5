"""From measurements to the word that clients show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.secret import Secret
from trunkline.crypto.turn import credentials
from trunkline.domain.live.quality import LinkQuality, Quality, quality_of


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (LinkQuality(), Quality.EXCELLENT),
        (LinkQuality(down_loss=0.02, round_trip_s=0.05, jitter_s=0.005), Quality.EXCELLENT),
        (LinkQuality(up_loss=0.10, round_trip_s=0.08), Quality.GOOD),
        (LinkQuality(round_trip_s=0.6), Quality.GOOD),
        (LinkQuality(starved=True), Quality.GOOD),
        (LinkQuality(up_loss=0.4), Quality.POOR),
        (LinkQuality(round_trip_s=2.0, jitter_s=0.1), Quality.POOR),
    ],
)
def test_a_path_in_one_word(found: LinkQuality, word: Quality) -> None:
    assert quality_of(found.score()) is word


@given(*(st.floats(0, 1) for _ in range(4)), st.floats(0, 0.5))
def test_worse_is_never_scored_better(up: float, down: float, trip_s: float, jitter_s: float, more: float) -> None:
    before = LinkQuality(up, down, trip_s, jitter_s).score()
    assert 1 <= before <= 4.5
    for worse in (
        LinkQuality(min(up + more, 1), down, trip_s, jitter_s),
        LinkQuality(up, min(down + more, 1), trip_s, jitter_s),
        LinkQuality(up, down, trip_s + more, jitter_s),
        LinkQuality(up, down, trip_s, jitter_s + more),
        LinkQuality(up, down, trip_s, jitter_s, starved=True),
    ):
        assert worse.score() <= before + 1e-9


def test_relay_credentials_are_coturns() -> None:
    """As ``openssl dgst -sha1 -hmac north`` makes it."""
    assert credentials(Secret("north"), "user/ann", 1_700_000_000) == (
        "1700000000:user/ann",
        "8OeZeEybrb417hYdx3dOCdiQEM0=",
    )
