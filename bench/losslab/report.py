"""The lab's outcomes, kept in ``build/losslab`` part by part, as a table in Markdown and a plot."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import matplotlib as mpl

from bench.losslab.cases import Case, Outcome

mpl.use("Agg")
from matplotlib import pyplot as plt

COLUMNS = {
    "speech": {
        "STOI": ("stoi", "{:.2f}"),
        "PESQ": ("pesq", "{:.2f}"),
        "word errors": ("word_errors", "{:.0%}"),
        "concealed": ("concealed", "{:.1%}"),
        "buffer ms": ("buffer_ms", "{:.0f}"),
        "kb/s": ("kbps", "{:.0f}"),
    },
    "video": {
        "frozen": ("freeze", "{:.1%}"),
        "longest gap s": ("longest_s", "{:.2f}"),
        "frames/s": ("fps", "{:.1f}"),
        "width": ("width", "{:.0f}"),
        "SSIM": ("ssim", "{:.3f}"),
        "kb/s": ("kbps", "{:.0f}"),
    },
    "browser": {
        "frozen": ("freeze", "{:.1%}"),
        "frames/s": ("fps", "{:.1f}"),
        "width": ("width", "{:.0f}"),
        "concealed": ("concealed", "{:.1%}"),
        "kb/s": ("kbps", "{:.0f}"),
    },
    "joins": {"joined": ("joined", "{:.0%}"), "median s": ("median_s", "{:.1f}")},
}
TARGETS = {
    "down 50%": ("stoi", 0.90, True),
    "down 70%": ("stoi", 0.85, True),
    "video up 30%": ("freeze", 0.05, False),
    "video down 30%": ("freeze", 0.05, False),
    "video both 30%": ("freeze", 0.05, False),
    "Chromium both 30%": ("freeze", 0.05, False),
}


KEPT = Path("build/losslab")


def keep(name: str, outcomes: list[Outcome]) -> None:
    """Keep what came of some cases, so that a report can be made of several runs."""
    KEPT.mkdir(parents=True, exist_ok=True)
    rows = [{"case": outcome.case.name, "values": outcome.values, "failed": outcome.failed} for outcome in outcomes]
    (KEPT / f"{name}.json").write_text(json.dumps(rows, indent=1))


def make(cases: dict[str, Case], seed: int, out: Path) -> str:
    """Write the report of everything kept, and the plot beside it; the text."""
    found = {
        path.stem: [Outcome(cases[row["case"]], row["values"], row["failed"]) for row in json.loads(path.read_text())]
        for path in sorted(KEPT.glob("*.json"))
    }
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    lines = [f"First seed {seed}, commit {commit.strip()}. Written by `make losslab`.", ""]
    for kind, columns in COLUMNS.items():
        if f"{kind} with" not in found:
            continue
        lines += [f"## {kind.capitalize()}", "", "| case | recovery | " + " | ".join(columns) + " | target |"]
        lines.append("|---" * (len(columns) + 3) + "|")
        without = by_case(found.get(f"{kind} without", []))
        for name, outcomes in by_case(found[f"{kind} with"]).items():
            lines.append(_row(outcomes, "on", columns))
            if name in without:
                lines.append(_row(without[name], "off", columns))
        lines.append("")
    if "speech with" in found:
        _plot(found, out.parent / "img" / "losslab.png")
        lines += ["![STOI over loss](img/losslab.png)", ""]
    text = "\n".join(lines)
    head = out.read_text().partition("<!-- results -->")[0] if out.exists() else "# Loss lab\n\n"
    out.write_text(f"{head}<!-- results -->\n{text}")
    return text


def by_case(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    """The runs of each case."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.case.name, []).append(outcome)
    return found


def mean(outcomes: list[Outcome], name: str) -> float | None:
    """Of one figure over the runs that have it."""
    values = [outcome.values[name] for outcome in outcomes if name in outcome.values]
    return sum(values) / len(values) if values else None


def _row(outcomes: list[Outcome], recovery: str, columns: dict[str, tuple[str, str]]) -> str:
    """Means of the runs, and what the target says to them; every single run is named."""
    case = outcomes[0].case.name
    means = {name: mean(outcomes, name) for name, _ in columns.values()}
    cells = [form.format(means[name]) if means[name] is not None else "–" for name, form in columns.values()]
    verdict = ", ".join(outcome.failed for outcome in outcomes if outcome.failed)
    if recovery == "on" and case in TARGETS:
        verdict = _verdict(outcomes, dict(columns.values()), verdict)
    return f"| {case} | {recovery} | " + " | ".join(cells) + f" | {verdict} |"


def _verdict(outcomes: list[Outcome], forms: dict[str, str], failed: str) -> str:
    name, bound, more = TARGETS[outcomes[0].case.name]
    found = mean(outcomes, name)
    met = found is not None and not failed and (found >= bound if more else found < bound)
    said = f"{'≥' if more else '<'} {bound:g}: {'met' if met else 'missed'}"
    if len(outcomes) > 1:
        runs = [outcome.values.get(name) for outcome in outcomes]
        said += f" ({', '.join('–' if value is None else forms[name].format(value) for value in runs)})"
    return f"{said} {failed}".strip()


def _plot(found: dict[str, list[Outcome]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for label, style in (("with", "o-"), ("without", "x--")):
        points = [
            (100 * outcomes[0].case.down.loss, stoi)
            for outcomes in by_case(found.get(f"speech {label}", [])).values()
            if (stoi := mean(outcomes, "stoi")) is not None
            and not outcomes[0].case.up.loss
            and not outcomes[0].case.down.burst
            and not outcomes[0].case.down.delay_ms
        ]
        if points:
            axes.plot(*zip(*sorted(points), strict=True), style, label=f"{label} recovery")
    axes.set_xlabel("random loss on the downlink, %")
    axes.set_ylabel("STOI")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
