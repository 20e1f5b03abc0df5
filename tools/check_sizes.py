"""Fails when a module or a function has grown too long to read in one sitting.

Prints one line per finding, warnings first. Lines are all lines of the file, because a reader scrolls
through all of them. What is not here: complexity (ruff measures it).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTION_WARN_LINES = 60
FUNCTION_FAIL_LINES = 80


@dataclass(frozen=True, slots=True)
class Limit:
    """How long the modules of one folder may be."""

    folder: str
    warn_lines: int
    fail_lines: int
    checks_functions: bool


LIMITS = (
    Limit("src", 400, 600, checks_functions=True),
    Limit("tools", 400, 600, checks_functions=True),
    Limit("bench", 600, 800, checks_functions=False),
    Limit("examples", 400, 600, checks_functions=False),
    Limit("tests", 700, 800, checks_functions=False),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is too long."""

    where: str
    subject: str
    size_lines: int
    limit_lines: int
    is_failure: bool

    def __str__(self) -> str:
        word = "error" if self.is_failure else "warning"
        return f"{word}: {self.where}: {self.subject} has {self.size_lines} lines (limit {self.limit_lines}); split it"


def graded(where: str, subject: str, size_lines: int, warn_lines: int, fail_lines: int) -> Iterator[Finding]:
    """Yields a failure, a warning or nothing for one thing of a given size."""
    if size_lines > fail_lines:
        yield Finding(where, subject, size_lines, fail_lines, is_failure=True)
    elif size_lines > warn_lines:
        yield Finding(where, subject, size_lines, warn_lines, is_failure=False)


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Yields name, first line and number of lines of every function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def check_module(root: Path, path: Path, limit: Limit) -> Iterator[Finding]:
    """Yields what is too long in one module."""
    name = str(path.relative_to(root))
    source = path.read_text(encoding="utf-8")
    yield from graded(name, "the module", len(source.splitlines()), limit.warn_lines, limit.fail_lines)
    if limit.checks_functions:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return  # ruff and mypy say it better
        for function, line, size_lines in functions(tree):
            where = f"{name}:{line}"
            yield from graded(where, f"{function}()", size_lines, FUNCTION_WARN_LINES, FUNCTION_FAIL_LINES)


def check_tree(root: Path, limits: Iterable[Limit] = LIMITS) -> list[Finding]:
    """Returns every finding under `root`, warnings first."""
    findings = [
        finding
        for limit in limits
        for path in sorted((root / limit.folder).rglob("*.py"))
        for finding in check_module(root, path, limit)
    ]
    return sorted(findings, key=lambda finding: finding.is_failure)


def main(arguments: list[str]) -> int:
    """Checks the repository, or the tree given as the only argument."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    findings = check_tree(root)
    for finding in findings:
        print(finding)
    return 1 if any(finding.is_failure for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
