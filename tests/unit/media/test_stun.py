"""STUN messages and the ICE-lite agent, against the vectors of RFC 5769 and the rules of RFC 8445."""

from __future__ import annotations

import pytest

from trunkline.protocol.stun import Attribute, IceLiteAgent, MessageClass, StunError, StunMessage, parse, peek_username
from trunkline.protocol.stun.agent import CONSENT_TIMEOUT_S, MAX_ADDRESSES
from trunkline.protocol.stun.message import BINDING, error_value, parse_xor_address, xor_address

PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e7400240004"
    "6e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56"
    "781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147"
    "e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RESPONSE_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
CLIENT = ("192.0.2.7", 40_000)


def check(username: str = "srv:cli", password: str = "secret", *extra: tuple[int, bytes]) -> bytes:
    message = StunMessage(MessageClass.REQUEST, BINDING, bytes(range(12)))
    message.attributes = [(Attribute.USERNAME, username.encode()), (Attribute.PRIORITY, bytes(4)), *extra]
    return message.serialize(password)


def agent() -> IceLiteAgent:
    return IceLiteAgent("srv", "secret", "cli", now_s=100.0)


def test_vectors_of_rfc_5769_are_read_and_authentic() -> None:
    request = parse(REQUEST)
    assert (request.kind, request.method, request.username) == (MessageClass.REQUEST, 1, "evtj:h6vY")
    assert request.verify(PASSWORD) and not request.verify(PASSWORD + "x")
    assert peek_username(REQUEST) == b"evtj:h6vY"
    for vector, host in ((RESPONSE, "192.0.2.1"), (RESPONSE_IPV6, "2001:db8:1234:5678:11:2233:4455:6677")):
        response = parse(vector)
        assert response.kind is MessageClass.SUCCESS and response.verify(PASSWORD)
        value = response.get(Attribute.XOR_MAPPED_ADDRESS)
        assert value is not None and parse_xor_address(value, response.transaction) == (host, 32853)
        assert xor_address(host, 32853, response.transaction) == value


@pytest.mark.parametrize("position", range(0, len(REQUEST), 7))
def test_a_changed_byte_never_passes_as_authentic(position: int) -> None:
    damaged = bytearray(REQUEST)
    damaged[position] ^= 0x55
    with pytest.raises(StunError):
        parse(bytes(damaged))


def test_a_check_is_answered_with_the_address_it_came_from() -> None:
    ice = agent()
    reply = ice.on_message(parse(check()), CLIENT, 101.0)
    assert reply.validated and reply.selected and ice.selected == CLIENT
    assert reply.data is not None
    answer = parse(reply.data)
    value = answer.get(Attribute.XOR_MAPPED_ADDRESS)
    assert answer.kind is MessageClass.SUCCESS and answer.verify("secret") and answer.transaction == bytes(range(12))
    assert value is not None and parse_xor_address(value, answer.transaction) == CLIENT


@pytest.mark.parametrize(
    ("datagram", "code"),
    [
        (check(password="wrong"), 401),
        (check(username="srv:other"), 401),
        (check(username="other:cli"), 401),
        (StunMessage(MessageClass.REQUEST, BINDING, bytes(12), [(Attribute.USERNAME, b"srv:cli")]).serialize(), 400),
        (StunMessage(MessageClass.REQUEST, BINDING, bytes(12)).serialize("secret"), 400),
        (check("srv:cli", "secret", (0x7777, b"")), 420),
        (check("srv:cli", "secret", (Attribute.ICE_CONTROLLED, bytes(8))), 487),
    ],
)
def test_a_refused_check_says_why_and_validates_nothing(datagram: bytes, code: int) -> None:
    ice = agent()
    reply = ice.on_message(parse(datagram), CLIENT, 101.0)
    assert reply.data is not None and parse(reply.data).error_code == code
    assert not reply.validated and ice.addresses == [] and ice.selected is None and ice.heard_s == 100.0


def test_answers_and_indications_are_not_answered() -> None:
    ice = agent()
    for kind in (MessageClass.INDICATION, MessageClass.SUCCESS, MessageClass.ERROR):
        message = StunMessage(kind, BINDING, bytes(12), [(Attribute.USERNAME, b"srv:cli")])
        assert ice.on_message(parse(message.serialize("secret")), CLIENT, 101.0).data is None


def test_nomination_moves_the_selected_address_and_a_mere_check_does_not() -> None:
    ice = agent()
    other = ("192.0.2.8", 41_000)
    ice.on_message(parse(check()), CLIENT, 101.0)
    assert not ice.on_message(parse(check()), other, 102.0).selected
    assert ice.selected == CLIENT and ice.is_validated(other)
    assert ice.on_message(parse(check("srv:cli", "secret", (Attribute.USE_CANDIDATE, b""))), other, 103.0).selected
    assert ice.selected == other


def test_consent_ends_without_checks() -> None:
    ice = agent()
    ice.on_message(parse(check()), CLIENT, 101.0)
    assert ice.consented(101.0 + CONSENT_TIMEOUT_S - 0.1)
    assert not ice.consented(101.0 + CONSENT_TIMEOUT_S)


def test_a_restart_keeps_the_old_credentials_until_the_new_path_is_nominated() -> None:
    ice = agent()
    ice.on_message(parse(check()), CLIENT, 101.0)
    ice.restart("srv2", "secret2", "cli2")
    assert ice.selected == CLIENT
    assert ice.on_message(parse(check()), CLIENT, 102.0).data is not None
    assert ice.heard_s == 102.0
    fresh = check("srv2:cli2", "secret2", (Attribute.USE_CANDIDATE, b""))
    moved = ("192.0.2.9", 50_000)
    assert ice.on_message(parse(fresh), moved, 103.0).selected
    stale = ice.on_message(parse(check()), CLIENT, 104.0)
    assert stale.data is not None and parse(stale.data).error_code == 401


def test_addresses_are_bounded_and_the_selected_one_stays() -> None:
    ice = agent()
    ice.on_message(parse(check()), CLIENT, 100.0)
    for number in range(2 * MAX_ADDRESSES):
        ice.on_message(parse(check()), ("192.0.2.9", 1000 + number), 101.0 + number)
    assert len(ice.addresses) == MAX_ADDRESSES and ice.is_validated(CLIENT)


def test_an_error_value_has_its_class_and_number() -> None:
    message = StunMessage(MessageClass.ERROR, BINDING, bytes(12), [(Attribute.ERROR_CODE, error_value(487, "Role"))])
    assert parse(message.serialize()).error_code == 487
