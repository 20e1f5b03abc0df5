"""Writes the pages that are derived from the code: error codes and configuration.

`make docs` runs it; a test fails when a page differs from what this would write. What is not here: the OpenAPI
document, which the server generates from its operations whenever somebody asks.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from trunkline.edges.http.docs.errors import errors_markdown
from trunkline.server.config import PREFIX, Config

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


PAGES = {
    "spec/errors.md": errors_markdown,
    "docs/reference/configuration.md": configuration_markdown,
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
