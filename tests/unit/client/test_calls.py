"""Every method a client may call is reachable through a typed helper, with the result the server gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
INTERNAL = {"hello", "message.send", "card.create", "card.act", "cursor.move", "sync"}
"""Used by the SDK itself: the supervisor, the outbox, ``mark_read`` and the receiver."""


def methods_of_the_specification() -> set[str]:
    text = (ROOT / "spec/link.md").read_text()
    section = text.split("## 8. Methods")[1].split("## 9.")[0].split("App servers only:")[0]
    return set(re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", section)) - {"wire"}


def calls_of_the_sdk() -> dict[str, str]:
    """Method -> the result it is decoded as."""
    found: dict[str, str] = {}
    for path in (ROOT / "src/trunkline/client").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("_call", "call", "_ask") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found[str(first.value)] = ast.unparse(node.args[2])
    return found


def results_of_the_server() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (ROOT / "src/trunkline/services").rglob("operations.py"):
        tree = ast.parse(path.read_text())
        names = {
            target.id: ast.unparse(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Operation":
                method, result = node.args[0], ast.unparse(node.args[2])
                assert isinstance(method, ast.Constant)
                found[str(method.value)] = names.get(result, result).rpartition(".")[2]
    return found


def test_every_method_of_the_specification_has_a_helper():
    methods = methods_of_the_specification()
    assert "group.create" in methods
    assert methods - INTERNAL - calls_of_the_sdk().keys() == set()


def test_helpers_decode_what_the_server_answers():
    server = results_of_the_server()
    calls = calls_of_the_sdk()
    assert len(server.keys() & calls.keys()) > 25
    assert {m: calls[m] for m in calls if m in server} == {m: server[m] for m in calls if m in server}
