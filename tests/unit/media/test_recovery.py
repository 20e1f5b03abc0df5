"""What is repeated on a lossy path, what publishers are told of it, and which holes were padding."""

from __future__ import annotations

import pytest

from trunkline.media.recovery.holes import Holes
from trunkline.media.recovery.randomness import QueueGauge, is_prompt, masks
from trunkline.media.recovery.repeats import answer_copies, copies_for, unasked_copies
from trunkline.protocol.rtp import transport_cc
from trunkline.protocol.rtp.arrivals import MASK_LAG_S, MOST_LAG_S, Arrivals
from trunkline.protocol.rtp.reception import HOLE_ASKS, Reception


@pytest.mark.parametrize(
    ("loss", "control", "answers", "base", "other"),
    [
        (0.0, 1, 1, 0, 0),
        (0.02, 1, 1, 0, 0),
        (0.05, 1, 1, 1, 0),
        (0.12, 2, 2, 2, 1),
        (0.3, 3, 3, 3, 3),
        (0.9, 4, 3, 3, 3),
    ],
)
def test_copies_make_up_for_loss(loss: float, control: int, answers: int, base: int, other: int) -> None:
    assert copies_for(loss) == control
    assert answer_copies(loss) == answers
    assert (unasked_copies(loss, base=True), unasked_copies(loss, base=False)) == (base, other)


def test_random_loss_is_hidden_and_a_queue_is_not() -> None:
    gauge = QueueGauge()
    for n in range(50):
        gauge.on_transit(100.0 + 0.002 * (n % 3), 0.1 * n)
    assert is_prompt([gauge.queue_s])
    gauge.on_transit(100.1, 5.1)
    assert gauge.queue_s > 0.09 and not is_prompt([gauge.queue_s])
    # A source of its own may be late for other reasons: the smallest queue counts.
    assert is_prompt([gauge.queue_s, 0.01])
    assert is_prompt([]) is None


def test_losses_that_come_with_a_queue_are_told_and_the_paths_own_are_not() -> None:
    assert masks(True, 0.3, 0.0) and masks(False, 0.3, 0.0)
    assert masks(True, 0.3, 0.2), "without a queue they are random"
    assert not masks(False, 0.3, 0.2)
    assert not masks(True, 0.7, 0.0) and not masks(True, 0.0, 0.0) and not masks(None, 0.3, 0.0)


def test_masked_feedback_waits_for_repairs_and_then_names_every_number_as_received() -> None:
    arrivals = Arrivals(0.0)
    for number in (1, 2, 5, 6):
        arrivals.on_packet(number, 1.0 + 0.01 * number)
    arrivals.masked = True
    assert arrivals.feedback(1.1) is None
    told = arrivals.feedback(1.06 + MASK_LAG_S + 0.001)
    assert told is not None and arrivals.lost == 2
    assert (told.base, len(told.arrivals_us)) == (1, 6)
    assert None not in told.arrivals_us
    assert told.arrivals_us[2] == told.arrivals_us[1]
    arrivals.masked = False
    arrivals.on_packet(9, 1.5)
    honest = arrivals.feedback(1.5)
    assert honest is not None and honest.arrivals_us[:2] == (None, None)


def test_lost_padding_is_known_by_the_frames_around_it() -> None:
    holes = Holes()
    number = 0
    for frame in range(5):
        for part in range(3):
            holes.on_packet(number, 3000 * frame, begins=part == 0, ends=part == 2)
            number += 1
    holes.on_packet(17, 3000 * 5, begins=True, ends=True)
    assert holes.was_padding(15) and holes.was_padding(16)
    holes.on_packet(19, 3000 * 7, begins=True, ends=True)
    assert not holes.was_padding(18), "a frame is missing here"
    holes.on_packet(21, 3000 * 8, begins=False, ends=True)
    assert not holes.was_padding(20), "the beginning of a frame is missing here"


def test_what_is_asked_for_in_vain_is_named_as_a_hole() -> None:
    reception = Reception(1, 90_000)
    reception.on_packet(1, 0, 10, 1.0)
    reception.on_packet(3, 0, 10, 1.0)
    now_s = 1.0
    asked = 0
    while not (holes := reception.take_holes()):
        now_s += 0.06
        asked += len(reception.to_ask(now_s))
        assert now_s < 3
    assert holes == [2] and asked == HOLE_ASKS
    assert reception.on_packet(2, 0, 10, now_s) is not None


def test_frames_with_numbers_tell_padding_from_a_missing_frame_however_unevenly_they_come() -> None:
    holes = Holes()
    holes.on_packet(10, 9_000, begins=True, ends=True, picture=127)
    holes.on_packet(12, 90_000, begins=True, ends=True, picture=128)
    holes.on_packet(14, 91_000, begins=True, ends=True, picture=130)
    assert holes.was_padding(11) and not holes.was_padding(13)


def test_masked_feedback_waits_for_what_is_still_being_asked_for() -> None:
    arrivals = Arrivals(0.0)
    for number in (1, 3, 4):
        arrivals.on_packet(number, 1.0 + 0.05 * number)
    arrivals.masked, arrivals.missing_s = True, 1.15
    early = arrivals.feedback(1.4)
    assert early is None, "packet 2 would be taken for received, and could not be sent again"
    late = arrivals.feedback(1.15 + MOST_LAG_S)
    assert late is not None and len(late.arrivals_us) == 3


def test_a_packet_that_comes_long_after_those_around_it_does_not_break_masked_feedback() -> None:
    arrivals = Arrivals(0.0)
    for number, at_s in ((1, 1.0), (3, 1.0), (2, 11.0)):
        arrivals.on_packet(number, at_s)
    arrivals.masked = True
    told = arrivals.feedback(11.0)
    assert told is not None and transport_cc.parse(transport_cc.serialize(told)) == told
