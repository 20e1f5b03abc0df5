"""The demo's pages: which folders the server is given, and the tokens of the personas.

Here an app server's work is done that the product leaves to apps: who one is. The demo signs tokens for its personas,
offline, and puts them into a file that its own run serves; nothing of this is in the server. Not here: the pages
(``web/packages/demo``) and how they are served (``edges/http/pages``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from trunkline.server.demo.cast import CONTROL, PERSONAS, ROOM

TOKEN_S = 7 * 86_400
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trunkline</title>
<main><h1>Trunkline is running</h1>
<p>The demo's pages are not built yet. Run <code>make web</code> in the checkout, then <code>make demo</code> again.</p>
<p><a href="/docs/api">The REST reference</a> is here already.</p></main></html>
"""


def find_built(given: Path | None) -> Path:
    """Where ``make web`` puts its pages: in the checkout this runs from, unless somebody says otherwise."""
    return given if given is not None else Path(__file__).parents[4] / "web/dist"


def is_built(built: Path) -> bool:
    """Whether the demo's pages are there."""
    return (built / "demo/index.html").is_file()


def prepare(run: Path, built: Path, mint: Callable[[str], str]) -> list[Path]:
    """Write what belongs to this run; the folders to serve, where the later one wins.

    Args:
        run: a folder of this run's own.
        built: where the built pages are, if they are.
        mint: signs a token for a party.
    """
    (run / "demo").mkdir(parents=True, exist_ok=True, mode=0o700)
    people = [
        {
            "id": persona.id,
            "party": persona.party,
            "name": persona.name,
            "role": persona.role[0],
            "role_zh": persona.role[1],
            "token": mint(persona.party),
        }
        for persona in PERSONAS
    ]
    session = run / "demo/session.json"
    session.touch(mode=0o600)
    session.write_text(json.dumps({"personas": people, "room": ROOM, "control": CONTROL}, ensure_ascii=False))
    if not is_built(built):
        (run / "index.html").write_text(NOT_BUILT)
    return [folder for folder in (built / "docs", built / "demo", run) if folder.is_dir()]
