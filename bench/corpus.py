"""Made-up messages whose words are as unevenly frequent as those of people, half of them Chinese; and queries."""

from __future__ import annotations

import itertools
import random


class Corpus:
    """Texts whose words are as unevenly frequent as those of people; half of them Chinese."""

    def __init__(self, seed: int) -> None:
        self.random = rng = random.Random(seed)
        letters = "abcdefghiklmnoprstuvw"
        self.words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(30_000)]
        characters = [chr(0x4E00 + i) for i in rng.sample(range(6_000), 3_500)]
        weights = [1 / (i + 3) for i in range(len(characters))]
        self.chinese = ["".join(rng.choices(characters, weights, k=rng.choice((1, 2, 2, 2, 3)))) for _ in range(20_000)]
        self._word_weights = list(itertools.accumulate(1 / (i + 2.7) for i in range(len(self.words))))
        self._chinese_weights = list(itertools.accumulate(1 / (i + 2.7) for i in range(len(self.chinese))))

    def text(self) -> str:
        """A message."""
        rng = self.random
        if rng.random() < 0.5:
            return " ".join(rng.choices(self.words, cum_weights=self._word_weights, k=rng.randint(2, 16)))
        return "".join(rng.choices(self.chinese, cum_weights=self._chinese_weights, k=rng.randint(2, 14)))

    def query(self, text: str) -> str:
        """Two words of a message; two pairs of characters where it is Chinese."""
        if text.isascii():
            return " ".join(self.random.sample(text.split(), 2)) if " " in text else text
        places = [self.random.randrange(max(1, len(text) - 1)) for _ in range(2)]
        return " ".join(text[place : place + 2] for place in places)
