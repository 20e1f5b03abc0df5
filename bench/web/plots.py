"""The picture of the report: frames per second and memory of the live room over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.web.live_room import TARGET_FPS

GREEN, RUST, GREY = "#0b6e4f", "#b3541e", "#6b7280"


def draw(found: dict[str, Any], path: Path) -> None:
    """As a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    series = found["series"]
    at_s = [sample["at_s"] for sample in series]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5), dpi=110, sharex=True)
    above.plot(at_s, [sample["fps"] for sample in series], color=GREEN)
    above.axhline(TARGET_FPS, color=RUST, linestyle="--", linewidth=1)
    above.set_ylim(0, 65)
    above.set_title(f"Live room at {found['comments_per_s']:.0f} comments per second: frames per second", loc="left")
    below.plot(at_s, [sample["heap_bytes"] / 1e6 for sample in series], color=GREEN, label="JavaScript heap, collected")
    below.plot(
        at_s, [sample["process_bytes"] / 1e6 for sample in series], color=GREY, label="private memory of the page"
    )
    below.set_ylim(0)
    below.set_title("Memory, MB", loc="left")
    below.set_xlabel("seconds")
    below.legend(loc="center right", frameon=False)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
