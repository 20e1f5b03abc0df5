"""HTML in small pieces: escaping, a page frame, and the little Markdown our descriptions use."""

from __future__ import annotations

import re
from html import escape

_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((/[\w/.\-]*)\)")


def inline(text: str) -> str:
    """Code, bold and local links; everything else is shown as it is."""
    parts: list[str] = []
    position = 0
    for match in _INLINE.finditer(text):
        parts.append(escape(text[position : match.start()]))
        code, bold, label, target = match.groups()
        if code is not None:
            parts.append(f"<code>{escape(code)}</code>")
        elif bold is not None:
            parts.append(f"<strong>{escape(bold)}</strong>")
        else:
            parts.append(f'<a href="{escape(target)}">{escape(label)}</a>')
        position = match.end()
    parts.append(escape(text[position:]))
    return "".join(parts)


def paragraphs(text: str) -> str:
    """Paragraphs and lists of ``- `` lines."""
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if all(line.startswith("- ") for line in lines):
            blocks.append("<ul>" + "".join(f"<li>{inline(line[2:])}</li>" for line in lines) + "</ul>")
        else:
            blocks.append(f"<p>{inline(' '.join(line.strip() for line in lines))}</p>")
    return "\n".join(blocks)


def page(title: str, main: str, navigation: str = "") -> str:
    """A whole page; it loads one stylesheet of ours and nothing else."""
    aside = f'<nav aria-label="Contents">{navigation}</nav>' if navigation else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)} · Trunkline</title>\n"
        '<link rel="stylesheet" href="/docs/style.css">\n</head>\n<body>\n'
        '<a class="skip" href="#main">Skip to the content</a>\n'
        '<header><a class="brand" href="/docs/api">Trunkline</a> <a href="/docs/api">API</a> '
        '<a href="/errors">Errors</a> <a href="/v1/openapi.json">OpenAPI</a></header>\n'
        f'<div class="frame">{aside}\n<main id="main">{main}</main></div>\n</body>\n</html>\n'
    )
