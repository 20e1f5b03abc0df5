"""Writes what is derived from the code: error codes, configuration, the OpenAPI document.

`make docs` runs it; a test fails when a file differs from what this would write.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from trunkline.base.secret import Secret
from trunkline.edges.http.docs.errors import errors_markdown
from trunkline.edges.http.openapi import build_document
from trunkline.server.config import PREFIX, Config
from trunkline.server.lifecycle import version
from trunkline.server.store import open_store
from trunkline.server.wiring import build
from trunkline.services.operation import Operation

ROOT = Path(__file__).resolve().parent.parent
_ATTRIBUTE = re.compile(r"^    (\w+): (.*)$")


def attributes(docstring: str) -> dict[str, str]:
    """The descriptions in the `Attributes` part of a docstring, by name."""
    found: dict[str, str] = {}
    name = ""
    _, _, body = docstring.partition("Attributes:\n")
    for line in body.splitlines():
        # The docstring of a class is indented once more than its text.
        line = line.removeprefix("    ")
        if match := _ATTRIBUTE.match(line):
            name = match[1]
            found[name] = match[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return {name: text.replace("``", "`") for name, text in found.items()}


def type_name(declared: Any) -> str:
    """What a person may write for an option."""
    if get_origin(declared) is not None and hasattr(declared, "__metadata__"):
        declared = get_args(declared)[0]
    if get_origin(declared) is list:
        return "list of texts"
    choices = get_args(declared)
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[declared.__name__]


def configuration_markdown() -> str:
    """The text of `docs/reference/configuration.md`."""
    lines = [
        "# Configuration",
        "",
        "Generated from `src/trunkline/server/config.py`; a test fails when the two differ.",
        "",
        "`trunkline serve --config FILE` reads a TOML file; without one, the defaults. The environment wins over the",
        f"file: `{PREFIX}SECTION__OPTION=value`, lists separated by commas. `trunkline serve --check` validates both",
        "and starts nothing. An option that does not exist is an error, not a surprise later.",
    ]
    for section in msgspec.structs.fields(Config):
        docstring = section.type.__doc__ or ""
        described = attributes(docstring)
        lines += ["", f"## [{section.name}]", "", docstring.splitlines()[0], ""]
        lines += ["| option | type | default | meaning |", "|---|---|---|---|"]
        defaults = section.type()
        for option in msgspec.structs.fields(section.type):
            default = json.dumps(getattr(defaults, option.name))
            meaning = described[option.name].replace("|", r"\|")
            lines.append(f"| `{option.name}` | {type_name(option.type)} | `{default}` | {meaning} |")
    return "\n".join(lines) + "\n"


async def _operations(directory: str) -> dict[str, Operation]:
    """Every operation, as a server with an empty store offers them."""
    config = Config()
    config.store.directory = directory
    store = await open_store(config)
    try:
        secret = Secret("x" * 32)
        system = await build(config, store, secret, secret, list, "docs")
        return dict(system.http.operations)
    finally:
        await store.close()


def openapi_json() -> str:
    """The text of `spec/openapi.json`: what a server of this version serves at /v1/openapi.json."""
    with tempfile.TemporaryDirectory() as directory:
        operations = asyncio.run(_operations(f"{directory}/data"))
    return json.dumps(build_document(operations, version=version()), indent=1, ensure_ascii=False) + "\n"


def web_types() -> str:
    """The text of `web/packages/core/src/generated/wire.ts`: the shapes of the link for TypeScript."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tools.web_types import wire_types

    with tempfile.TemporaryDirectory() as directory:
        return wire_types(asyncio.run(_operations(f"{directory}/data")))


def command_line() -> str:
    """The text of `docs/reference/cli.md`."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # when this file is run by its path
    from tools.command_page import command_line_markdown

    return command_line_markdown()


PAGES = {
    "spec/errors.md": errors_markdown,
    "spec/openapi.json": openapi_json,
    "docs/reference/configuration.md": configuration_markdown,
    "docs/reference/cli.md": command_line,
    "web/packages/core/src/generated/wire.ts": web_types,
}


def main() -> int:
    """Writes every page that differs."""
    for name, render in PAGES.items():
        path = ROOT / name
        text = render()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
