"""What a client is asked to offer: everything that is missing, once."""

from __future__ import annotations

from trunkline.media.sfu.needs import SectionNeeds


def test_tracks_that_come_up_while_an_offer_is_awaited_are_not_asked_for_a_second_time() -> None:
    """Clients add sections for every request: the meeting of 17 ended with 57 sections, where 35 do."""
    needs = SectionNeeds()
    assert needs.ask(missing=(5, 4), spare=(3, 3), offered=(3, 3)) == (2, 1)
    assert needs.ask(missing=(6, 5), spare=(3, 3), offered=(3, 3)) is None
    needs.on_offer((5, 4))
    assert needs.ask(missing=(1, 1), spare=(0, 0), offered=(5, 4)) == (1, 1)


def test_an_offer_that_was_under_way_is_not_taken_for_the_answer() -> None:
    needs = SectionNeeds()
    needs.ask(missing=(5, 4), spare=(3, 3), offered=(3, 3))
    needs.on_offer((3, 3))
    assert needs.ask(missing=(2, 1), spare=(0, 0), offered=(3, 3)) is None
    needs.on_offer((5, 4))
    assert needs.ask(missing=(1, 0), spare=(0, 0), offered=(5, 4)) == (1, 0)


def test_a_client_that_offers_less_than_it_was_asked_for_is_asked_again() -> None:
    needs = SectionNeeds()
    needs.ask(missing=(5, 4), spare=(3, 3), offered=(3, 3))
    needs.on_offer((3, 3))
    needs.on_offer((3, 3))
    assert needs.ask(missing=(2, 1), spare=(0, 0), offered=(3, 3)) == (2, 1)


def test_a_section_that_ended_is_told_with_any_next_offer() -> None:
    needs = SectionNeeds()
    assert needs.ask(missing=(0, 0), spare=(1, 0), offered=(3, 3)) == (0, 0)
    assert needs.ask(missing=(0, 0), spare=(2, 0), offered=(3, 3)) is None
    needs.on_offer((3, 3))
    assert needs.ask(missing=(0, 0), spare=(3, 0), offered=(3, 3)) == (0, 0)


def test_after_a_break_everything_is_asked_for_anew() -> None:
    needs = SectionNeeds()
    needs.ask(missing=(5, 4), spare=(3, 3), offered=(3, 3))
    needs.forget()
    assert needs.ask(missing=(5, 4), spare=(3, 3), offered=(3, 3)) == (2, 1)
