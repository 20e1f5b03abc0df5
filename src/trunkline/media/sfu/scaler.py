"""Spatial layers of one scalable stream (SVC): which one a packet is of, and which of them one subscriber is sent.

A layer can be left out at any frame, since lower ones never depend on it; it can be taken up where it depends on
nothing from before, which is at key frames. Frame numbers in the dependency descriptor go on over changes of the
source. The twin is the kernel's scaler.c. Not here: the descriptor's bytes (``protocol/rtp/dependency``), simulcast
layers, which are sources of their own (``downtrack``).
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.protocol.rtp import dependency

HALF = 1 << 15


@dataclass(slots=True, frozen=True)
class Part:
    """What a packet is of.

    Attributes:
        begins: the first packet of its layer in this picture.
        ends: the last.
        free: the layer depends on no earlier picture here.
        frame: the frame's number; None without a dependency descriptor.
        base: the lowest layer, in space and in time, which all others depend on.
    """

    spatial: int
    begins: bool
    ends: bool
    free: bool
    frame: int | None = None
    base: bool = False


class Layers:
    """The spatial layers of one source.

    Attributes:
        top: the highest layer there is, as far as is known.
    """

    __slots__ = ("_structure", "top")

    def __init__(self) -> None:
        self._structure: dependency.Structure | None = None
        self.top = 0

    def read(self, codec: str, payload: bytes, descriptor: bytes | None) -> Part | None:
        """The part that a packet is; None where nothing tells."""
        part = self._described(descriptor) if descriptor else None
        if part is None and codec == "vp9":
            part, top = read_vp9(payload)
            if part is not None:
                self.top = max(self.top, part.spatial) if top is None else top
        return part

    def _described(self, descriptor: bytes) -> Part | None:
        try:
            found = dependency.read(descriptor, self._structure)
        except dependency.DescriptorError:
            return None
        if found.structure is not None:
            self._structure = found.structure
            self.top = found.structure.top
        # A picture's frames have numbers in a row, the lowest layer first.
        free, base = found.reach <= found.spatial, not found.spatial and not found.temporal
        return Part(found.spatial, found.begins, found.ends, free, found.frame, base)


def read_vp9(payload: bytes) -> tuple[Part | None, int | None]:
    """The layer as VP9's payload descriptor tells it (RFC 9628 section 4.2), None when there are no layers; and the
    highest layer, where it carries the structure.
    """
    if not payload or not payload[0] & 0x20:
        return None, None
    first = payload[0]
    position = 1
    if first & 0x80:
        if len(payload) < 2:
            return None, None
        position += 2 if payload[1] & 0x80 else 1
    if position >= len(payload):
        return None, None
    spatial, temporal = payload[position] >> 1 & 0x07, payload[position] >> 5
    base = not spatial and not temporal
    part = Part(spatial, bool(first & 0x08), bool(first & 0x04), not first & 0x40, base=base)
    position += 1
    if not first & 0x10:
        position += 1
    elif first & 0x40:  # the pictures it refers to, three at most
        for _ in range(3):
            position += 1
            if position > len(payload) or not payload[position - 1] & 0x01:
                break
    top = payload[position] >> 5 if first & 0x02 and position < len(payload) else None
    return part, top


@dataclass(slots=True, frozen=True)
class Verdict:
    """What becomes of a packet.

    Attributes:
        sent: it is sent.
        last: nothing of this picture follows.
        asks: a higher layer is wanted, which only a key frame can begin.
    """

    sent: bool
    last: bool
    asks: bool = False


class Scaler:
    """One subscriber of a scalable stream.

    Attributes:
        present: the highest layer that is sent; -1 before the first.
    """

    __slots__ = ("_highest", "_offset", "present")

    def __init__(self) -> None:
        self.present = -1
        self._offset = 0
        self._highest: int | None = None

    def begin(self, frame: int | None) -> None:
        """A source begins, with a key frame of this number."""
        self.present = -1
        if frame is not None and self._highest is not None:
            self._offset = self._highest + 1 - frame & 0xFFFF

    def take(self, part: Part, wanted: int, top: int, *, newest: bool) -> Verdict:
        """Decide on a packet. ``newest``: none sent after it has come; only those change layers."""
        asks = False
        if newest and part.begins:
            if part.spatial == 0:
                self.present = min(self.present, wanted)
                if part.free:
                    self.present = min(wanted, top)
                asks = self.present < min(wanted, top)
            elif part.free and self.present == part.spatial - 1 < wanted:
                self.present = part.spatial
        return Verdict(part.spatial <= self.present, part.ends and part.spatial == self.present, asks)

    def renumber(self, frame: int) -> int:
        """The number that a frame is sent as."""
        number = frame + self._offset & 0xFFFF
        if self._highest is None or (number - self._highest & 0xFFFF) < HALF:
            self._highest = number
        return number
