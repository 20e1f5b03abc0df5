"""The SDK's reference page names things that exist."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import trunkline.client as sdk
from trunkline.client import Client, Options
from trunkline.client import calls as call_groups
from trunkline.client.callbacks import Callbacks

PAGE = (Path(__file__).parents[3] / "docs/reference/python-sdk.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
GROUPS = {
    "groups": call_groups.GroupCalls,
    "conversations": call_groups.ConversationCalls,
    "entries": call_groups.EntryCalls,
    "profiles": call_groups.ProfileCalls,
    "blocks": call_groups.BlockCalls,
    "devices": call_groups.DeviceCalls,
    "presence": call_groups.PresenceCalls,
    "rooms": call_groups.RoomCalls,
    "cards": call_groups.CardCalls,
    "threads": call_groups.ThreadCalls,
    "communities": call_groups.CommunityCalls,
    "live": call_groups.LiveCalls,
    "files": call_groups.FileCalls,
}


def public(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")} - {
        "renew",
        "stop",
        "lost",
        "pushed",
    }


@pytest.mark.parametrize("block", BLOCKS)
def test_examples_parse_and_use_what_there_is(block: str):
    tree = ast.parse("async def example(client, token, key, secret):\n" + textwrap.indent(block, "    "))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "trunkline.client":
            assert {alias.name for alias in node.names} <= set(sdk.__all__)
        if isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id == "client":
                assert node.attr in GROUPS or hasattr(Client, node.attr), node.attr
            elif isinstance(owner, ast.Attribute) and owner.attr in GROUPS:
                assert hasattr(GROUPS[owner.attr], node.attr), node.attr


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_the_table_lists_exactly_the_methods(group: str):
    (row,) = re.findall(rf"^\| `client\.{group}` \| (.*) \|$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == public(GROUPS[group])


def test_options_and_callbacks_named_exist():
    options = {field.name for field in dataclasses.fields(Options)}
    assert set(re.findall(r"`Options\.(\w+)`", PAGE)) <= options
    callbacks = {field.name for field in dataclasses.fields(Callbacks)}
    assert set(re.findall(r"`(on_\w+)`", PAGE)) == callbacks
    assert callbacks <= set(inspect.signature(Client).parameters)
