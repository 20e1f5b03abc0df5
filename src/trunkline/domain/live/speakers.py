"""Who speaks: loudness observed over a while, smoothed, and reported when it changes.

The figures are LiveKit's: an interval of 400 ms, levels up to 35 dBov below full scale count as speech, during at
least 40 % of the interval, smoothed over two intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

INTERVAL_S = 0.4
ACTIVE_LEVEL = 35
MIN_ACTIVE_SHARE = 0.4
SMOOTH_INTERVALS = 2
QUIETEST_REPORTED = 1 / 127
OBSERVATION_S = 0.02


@dataclass(slots=True, frozen=True)
class Speaker:
    """One who speaks, or has just stopped (``level`` 0). ``level`` is 0 to 1."""

    sid: str
    level: float
    active: bool


@dataclass(slots=True)
class _Loudness:
    active_s: float = 0.0
    loudest: int = 127
    smoothed: float = 0.0


class Speakers:
    """Loudness of a session's participants."""

    __slots__ = ("_loudness", "_speaking")

    def __init__(self) -> None:
        self._loudness: dict[str, _Loudness] = {}
        self._speaking: dict[str, float] = {}

    def observe(self, sid: str, level: int, passed_s: float = OBSERVATION_S) -> None:
        """The level of a participant's audio, in -dBov: 0 loudest, 127 silent; ``passed_s``: since the last look."""
        loudness = self._loudness.setdefault(sid, _Loudness())
        if level <= ACTIVE_LEVEL:
            loudness.active_s += passed_s
            loudness.loudest = min(loudness.loudest, level)

    def forget(self, sid: str) -> None:
        """A participant is gone."""
        self._loudness.pop(sid, None)

    def conclude(self) -> list[Speaker]:
        """An interval is over: whoever began, changed or stopped, loudest first."""
        now: dict[str, float] = {}
        for sid, loudness in self._loudness.items():
            share = min(loudness.active_s / INTERVAL_S, 1.0)
            level = 10 ** (-loudness.loudest / 20) * share if share >= MIN_ACTIVE_SHARE else 0.0
            loudness.smoothed += (level - loudness.smoothed) / SMOOTH_INTERVALS
            loudness.active_s, loudness.loudest = 0.0, 127
            if loudness.smoothed >= QUIETEST_REPORTED:
                now[sid] = round(loudness.smoothed, 2)
        changed = [Speaker(sid, level, True) for sid, level in now.items() if self._speaking.get(sid) != level]
        stopped = [Speaker(sid, 0.0, False) for sid in self._speaking if sid not in now]
        self._speaking = now
        return sorted(changed + stopped, key=lambda speaker: -speaker.level)
