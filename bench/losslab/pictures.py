"""A moving picture whose frames carry their number, so that a received frame is compared with the one that was sent."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Luma = NDArray[np.uint8]
BITS = 12
PERIOD = 1 << BITS


@functools.cache
def _background(width: int, height: int) -> NDArray[np.float64]:
    y, x = np.mgrid[0:height, 0:width]
    waves = 40 * np.sin(x / 17) * np.cos(y / 13) + 30 * np.sin((x + 2 * y) / 41)
    return np.asarray(110 + waves)


def luma(number: int, width: int, height: int) -> Luma:
    """The brightness of a frame: a textured scene that pans, a block that moves, and the number as a row of squares."""
    scene = np.roll(_background(width, height), 2 * number % width, axis=1).copy()
    size = height // 4
    left, top = 5 * number % (width - size), 3 * number % (height - 2 * size) + size
    scene[top : top + size, left : left + size] = 220 - (number % 50)
    cell = width // BITS
    for bit in range(BITS):
        scene[: height // 8, bit * cell : (bit + 1) * cell] = 235 if number >> bit & 1 else 16
    return np.clip(scene, 0, 255).astype(np.uint8)


def number_of(got: Luma) -> int:
    """The number in a received frame, of whatever size."""
    height, width = got.shape
    cell = width / BITS
    row = got[height // 32 : height // 8 - height // 32]
    return sum(
        1 << bit for bit in range(BITS) if row[:, int((bit + 0.3) * cell) : int((bit + 0.7) * cell)].mean() > 125
    )


def similarity(got: Luma, number: int, width: int, height: int) -> float:
    """SSIM (Wang et al. 2004, windows of 7 by 7) between a received frame, scaled up, and the original."""
    want = luma(number, width, height).astype(np.float64)
    rows = np.arange(height) * got.shape[0] // height
    columns = np.arange(width) * got.shape[1] // width
    have = got[rows][:, columns].astype(np.float64)
    mean_w, mean_h = uniform_filter(want, 7), uniform_filter(have, 7)
    var_w = uniform_filter(want * want, 7) - mean_w**2
    var_h = uniform_filter(have * have, 7) - mean_h**2
    both = uniform_filter(want * have, 7) - mean_w * mean_h
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_w * mean_h + c1) * (2 * both + c2)
    return float((top / ((mean_w**2 + mean_h**2 + c1) * (var_w + var_h + c2))).mean())
