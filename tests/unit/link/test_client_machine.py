"""One connection of the client's link machine: window, deadlines, heartbeats, and its end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trunkline.protocol.link.client import (
    Ended,
    Failed,
    HelloRefused,
    LinkClient,
    LinkState,
    Pushed,
    Replied,
    Silent,
    Violated,
    Welcomed,
)
from trunkline.protocol.link.closing import Reaction
from trunkline.protocol.link.frames import JSON_CODEC, compact_params
from trunkline.wire.calls.conversations import GroupUpdate
from trunkline.wire.calls.messages import MessageSend
from trunkline.wire.calls.session import Hello, Welcome
from trunkline.wire.frames import ErrorBody


def frame(*elements: Any) -> bytes:
    return JSON_CODEC.encode(elements)


def welcome(*, window: int = 8, heartbeat_ms: int = 10_000) -> bytes:
    return frame(2, 1, Welcome("user/a", "d", "s", 1, 7, 0, 0, heartbeat_ms, window, 1 << 18))


def connect(**kwargs: int) -> LinkClient:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    assert isinstance(link.receive(welcome(**kwargs), 0.0)[0], Welcomed)
    link.data_to_send()
    return link


def sent(link: LinkClient) -> list[Any]:
    return [msgspec.json.decode(data) for data in link.data_to_send()]


def test_hello_is_the_first_thing_sent_and_leaves_defaults_out() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d", outbox="outbox-1"), 0.0)
    assert sent(link) == [[1, 1, "hello", {"token": "t", "device": "d", "outbox": "outbox-1"}]]
    assert link.state is LinkState.GREETING


def test_no_request_before_the_welcome() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    with pytest.raises(RuntimeError, match="greeting"):
        link.request("sync", {}, 0.0, timeout_s=1)


def test_a_refused_hello_says_what_to_do() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    error = ErrorBody(2003, "token_expired", "Mint a fresh token.", "new_token", applied=False)
    assert link.receive(frame(3, 1, error), 0.1) == [HelloRefused(error, Reaction.NEW_TOKEN)]


def test_a_silent_server_at_hello_is_given_up_after_ten_seconds() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    assert link.next_timeout_s() == 10.0
    assert link.tick(9.9) == []
    assert link.tick(10.0) == [Silent()]


def test_replies_find_their_requests_in_any_order() -> None:
    link = connect()
    first = link.request("sync", {}, 0.0, timeout_s=5)
    second = link.request("block.list", {}, 0.0, timeout_s=5)
    events = link.receive(frame(2, second, {"blocked": []}), 0.1) + link.receive(frame(2, first, {}), 0.2)
    assert [event.id for event in events if isinstance(event, Replied)] == [second, first]
    assert link.open_requests == 0
    assert link.receive(frame(2, first, {}), 0.3) == []


def test_the_window_keeps_requests_back_in_their_order() -> None:
    link = connect(window=2)
    ids = [link.request("m", {"i": i}, 0.0, timeout_s=5) for i in range(5)]
    assert [f[1] for f in sent(link)] == ids[:2]
    link.receive(frame(2, ids[1], {}), 0.1)
    assert [f[1] for f in sent(link)] == [ids[2]]
    link.receive(frame(3, ids[0], ErrorBody(3001, "forbidden", "", "never", applied=False)), 0.1)
    link.receive(frame(2, ids[2], {}), 0.1)
    assert [f[1] for f in sent(link)] == ids[3:]


def test_the_queue_before_the_window_is_bounded() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0, max_waiting=2)
    link.receive(welcome(window=1), 0.0)
    for _ in range(3):
        link.request("m", {}, 0.0, timeout_s=5)
    assert link.full
    with pytest.raises(RuntimeError, match="too many"):
        link.request("m", {}, 0.0, timeout_s=5)


def test_a_request_that_was_sent_times_out_as_unknown_and_its_late_answer_is_ignored() -> None:
    link = connect()
    request_id = link.request("message.send", {}, 0.0, timeout_s=5)
    assert link.next_timeout_s() == 5.0
    (event,) = link.tick(5.0)
    assert isinstance(event, Failed)
    assert (event.id, event.error.code, event.error.applied) == (request_id, 5003, None)
    assert link.receive(frame(2, request_id, {}), 5.1) == []


def test_a_request_that_was_never_sent_times_out_as_not_applied() -> None:
    link = connect(window=1)
    link.request("m", {}, 0.0, timeout_s=50)
    waiting = link.request("m", {}, 0.0, timeout_s=5)
    (event,) = link.tick(5.0)
    assert isinstance(event, Failed)
    assert (event.id, event.error.applied, event.error.retry) == (waiting, False, "later")
    assert link.open_requests == 1


def test_the_end_tells_unknown_from_not_applied() -> None:
    link = connect(window=1)
    flying = link.request("m", {}, 0.0, timeout_s=5)
    waiting = link.request("m", {}, 0.0, timeout_s=5)
    events = link.closed(1006)
    assert [(e.id, e.error.applied) for e in events if isinstance(e, Failed)] == [(flying, None), (waiting, False)]
    assert events[-1] == Ended(1006, Reaction.RETRY)
    assert link.state is LinkState.CLOSED
    assert link.closed(1006) == []
    assert link.data_to_send() == []
    assert link.next_timeout_s() is None


def test_silence_makes_a_ping_and_gives_up_after_two_heartbeats() -> None:
    link = connect(heartbeat_ms=10_000)
    assert link.next_timeout_s() == 15.0
    assert link.tick(14.9) == []
    assert link.tick(15.0) == []
    assert sent(link) == [[5, 1]]
    assert link.next_timeout_s() == 20.0
    assert link.tick(20.0) == [Silent()]


def test_anything_heard_restarts_the_wait() -> None:
    link = connect(heartbeat_ms=10_000)
    link.tick(15.0)
    assert sent(link) == [[5, 1]]
    assert link.receive(frame(6, 1), 16.0) == []
    assert link.next_timeout_s() == 31.0
    link.heard(30.0)
    assert link.next_timeout_s() == 45.0


def test_a_push_before_the_welcome_is_not_for_this_session() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    assert link.receive(frame(4, "lagged", {}), 0.0) == []
    assert [type(e) for e in connect().receive(frame(4, "lagged", {}), 0.0)] == [Pushed]


def test_an_answer_to_something_else_than_hello_is_a_violation() -> None:
    link = LinkClient(JSON_CODEC, Hello(token="t", device="d"), 0.0)
    assert [type(e) for e in link.receive(frame(2, 5, {}), 0.0)] == [Violated]


def test_parameters_leave_defaults_and_unset_fields_out() -> None:
    send = MessageSend(conversation="g.1", content=msgspec.Raw(b'{"text":"x"}'), n=3)
    assert set(compact_params(send)) == {"conversation", "content", "n"}
    assert compact_params(GroupUpdate(conversation="g.1", muted_all=False)) == {
        "conversation": "g.1",
        "muted_all": False,
    }
