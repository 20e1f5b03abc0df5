"""Scalable video: descriptors are read as they were written and refused when damaged, layers are chosen alike by both
forwarders.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.media.descriptors import Kind, descriptor
from trunkline.media import kernel
from trunkline.media.sfu.scaler import Layers, Part, Scaler
from trunkline.protocol.rtp import dependency

CODECS = {"vp8": 1, "h264": 2, "vp9": 3, "av1": 4}
u16 = st.integers(0, 0xFFFF)
backs = st.lists(st.integers(1, 16), max_size=3)


@st.composite
def structures(draw: st.DrawFn) -> list[Kind]:
    """Templates in the order that the format asks for."""
    kinds: list[Kind] = []
    for spatial in range(draw(st.integers(1, 4))):
        for temporal in range(draw(st.integers(1, 3))):
            kinds += [Kind(spatial, temporal, draw(backs)) for _ in range(draw(st.integers(1, 2)))]
    return kinds


@given(structures(), st.data())
def test_what_is_written_is_read(kinds: list[Kind], data: st.DataObject) -> None:
    offset, targets = data.draw(st.integers(0, 63)), data.draw(st.integers(1, 32))
    chains = data.draw(st.integers(0, targets))
    template, frame = data.draw(st.integers(0, len(kinds) - 1)), data.draw(u16)
    value = descriptor(
        template,
        frame,
        structure=kinds,
        offset=offset,
        targets=targets,
        chains=chains,
        sizes=data.draw(st.booleans()),
        active=data.draw(st.none() | st.integers(0, 0xFFFFFFFF)),
    )
    found = dependency.read(value, None)
    assert found.structure is not None
    assert (found.structure.targets, found.structure.chains, found.structure.offset) == (targets, chains, offset)
    expected = [(kind.spatial, kind.temporal, max(kind.back, default=0)) for kind in kinds]
    assert [(t.spatial, t.temporal, t.reach) for t in found.structure.templates] == expected
    assert (found.spatial, found.temporal, found.reach) == expected[template] and found.frame == frame
    back = data.draw(st.none() | st.lists(st.integers(1, 4096), max_size=3))
    later = descriptor(
        template,
        frame + 1,
        begins=False,
        offset=offset,
        known_targets=targets,
        custom_back=back,
        custom_targets=data.draw(st.booleans()),
    )
    following = dependency.read(later, found.structure)
    assert not following.begins and following.ends and following.structure is None
    assert following.reach == (expected[template][2] if back is None else max(back, default=0))
    assert dependency.read(dependency.renumber(later, 77), found.structure).frame == 77


@given(structures(), st.integers(1, 60), st.data())
def test_a_descriptor_that_is_cut_short_or_unknown_is_refused(kinds: list[Kind], cut: int, data: st.DataObject) -> None:
    value = descriptor(0, 5, structure=kinds, targets=data.draw(st.integers(1, 8)), sizes=True)
    with pytest.raises(dependency.DescriptorError):
        dependency.read(value[: max(len(value) - 5 - cut, 0)], None)
    known = dependency.read(value, None).structure
    if len(kinds) < 64:
        with pytest.raises(dependency.DescriptorError):
            dependency.read(descriptor(len(kinds), 6), known)
    with pytest.raises(dependency.DescriptorError):
        dependency.read(descriptor(0, 6), None)


sound = st.builds(
    lambda kinds, template, frame, begins, ends: descriptor(
        template % len(kinds), frame, begins=begins, ends=ends, structure=kinds, targets=2, chains=1
    ),
    structures(),
    st.integers(0, 20),
    u16,
    st.booleans(),
    st.booleans(),
)
values = sound | st.builds(descriptor, st.integers(0, 12), u16, begins=st.booleans(), ends=st.booleans()) | st.binary()
damaged = st.builds(
    lambda value, at, byte: value[:at] + bytes((byte,)) + value[at + 1 :], values, u16, st.integers(0, 255)
)
payloads = st.binary(max_size=6) | st.builds(
    lambda first, layer, more: bytes((first | 0x20, layer << 1)) + more,
    st.integers(0, 127),
    st.integers(0, 3),
    st.binary(max_size=5),
)
actions = st.one_of(
    st.tuples(st.just("packet"), st.sampled_from(list(CODECS)), payloads, st.just(b"") | values | damaged),
    st.tuples(st.just("begin"), st.just("vp9"), st.just(b""), st.just(b"")),
)


@pytest.mark.skipif(kernel.MODULE is None, reason="no media kernel")
@given(st.lists(st.tuples(actions, st.integers(0, 3), st.booleans()), max_size=60))
def test_both_forwarders_choose_layers_alike(steps: list[Any]) -> None:
    native: Any = kernel.MODULE
    ours, layers, scaler = native.Scaler(), Layers(), Scaler()
    part: Part | None = None
    for (action, codec, payload, value), wanted, newest in steps:
        if action == "begin":
            ours.begin()
            scaler.begin(part.frame if part is not None else None)
            continue
        part = layers.read(codec, payload, value)
        read = ours.read(CODECS[codec], payload, value)
        if part is None:
            assert read is None
            continue
        assert read == (part.spatial, part.begins, part.ends, part.free, part.frame, part.base, layers.top)
        verdict = scaler.take(part, wanted, layers.top, newest=newest)
        assert ours.take(wanted, newest) == (verdict.sent, verdict.last, verdict.asks, scaler.present)
        if part.frame is not None:
            assert ours.renumber(part.frame) == scaler.renumber(part.frame)
