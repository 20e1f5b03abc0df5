"""How well a participant is connected, in the words clients show: from loss, delay and jitter to one score.

The score is an opinion score as the E-model gives it (ITU-T G.107, simplified): delay and loss lower a rating, the
rating becomes 1 to 4.5. Loss counts for less than in G.107, since redundancy and retransmission repair most of it.
Pure. Not here: measuring.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

INTERVAL_S = 5.0
EXCELLENT_SCORE, GOOD_SCORE = 4.1, 3.0
BEST_RATING = 93.2
RATING_PER_LOSS_PERCENT = 1.6
PROCESSING_MS = 10.0
NOTICED_DELAY_MS = 160.0


class Quality(IntEnum):
    """The numbers are the protocol's."""

    POOR = 0
    GOOD = 1
    EXCELLENT = 2
    LOST = 3


@dataclass(slots=True, frozen=True)
class LinkQuality:
    """What was measured of one client's path.

    Attributes:
        up_loss: share of its packets that did not come, before repair.
        down_loss: the same of what it was sent.
        round_trip_s: 0 when not known.
        starved: something it wants is paused for want of bandwidth.
    """

    up_loss: float = 0.0
    down_loss: float = 0.0
    round_trip_s: float = 0.0
    jitter_s: float = 0.0
    starved: bool = False

    def joined(self, other: LinkQuality) -> LinkQuality:
        """Of two transports of one client."""
        return LinkQuality(
            max(self.up_loss, other.up_loss),
            max(self.down_loss, other.down_loss),
            max(self.round_trip_s, other.round_trip_s),
            max(self.jitter_s, other.jitter_s),
            self.starved or other.starved,
        )

    def score(self) -> float:
        """1 (nothing can be understood) to 4.5 (nothing is noticed)."""
        delay_ms = 1000 * (self.round_trip_s / 2 + 2 * self.jitter_s) + PROCESSING_MS
        rating = BEST_RATING - (
            delay_ms / 40 if delay_ms < NOTICED_DELAY_MS else (delay_ms - NOTICED_DELAY_MS) / 10 + 4
        )
        rating -= RATING_PER_LOSS_PERCENT * 100 * max(self.up_loss, self.down_loss)
        rating = min(max(rating, 0.0), 100.0)
        score = 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating)
        score = min(max(score, 1.0), 4.5)
        return min(score, EXCELLENT_SCORE - 0.1) if self.starved else score


def quality_of(score: float) -> Quality:
    """A score in one word."""
    if score >= EXCELLENT_SCORE:
        return Quality.EXCELLENT
    return Quality.GOOD if score >= GOOD_SCORE else Quality.POOR
