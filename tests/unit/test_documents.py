"""What the documents say about the repository is true of it: links, examples, targets, records."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tools.generate_docs import PAGES
from trunkline.server.cli import build_parser

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\0")
DOCUMENTS = sorted(name for name in TRACKED if name.endswith(".md") and (ROOT / name).is_file())
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"```.*?```", re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts derive them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    broken = []
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            broken.append(target)
    assert not broken


def test_every_decision_is_listed_with_its_title() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    records = sorted(path for path in (ROOT / "docs/decisions").glob("[0-9]*.md") if not path.name.startswith("0000"))
    assert records
    for record in records:
        number, title = record.read_text().splitlines()[0].removeprefix("# ").split(": ", 1)
        assert record.name.startswith(number)
        assert f"| [{number}]({record.name}) | {title} |" in index


def test_decisions_fit_on_a_page_and_have_a_status() -> None:
    for record in (ROOT / "docs/decisions").glob("[0-9]*.md"):
        text = record.read_text()
        assert len(text.splitlines()) <= 60, record.name
        assert re.search(r"^Status: (proposed|accepted|replaced by \d{4})", text, re.MULTILINE), record.name


def test_the_readme_example_is_the_tested_one_and_short() -> None:
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    example = (ROOT / "examples/hello.py").read_text()
    assert block in example
    assert sum(1 for line in block.splitlines() if line.strip()) <= 10


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_commands_named_in_the_documents_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
    assert named <= targets


def test_help_lists_every_target_a_person_may_call() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE):
        assert re.search(rf"^  {target} +\S", shown, re.MULTILINE), target


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    is_up_to_date = (ROOT / name).read_text() == PAGES[name]()
    # Compared outside the assertion: the difference of two whole documents would help nobody.
    assert is_up_to_date, "run: make docs"


COMMAND_LINE = re.compile(r"^trunkline (.*?)(?: {2,}#.*)?$", re.MULTILINE)


def test_both_readmes_show_the_same_command_lines() -> None:
    shown = COMMAND_LINE.findall((ROOT / "README.md").read_text())
    assert shown
    assert COMMAND_LINE.findall((ROOT / "README.zh.md").read_text()) == shown


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "docs/zh/quickstart.md"])
def test_command_lines_shown_are_understood(name: str) -> None:
    parser = build_parser()
    for line in COMMAND_LINE.findall((ROOT / name).read_text()):
        options = parser.parse_args(line.split())
        assert callable(options.run), line


def test_every_proof_named_for_a_feature_exists() -> None:
    rows = re.findall(r"^\| .* \|$", (ROOT / "docs/features.md").read_text(), re.MULTILINE)
    features = [row for row in rows if not row.startswith("| feature ")]
    assert len(features) > 40
    for row in features:
        path, _, test = row.split("|")[-2].strip().strip("`").partition("::")
        text = (ROOT / path).read_text()
        if path.endswith(".ts"):
            assert f'test("{test}"' in text, row
        else:
            assert re.search(rf"^ *(?:async )?def {re.escape(test)}\(", text, re.MULTILINE), row
