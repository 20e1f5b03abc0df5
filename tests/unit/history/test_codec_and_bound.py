"""The JSON lines that clients write, the bound that claims print, and the histories that are refused."""

from __future__ import annotations

import pytest

from tests.unit.history.generate import generate
from trunkline.domain.history import (
    Checker,
    ContradictoryHistoryError,
    Event,
    FinalLog,
    Invoke,
    Ok,
    Recv,
    TornHistoryError,
    ViewJoin,
    check_history,
    decode_lines,
    encode_line,
    encode_lines,
    trials_needed,
    upper_bound_95,
)


def test_events_survive_the_codec() -> None:
    events = generate(7, steps=600, retention=True, restore=True).all_events()
    data = encode_lines(events)
    assert data == b"".join(encode_line(event) for event in events)
    assert list(decode_lines(data.splitlines(keepends=True))) == events


def test_the_last_line_of_a_killed_writer_is_left_out() -> None:
    event = Invoke("d", "c", "o,1", 5)
    line = encode_line(event)
    for cut in range(1, len(line)):
        assert list(decode_lines([line, line[:cut]])) == [event]


@pytest.mark.parametrize("bad", [b"{\n", b'{"ev":"recv","dev":"d"}\n', b'{"ev":"sent","id":"o,1"}\n', b"\n"])
def test_a_line_that_is_no_event_is_an_error(bad: bytes) -> None:
    line = encode_line(Invoke("d", "c", "o,1", 5))
    with pytest.raises(TornHistoryError, match="line 2"):
        list(decode_lines([line, bad, line]))


def test_the_rule_of_three() -> None:
    assert upper_bound_95(0, 300_000) == pytest.approx(1e-5)
    assert upper_bound_95(0, 1) == 1.0
    assert upper_bound_95(0, 0) == 1.0
    assert trials_needed(1e-5) == 300_000
    with pytest.raises(ValueError, match="failures"):
        upper_bound_95(3, 2)
    with pytest.raises(ValueError, match="rate"):
        trials_needed(0)


def test_the_bound_with_failures_is_poissons() -> None:
    # The 95 % upper limits of a Poisson mean, from any table: 4.744 for 1, 6.296 for 2, 16.962 for 10.
    for failures, mean in ((1, 4.744), (2, 6.296), (10, 16.962)):
        assert upper_bound_95(failures, 1_000_000) == pytest.approx(mean / 1e6, rel=1e-3)


def test_a_history_that_cannot_be_true_is_not_judged() -> None:
    log = FinalLog("c", [(1, "o,1")])
    with pytest.raises(ContradictoryHistoryError, match="other"):
        check_history([Recv("d", "other", 1, "o,1", 1)], [log])
    with pytest.raises(ContradictoryHistoryError, match="other"):
        check_history([Invoke("d", "other", "o,1", 1)], [log])
    with pytest.raises(ContradictoryHistoryError, match="o,1"):
        check_history([Invoke("d", "c", "o,1", 1), Invoke("d", "e", "o,1", 1)], [log, FinalLog("e", [])])
    with pytest.raises(ContradictoryHistoryError, match="without having left"):
        check_history([ViewJoin("d", "c", 1, 1), ViewJoin("d", "c", 1, 2)], [log])


def test_a_checker_is_used_once() -> None:
    checker = Checker([])
    assert checker.finish().accepted == 0
    with pytest.raises(RuntimeError, match="new Checker"):
        checker.finish()


def test_an_answer_may_come_before_its_invoke_in_the_merged_history() -> None:
    log = FinalLog("c", [(1, "o,1")])
    assert check_history([Ok("o,1", 1, 0, 9), Invoke("d", "c", "o,1", 5)], [log]).accepted == 1
    verdict = check_history([Ok("o,1", 1, 0, 9)], [log])
    assert verdict.violations["I2"].count == 2


def test_a_device_that_is_gone_need_not_have_caught_up() -> None:
    log = FinalLog("c", [(1, "o,1"), (2, None)])
    events: list[Event] = [Invoke("d", "c", "o,1", 1), Ok("o,1", 1, 0, 2), Recv("e", "c", 1, "o,1", 3)]
    assert check_history(events, [log], absent={"e"}).clean
    assert check_history(events, [log]).lost == 1
    assert "lost 1" in check_history(events, [log]).summary()


def test_erased_messages_are_not_lost() -> None:
    events: list[Event] = [Invoke("d", "c", "o,1", 1), Ok("o,1", 1, 0, 2), Recv("d", "c", 1, "o,1", 3)]
    assert check_history(events, [FinalLog("c", [(1, None)], erased=[1])]).clean
    assert check_history(events, [FinalLog("c", [(1, None)])]).lost >= 1
