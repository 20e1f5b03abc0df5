"""The ICE agent over time: consent, changed addresses, restarts that are never answered."""

from __future__ import annotations

from trunkline.protocol.stun import Address, Attribute, IceLiteAgent, MessageClass, StunMessage, StunReply, parse
from trunkline.protocol.stun.agent import CONSENT_TIMEOUT_S, MAX_ADDRESSES
from trunkline.protocol.stun.message import BINDING

HOME: Address = ("192.0.2.1", 4000)
AWAY: Address = ("198.51.100.7", 5000)


def check(
    agent: IceLiteAgent, address: Address, now_s: float, *, ufrag: str = "", password: str = "", nominate: bool = True
) -> StunReply:
    """A client's check, as it arrives."""
    message = StunMessage(MessageClass.REQUEST, BINDING, bytes(12))
    message.attributes.append((Attribute.USERNAME, f"{ufrag or agent.ufrag}:{agent.remote_ufrag or 'their'}".encode()))
    if nominate:
        message.attributes.append((Attribute.USE_CANDIDATE, b""))
    return agent.on_message(parse(message.serialize(password or agent.password)), address, now_s)


def agent() -> IceLiteAgent:
    return IceLiteAgent("ours", "secret-password-of-ice", "their", 0.0)


def test_consent_ends_when_checks_stop_and_only_genuine_ones_count() -> None:
    ice = agent()
    assert check(ice, HOME, 10.0).validated
    assert ice.consented(10.0 + CONSENT_TIMEOUT_S - 0.1)
    refused = check(ice, HOME, 30.0, password="wrong")
    assert refused.data is not None and parse(refused.data).error_code == 401
    assert not ice.consented(10.0 + CONSENT_TIMEOUT_S)


def test_a_check_from_a_new_address_moves_media_there() -> None:
    ice = agent()
    check(ice, HOME, 1.0)
    assert ice.selected == HOME
    moved = check(ice, AWAY, 2.0)
    assert moved.validated and moved.selected and ice.selected == AWAY
    assert ice.is_validated(HOME), "what is under way from there still counts"
    assert not check(ice, HOME, 3.0, nominate=False).selected, "a mere check does not move it back"


def test_nobody_moves_media_without_the_password() -> None:
    ice = agent()
    check(ice, HOME, 1.0)
    for address in (("203.0.113.1", port) for port in range(1, 50)):
        assert not check(ice, address, 2.0, password="guess").validated
    assert ice.selected == HOME and ice.addresses == [HOME]


def test_addresses_are_bounded_and_the_selected_one_stays() -> None:
    ice = agent()
    check(ice, HOME, 1.0)
    for port in range(3 * MAX_ADDRESSES):
        check(ice, ("203.0.113.1", port + 1), 2.0 + port, nominate=False)
    assert len(ice.addresses) == MAX_ADDRESSES and ice.selected == HOME and ice.is_validated(HOME)


def test_a_restart_that_is_never_answered_leaves_the_path_as_it_was() -> None:
    ice = agent()
    check(ice, HOME, 1.0)
    ice.restart("new1", "password-of-the-first-restart", "")
    ice.restart("new2", "password-of-the-second-restart", "")
    message = StunMessage(MessageClass.REQUEST, BINDING, bytes(12))
    message.attributes.append((Attribute.USERNAME, b"ours:their"))
    reply = ice.on_message(parse(message.serialize("secret-password-of-ice")), HOME, 5.0)
    assert reply.data is not None and parse(reply.data).kind is MessageClass.SUCCESS
    ice.remote_ufrag = "again"
    assert check(ice, AWAY, 6.0).selected
    old = ice.on_message(parse(message.serialize("secret-password-of-ice")), HOME, 7.0)
    assert old.data is not None and parse(old.data).error_code == 401, "the old credentials are gone"


def test_an_address_over_tcp_is_told_without_its_mark() -> None:
    reply = check(agent(), ("192.0.2.1%tcp", 4000), 1.0)
    plain = check(agent(), HOME, 1.0)
    assert reply.data == plain.data
