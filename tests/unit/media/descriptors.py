"""Dependency descriptors as an encoder writes them (the RTP specification for AV1, appendix A.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Bits:
    """Bits on their way into bytes."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> None:
        """``count`` bits, the highest first."""
        self.text += format(value, f"0{count}b") if count else ""

    def put_below(self, value: int, limit: int) -> None:
        """ns(n)."""
        width = limit.bit_length()
        short = (1 << width) - limit
        if value < short:
            self.put(value, width - 1)
        else:
            self.put(value + short, width)

    def done(self) -> bytes:
        """The bytes, filled up with zeros."""
        text = self.text + "0" * (-len(self.text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


@dataclass
class Kind:
    """A template: its layer, and the frames it depends on, each so many frames back."""

    spatial: int
    temporal: int
    back: Sequence[int] = ()


def key_mode(layers: int) -> list[Kind]:
    """``LxT1_KEY``: in a key picture each layer depends on the one below, later each on itself alone."""
    kinds: list[Kind] = []
    for spatial in range(layers):
        kinds += [Kind(spatial, 0, (1,) if spatial else ()), Kind(spatial, 0, (layers,))]
    return kinds


def descriptor(
    template: int,
    frame: int,
    *,
    begins: bool = True,
    ends: bool = True,
    structure: Sequence[Kind] | None = None,
    offset: int = 0,
    targets: int = 1,
    chains: int = 0,
    sizes: bool = False,
    active: int | None = None,
    known_targets: int = 1,
    custom_back: Sequence[int] | None = None,
    custom_targets: bool = False,
) -> bytes:
    """The extension's value. ``known_targets``: of the structure in force, where none is given here."""
    bits = Bits()
    bits.put(begins, 1)
    bits.put(ends, 1)
    bits.put((template + offset) & 63, 6)
    bits.put(frame & 0xFFFF, 16)
    if structure is None and active is None and custom_back is None and not custom_targets:
        return bits.done()
    bits.put(structure is not None, 1)
    bits.put(active is not None, 1)
    bits.put(custom_targets, 1)
    bits.put(custom_back is not None, 1)
    bits.put(0, 1)
    if structure is not None:
        known_targets = targets
        _put_structure(bits, structure, offset, targets, chains, sizes=sizes)
    if active is not None:
        bits.put(active & ((1 << known_targets) - 1), known_targets)
    if custom_targets:
        bits.put(0, 2 * known_targets)
    if custom_back is not None:
        for back in custom_back:
            width = 1 if back <= 16 else 2 if back <= 256 else 3
            bits.put(width, 2)
            bits.put(back - 1, 4 * width)
        bits.put(0, 2)
    value = bits.done()
    return value if len(value) > 3 else value + b"\0"


def _put_structure(bits: Bits, kinds: Sequence[Kind], offset: int, targets: int, chains: int, *, sizes: bool) -> None:
    bits.put(offset & 63, 6)
    bits.put(targets - 1, 5)
    for kind, following in zip(kinds, [*kinds[1:], None], strict=True):
        if following is None:
            bits.put(3, 2)
        elif following.spatial > kind.spatial:
            bits.put(2, 2)
        else:
            bits.put(following.temporal > kind.temporal, 2)
    bits.put(0, 2 * targets * len(kinds))
    for kind in kinds:
        for back in kind.back:
            bits.put(1, 1)
            bits.put(back - 1, 4)
        bits.put(0, 1)
    bits.put_below(chains, targets + 1)
    if chains:
        for _ in range(targets):
            bits.put_below(chains - 1, chains)
        bits.put(0, 4 * chains * len(kinds))
    bits.put(sizes, 1)
    if sizes:
        for _ in range(max(kind.spatial for kind in kinds) + 1):
            bits.put(639, 16)
            bits.put(359, 16)
