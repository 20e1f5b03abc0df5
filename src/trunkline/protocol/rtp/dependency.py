"""The dependency descriptor: which layer of a scalable stream a packet is of, and what its frame depends on.

A header extension of the RTP specification for AV1, appendix A, that browsers use for VP9 and VP8 as well. A key frame
carries the structure: templates that later packets name by number. Not here: which layers a subscriber is sent
(``media/sfu/scaler``).
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_TEMPLATES, MAX_SPATIAL, MAX_TARGETS = 64, 4, 32


class DescriptorError(ValueError):
    """The bytes are no dependency descriptor, or name a template that is not known."""


@dataclass(slots=True, frozen=True)
class Template:
    """What frames of one kind have in common.

    Attributes:
        reach: how many frames back the farthest one lies that it depends on; 0 when it depends on none.
    """

    spatial: int
    temporal: int
    reach: int


@dataclass(slots=True, frozen=True)
class Structure:
    """The templates of a stream.

    Attributes:
        offset: the number of the first template.
        targets: how many selections of layers a receiver can decode.
        chains: how many chains of frames must be whole.
    """

    offset: int
    targets: int
    chains: int
    templates: tuple[Template, ...]

    @property
    def top(self) -> int:
        """The highest spatial layer."""
        return max(template.spatial for template in self.templates)


@dataclass(slots=True, frozen=True)
class Descriptor:
    """One packet.

    Attributes:
        begins: the first packet of its frame.
        ends: the last.
        frame: the number of its frame, 16 bits.
        reach: as in ``Template``, for this frame.
        structure: given here for this packet and the ones after it; None otherwise.
    """

    begins: bool
    ends: bool
    frame: int
    spatial: int
    temporal: int
    reach: int
    structure: Structure | None


class _Bits:
    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> int:
        """The next ``count`` bits; the first is the highest."""
        end = self._position + count
        if end > 8 * len(self._data):
            raise DescriptorError("a dependency descriptor is cut short")
        first, last = self._position // 8, (end + 7) // 8
        value = int.from_bytes(self._data[first:last], "big") >> (8 * last - end)
        self._position = end
        return value & ((1 << count) - 1)

    def below(self, limit: int) -> int:
        """A number below ``limit``, in as few bits as it takes: ns(n)."""
        width = limit.bit_length()
        short = (1 << width) - limit
        value = self.take(width - 1)
        return value if value < short else (value << 1) - short + self.take(1)


def read(value: bytes, known: Structure | None) -> Descriptor:
    """Read a descriptor. ``known``: the structure from before.

    Raises:
        DescriptorError: it is malformed, or its template is not known.
    """
    bits = _Bits(value)
    begins, ends, number, frame = bool(bits.take(1)), bool(bits.take(1)), bits.take(6), bits.take(16)
    structure: Structure | None = None
    targets = fdiffs = False
    if len(value) > 3:
        has_structure, has_active = bits.take(1), bits.take(1)
        targets, fdiffs = bool(bits.take(1)), bool(bits.take(1))
        bits.take(1)  # custom chains come last, and are not read
        if has_structure:
            structure = known = _read_structure(bits)
        if has_active:
            bits.take(known.targets if known is not None else 0)
    if known is None:
        raise DescriptorError("no structure yet")
    position = (number - known.offset) & 63
    if position >= len(known.templates):
        raise DescriptorError(f"template {number}")
    template = known.templates[position]
    reach = template.reach
    if targets:
        bits.take(2 * known.targets)
    if fdiffs:
        reach = 0
        while size := bits.take(2):
            reach = max(reach, bits.take(4 * size) + 1)
    return Descriptor(begins, ends, frame, template.spatial, template.temporal, reach, structure)


def _read_structure(bits: _Bits) -> Structure:
    offset, targets = bits.take(6), bits.take(5) + 1
    layers: list[tuple[int, int]] = []
    spatial = temporal = following = 0
    while following != 3:
        if len(layers) == MAX_TEMPLATES or spatial == MAX_SPATIAL:
            raise DescriptorError("too many templates or layers")
        layers.append((spatial, temporal))
        following = bits.take(2)
        if following == 1:
            temporal += 1
        elif following == 2:
            spatial, temporal = spatial + 1, 0
    bits.take(2 * targets * len(layers))  # what each decode target makes of each template
    reaches: list[int] = []
    for _ in layers:
        reach = 0
        while bits.take(1):
            reach = max(reach, bits.take(4) + 1)
        reaches.append(reach)
    chains = bits.below(targets + 1)
    if chains:
        for _ in range(targets):
            bits.below(chains)
        bits.take(4 * chains * len(layers))
    if bits.take(1):
        bits.take(32 * (spatial + 1))  # the size of the picture in each layer
    templates = tuple(Template(s, t, reach) for (s, t), reach in zip(layers, reaches, strict=True))
    return Structure(offset, targets, chains, templates)


def renumber(value: bytes, frame: int) -> bytes:
    """The same descriptor for another frame number."""
    return value[:1] + (frame & 0xFFFF).to_bytes(2, "big") + value[3:]
