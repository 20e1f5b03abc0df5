"""Cards are found by what they say, by those who may see them, and not any more once their maker is erased."""

from __future__ import annotations

from tests.integration.rest.running import App
from tests.integration.search.finding import ok, texts


def test_a_card_is_found_by_its_question_until_its_maker_is_erased(app: App) -> None:
    poll = {"kind": "poll", "data": {"question": "Which quokka photo wins?", "options": ["one", "two"]}}
    with app.acting() as system, app.as_client("user/ann") as ann, app.as_client("user/bob") as bob:
        ok(system.post("/v1/groups", json={"id": "g", "name": "G", "owner": "user/ann", "members": ["user/bob"]}), 201)
        seq = ok(bob.post("/v1/conversations/g/cards", json=poll), 201)["seq"]
        ok(ann.post(f"/v1/conversations/g/cards/{seq}/actions", json={"action": "vote", "value": {"choices": [0]}}))
        with app.as_client("user/eve") as eve:
            assert texts(eve, "quokka") == []
        assert texts(ann, "quokka photo") == ["Which quokka photo wins?"]
        ok(system.delete("/v1/parties/user/bob"))
        assert texts(ann, "quokka") == []
