"""How well speech came through: every part aligned by itself, then STOI, PESQ and word errors.

A receiver's buffer stretches while it adapts, so one delay for the whole recording would punish what nobody hears.
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pesq import NoUtterancesError, pesq
from pocketsphinx import Decoder
from pystoi import stoi
from scipy.signal import correlate

from bench.losslab.speech import RATE_HZ, Said, Samples

SEARCH_S = 1.0
"""A part lies this near to where the recording's delay puts it."""
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(slots=True, frozen=True)
class Scores:
    """Of one recording.

    Attributes:
        stoi: short-time objective intelligibility, 0 to 1; mean over parts.
        pesq: wide band, 1 to 4.6; mean over parts.
        word_errors: share of digits that an offline recogniser gets wrong.
    """

    stoi: float
    pesq: float
    word_errors: float


def score(whole: Samples, parts: list[Said], heard: Samples) -> Scores:
    """Score a recording at 16 kHz against what was said."""
    heard = np.concatenate((heard, np.zeros(RATE_HZ)))
    delay = _delay(whole, heard)
    found = [(part, _aligned(part, heard, delay)) for part in parts]
    stois = [float(stoi(part.samples, got, RATE_HZ, extended=False)) for part, got in found]
    return Scores(float(np.mean(stois)), float(np.mean([_pesq(part, got) for part, got in found])), _errors(found))


def clean_word_errors(parts: list[Said]) -> float:
    """What the recogniser gets wrong of what was said, before any network."""
    return _errors([(part, part.samples) for part in parts])


def _delay(whole: Samples, heard: Samples) -> int:
    """Where the recording begins on the speech's axis, by the loudness of 10 ms blocks."""
    block = RATE_HZ // 100

    def loudness(samples: Samples) -> Samples:
        blocks = samples[: len(samples) // block * block].reshape(-1, block)
        level = np.sqrt((blocks**2).mean(axis=1))
        return np.asarray(level - level.mean())

    matched = correlate(loudness(heard), loudness(whole), mode="full", method="fft")
    return int((int(np.argmax(matched)) - (len(whole) // block - 1)) * block)


def _aligned(part: Said, heard: Samples, delay: int) -> Samples:
    """The stretch of a recording that resembles a part most."""
    first = max(part.begin + delay - int(SEARCH_S * RATE_HZ), 0)
    window = heard[first : part.end + delay + int(SEARCH_S * RATE_HZ)]
    size = len(part.samples)
    if len(window) <= size:
        return np.concatenate((window, np.zeros(size - len(window))))
    begin = int(np.argmax(np.abs(correlate(window, part.samples, mode="valid", method="fft"))))
    return window[begin : begin + size]


def _pesq(part: Said, got: Samples) -> float:
    try:
        return float(pesq(RATE_HZ, part.samples.astype(np.float32), got.astype(np.float32), "wb"))
    except NoUtterancesError:
        return 1.0


@functools.cache
def _decoder() -> Any:
    grammar = f"#JSGF V1.0; grammar digits; public <digits> = ( {' | '.join(WORDS)} )+ ;"
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "digits.gram"
        path.write_text(grammar)
        return Decoder(jsgf=str(path), samprate=float(RATE_HZ), loglevel="FATAL")


def _recognise(samples: Samples) -> list[str]:
    decoder = _decoder()
    quiet = np.zeros(RATE_HZ // 4)
    data = (np.clip(np.concatenate((quiet, samples, quiet)), -1, 1) * 32_000).astype(np.int16).tobytes()
    decoder.start_utt()
    decoder.process_raw(data, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr.split() if hypothesis is not None else []


def _errors(found: list[tuple[Said, Samples]]) -> float:
    wrong = words = 0
    for part, got in found:
        if part.digits:
            said = part.digits.split()
            wrong += min(distance(said, _recognise(got)), len(said))
            words += len(said)
    return wrong / words


def distance(said: list[str], heard: list[str]) -> int:
    """Words inserted, left out and replaced (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
