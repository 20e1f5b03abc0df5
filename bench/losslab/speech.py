"""What is said: sentences and digits by espeak-ng, with silence between them, so that each can be scored alone."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

Samples = NDArray[np.float64]
RATE_HZ = 16_000
"""Of scoring; clients are given 48 kHz."""
PAUSE_S = 0.5
VOICES = ("en-us", "en-gb+f3")
SENTENCES = (
    "The boat left the harbour before anyone had finished breakfast.",
    "Please put the heavy books on the lowest shelf.",
    "A cold wind came down from the hills that evening.",
    "She painted the garden gate in a very bright blue.",
    "Most of the letters were sent to the wrong address.",
    "They walked along the river until the lights went out.",
)
DIGITS = (
    "seven three nine one five",
    "two eight four six zero",
    "nine nine one four two",
    "five six three seven eight",
)


@dataclass(slots=True)
class Said:
    """One thing that is said.

    Attributes:
        begin: index of its first sample.
        digits: the words when they are digits, to be recognised again; "" for a sentence.
    """

    begin: int
    samples: Samples
    digits: str

    @property
    def end(self) -> int:
        """Index after its last sample."""
        return self.begin + len(self.samples)


def speak(text: str, voice: str) -> Samples:
    """What espeak-ng makes of a text, at 16 kHz, without silence around it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "said.wav"
        command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text]
        subprocess.run(command, check=True, capture_output=True)
        with wave.open(str(path)) as file:
            rate_hz = file.getframerate()
            said = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32768
    said = np.asarray(resample_poly(said, RATE_HZ, rate_hz))
    loud = np.nonzero(np.abs(said) > 0.01)[0]
    return np.asarray(said[loud[0] : loud[-1] + 1] * (0.5 / max(np.abs(said).max(), 1e-9)), np.float64)


def make_speech(lead_s: float) -> tuple[Samples, list[Said]]:
    """Everything that is said, and its parts. ``lead_s``: speech before them that is not scored."""
    whole: list[Samples] = []
    parts: list[Said] = []
    position = 0

    def add(samples: Samples) -> None:
        nonlocal position
        whole.append(samples)
        position += len(samples)

    def pause() -> None:
        add(np.zeros(int(PAUSE_S * RATE_HZ)))

    number = 0
    while position < lead_s * RATE_HZ:
        add(speak(SENTENCES[number % len(SENTENCES)], VOICES[number % 2]))
        pause()
        number += 1
    for number, text in enumerate((*SENTENCES, *DIGITS)):
        said = speak(text, VOICES[number % 2] if text in SENTENCES else VOICES[0])
        parts.append(Said(position, said, text if text in DIGITS else ""))
        add(said)
        pause()
    add(np.zeros(2 * RATE_HZ))
    return np.concatenate(whole), parts
