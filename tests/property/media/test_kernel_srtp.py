"""The kernel's SRTP: the vectors of the RFCs, and packet for packet against libsrtp over losses, order and wraps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session

from trunkline.media import kernel
from trunkline.protocol.rtp.packet import RtpPacket

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)
native: Any = kernel.MODULE
CM, GCM = 1, 7
LIBSRTP = {CM: Policy.SRTP_PROFILE_AES128_CM_SHA1_80, GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM}
KEYS = {CM: bytes(range(30)), GCM: bytes(range(28))}
profiles = st.sampled_from([CM, GCM])


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


# --- vectors ----------------------------------------------------------------------------------


def test_session_keys_are_those_of_rfc_3711_b_3() -> None:
    key, salt = hexed("E1F97A0D3E018BE0D64FA32C06DE4139"), hexed("0EC675AD498AFEEBB6960B3AABE6")
    assert native.derive(key, salt, 0, 16) == hexed("C61E7A93744F39EE10734AFE3FF7A087")
    assert native.derive(key, salt, 2, 14) == hexed("30CBBC08863D8C85D49DB34A9AE1")
    assert native.derive(key, salt, 1, 94) == hexed(
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE"
        "E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25"
        "6D6E919A48B610EF17C2041E4740357 66B68642C59BBFC2F34DB60DBDFB2".replace(" ", "")
    )


RFC_7714 = hexed("000102030405060708090a0b0c0d0e0f") + hexed("517569642070726f2071756f") + bytes(2 + 20)


def test_a_packet_of_rfc_7714_16_1() -> None:
    plain = hexed(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
    )
    sealed = hexed(
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce"
    )
    assert native.Srtp(GCM, RFC_7714 * 2, True, derived=True).protect(plain) == sealed
    assert native.Srtp(GCM, RFC_7714 * 2, False, derived=True).unprotect(sealed) == plain


def test_a_report_of_rfc_7714_17_1() -> None:
    plain = hexed("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61" + "deadbeef" * 5)
    sealed = hexed(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
        "c84aa45896cf4d2fc5abf87245d9eade800005d4"
    )
    assert native.Srtp(GCM, RFC_7714 * 2, False, derived=True).unprotect_rtcp(sealed) == plain


def test_counter_mode_is_that_of_rfc_3711_b_2() -> None:
    """Source, cycles and sequence number are zero there, so a packet of zeros shows the key stream itself."""
    keys = hexed("2B7E151628AED2A6ABF7158809CF4F3C") + hexed("F0F1F2F3F4F5F6F7F8F9FAFBFCFD") + bytes(20)
    sealed = native.Srtp(CM, keys * 2, True, derived=True).protect(RtpPacket(0, 0, 0, 0, payload=bytes(48)).serialize())
    assert sealed[12:60] == hexed(
        "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"
    )


# --- libsrtp ----------------------------------------------------------------------------------


class Libsrtp:
    """The same direction, by libsrtp."""

    def __init__(self, profile: int, sending: bool) -> None:
        direction = Policy.SSRC_ANY_OUTBOUND if sending else Policy.SSRC_ANY_INBOUND
        policy = Policy(KEYS[profile], direction, srtp_profile=LIBSRTP[profile])
        policy.window_size = 1024
        self._session = Session(policy)

    def __getattr__(self, name: str) -> Any:
        def call(packet: bytes) -> bytes | None:
            try:
                return bytes(getattr(self._session, name)(packet))
            except Error:
                return None

        return call


def made(sequence: int, ssrc: int, payload: bytes = b"payload", extensions: dict[int, bytes] | None = None) -> bytes:
    return RtpPacket(96, sequence, 7 * sequence, ssrc, extensions=extensions or {}, payload=payload).serialize()


def report(ssrc: int, body: bytes = b"") -> bytes:
    body += bytes(-len(body) % 4)
    return b"\x80\xc9" + (1 + len(body) // 4).to_bytes(2, "big") + ssrc.to_bytes(4, "big") + body


steps = st.lists(st.sampled_from([1, 1, 1, 2, -1, 0, -3, 40, -70, 700, -1100, 20_000, 32_000]), max_size=60)


@given(
    profiles,
    st.integers(0, 0xFFFF),
    steps,
    st.lists(st.integers(1, 3), min_size=60, max_size=60),
    st.binary(max_size=50),
)
def test_what_is_sent_is_what_libsrtp_sends(
    profile: int, start: int, walk: list[int], sources: list[int], payload: bytes
) -> None:
    ours, theirs = native.Srtp(profile, KEYS[profile], True), Libsrtp(profile, True)
    position = start
    for step, ssrc in zip(walk, sources, strict=False):
        position += step
        packet = made(position & 0xFFFF, ssrc, payload, {1: b"x", 3: payload[:16]} if payload else None)
        assert ours.protect(packet) == theirs.protect(packet)
        compound = report(ssrc, payload)
        assert ours.protect_rtcp(compound) == theirs.protect_rtcp(compound)


@given(profiles, st.integers(0, 0xFFFF), steps, st.randoms(use_true_random=False))
def test_what_arrives_is_opened_or_refused_as_by_libsrtp(
    profile: int, start: int, walk: list[int], random: Any
) -> None:
    """Sent in order over cycles; delivered late, twice and with changed bits."""
    sender = native.Srtp(profile, KEYS[profile], True)
    position, sent = start, []
    for step in walk:
        position += abs(step) or 1
        sent.append((sender.protect(made(position & 0xFFFF, 5, b"media")), sender.protect_rtcp(report(5, b"abc"))))
    arriving = sent + [pair for pair in sent if random.random() < 0.3]
    arriving.sort(key=lambda pair: sent.index(pair) + random.choice([0, 0, 0, 3, 30]) * random.random())
    ours, theirs = native.Srtp(profile, KEYS[profile], False), Libsrtp(profile, False)
    for packet, compound in arriving:
        if random.random() < 0.2:
            changed = bytearray(packet)
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            assert ours.unprotect(bytes(changed)) == theirs.unprotect(bytes(changed))
        assert ours.unprotect(packet) == theirs.unprotect(packet)
        assert ours.unprotect_rtcp(compound) == theirs.unprotect_rtcp(compound)


@given(profiles, st.binary(max_size=80), st.booleans())
def test_any_bytes_open_nothing(profile: int, data: bytes, framed: bool) -> None:
    if framed:
        data = b"\x90" + data
    receiver = native.Srtp(profile, KEYS[profile], False)
    assert receiver.unprotect(data) is None
    assert receiver.unprotect_rtcp(data) is None


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [CM, GCM])
def test_replays_are_refused_over_a_wrap_and_beyond_the_window(profile: int) -> None:
    sender, receiver = native.Srtp(profile, KEYS[profile], True), native.Srtp(profile, KEYS[profile], False)
    sent = [sender.protect(made((65_000 + n) & 0xFFFF, 9)) for n in range(2000)]
    late = sent.pop(10)
    assert all(receiver.unprotect(packet) is not None for packet in sent)
    assert not any(receiver.unprotect(packet) for packet in sent)
    assert receiver.unprotect(late) is None, "too old to tell"
    assert sender.protect(made(65_000, 9)) is None, "one number is encrypted once"


@pytest.mark.parametrize("profile", [CM, GCM])
def test_what_is_forged_changes_nothing(profile: int) -> None:
    sender, receiver = native.Srtp(profile, KEYS[profile], True), native.Srtp(profile, KEYS[profile], False)
    first, far = sender.protect(made(1, 9)), sender.protect(made(30_000, 9))
    forged = bytearray(far)
    forged[-1] ^= 1
    assert receiver.unprotect(bytes(forged)) is None
    assert receiver.unprotect(first) == made(1, 9), "the window did not move"
    assert receiver.unprotect(far) == made(30_000, 9)


@pytest.mark.parametrize("profile", [CM, GCM])
def test_sources_of_a_client_are_bounded(profile: int) -> None:
    sender, receiver = native.Srtp(profile, KEYS[profile], True), native.Srtp(profile, KEYS[profile], False)
    opened = [receiver.unprotect(sender.protect(made(1, ssrc))) is not None for ssrc in range(1100)]
    assert opened == [True] * 1024 + [False] * 76
    assert receiver.unprotect(sender.protect(made(2, 3))) == made(2, 3), "known sources go on"


@pytest.mark.parametrize("arguments", [(3, bytes(30), True), (CM, bytes(28), True), (GCM, bytes(30), False)])
def test_keys_of_a_wrong_kind_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError):
        native.Srtp(*arguments)
