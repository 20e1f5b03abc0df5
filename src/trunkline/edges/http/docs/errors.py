"""The error codes as pages and as ``spec/errors.md``, from the enum."""

from __future__ import annotations

from html import escape

from trunkline.base.errors import Code
from trunkline.edges.http.docs.markup import page
from trunkline.edges.http.docs.reference import table
from trunkline.edges.http.problems import title_of

RANGES = {
    1: ("malformed", "Not applied. Repeating it unchanged cannot succeed."),
    2: ("identity", "Not applied. Get a new token (or stop); then reconnect."),
    3: ("refused", "Not applied. A rule or the present state forbids it."),
    4: ("later", "Not applied. Retry with the same id after `retry_ms`."),
    5: ("unknown", "May or may not be applied. Retrying with the same id is safe."),
}
_RETRY = {
    "never": "Do not repeat it unchanged.",
    "new_token": "Get a new token or other credentials first.",
    "later": "Repeat it with the same id after the given time.",
    "same_id": "Repeat it with the same id; without an id, look before you repeat.",
}


def _applied(code: Code) -> str:
    return "unknown" if code.applied is None else "no"


def render_error(code: Code) -> str:
    """The page of one error."""
    name, meaning = RANGES[code.number // 1000]
    rows: list[tuple[str, ...]] = [
        ("Code", f"<code>{code.number}</code>"),
        ("Name", f"<code>{escape(code.slug)}</code>"),
        ("HTTP status", f"<code>{code.http_status}</code>"),
        ("WebSocket close code", f"<code>{code.close_code}</code>"),
        ("Applied", _applied(code)),
        ("Retry", f"<code>{code.retry.value}</code>: {escape(_RETRY[code.retry.value])}"),
        ("Range", f"{name}: {escape(meaning.replace('`', ''))}"),
    ]
    main = f"<h1>{escape(title_of(code))}</h1><p>{escape(code.advice)}</p>{table(('', ''), rows)}"
    return page(title_of(code), main)


def render_errors() -> str:
    """The list of all errors."""
    parts = ["<h1>Errors</h1><p>The thousand of a code says what to do; no program has to know single codes.</p>"]
    for number, (name, meaning) in RANGES.items():
        rows: list[tuple[str, ...]] = [
            (
                f"<code>{code.number}</code>",
                f'<a href="/errors/{escape(code.slug)}">{escape(code.slug)}</a>',
                f"<code>{code.http_status}</code>",
                escape(code.advice),
            )
            for code in Code
            if code.number // 1000 == number
        ]
        parts.append(f"<h2>{number}xxx {escape(name)}</h2><p>{escape(meaning.replace('`', ''))}</p>")
        parts.append(table(("Code", "Name", "HTTP", "What to do"), rows))
    return page("Errors", "\n".join(parts))


def errors_markdown() -> str:
    """The text of ``spec/errors.md``."""
    lines = [
        "# Error codes",
        "",
        "Generated from `src/trunkline/base/errors.py`; a test fails when the two differ.",
        "",
        "The thousand of a code says what to do, so no program has to know single codes. On the link an error is",
        "`{code, name, message, retry, applied, retry_ms?, field?}`; in HTTP it is a problem document (RFC 9457) with",
        "the same members and the status given here. A frame that cannot be answered closes the connection with the",
        "close code.",
    ]
    for number, (name, meaning) in RANGES.items():
        retry = next(code.retry.value for code in Code if code.number // 1000 == number)
        lines += ["", f"## {number}xxx {name}", "", f"{meaning} `retry` is `{retry}`.", ""]
        lines += ["| code | name | HTTP | close | what to do |", "|---|---|---|---|---|"]
        lines += [
            f"| {code.number} | `{code.slug}` | {code.http_status} | {code.close_code} | {code.advice} |"
            for code in Code
            if code.number // 1000 == number
        ]
    return "\n".join(lines) + "\n"
