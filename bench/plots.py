"""The plots of the report, as PNG files under ``docs/img``.

Lives here: drawing. Does not live here: measuring or deciding what is good.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.results import Section

_COLOURS = {"trunkline": "#0b6e4f", "mosquitto": "#b3541e", "ejabberd": "#6a6a6a"}
_LABELS = {"trunkline": "Trunkline", "mosquitto": "Mosquitto QoS 1", "ejabberd": "ejabberd + MAM"}


def draw(sections: Mapping[str, Section], directory: Path) -> None:
    """Draws what the sections have numbers for and notes the file names in them."""
    import matplotlib

    matplotlib.use("Agg")
    directory.mkdir(parents=True, exist_ok=True)
    drawers: dict[str, Callable[[Any, dict[str, Any]], None]] = {
        "durable_sends": _sends,
        "fanout": _fanout,
        "sync_cost": _sync,
        "media": _media,
    }
    for name, drawer in drawers.items():
        section = sections.get(name)
        if section is None or not section.data:
            continue
        file_name = f"bench-{name.replace('_', '-')}.png"
        _save(drawer, section.data, directory / file_name)
        section.plots = [file_name]


def _save(drawer: Callable[[Any, dict[str, Any]], None], data: dict[str, Any], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9, 3.6), dpi=110)
    drawer(figure, data)
    figure.tight_layout()
    # Without the program's version in the file, equal numbers make equal files.
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def _bars(axes: Any, values: Mapping[str, list[float]], title: str) -> None:
    names = [name for name in _COLOURS if values.get(name)]
    for at, name in enumerate(names):
        middle = statistics.median(values[name])
        axes.bar(at, middle, color=_COLOURS[name], width=0.6)
        axes.plot([at] * len(values[name]), values[name], "k.", markersize=4)
        axes.annotate(
            f"{middle:,.0f}",
            (at, middle),
            ha="center",
            va="bottom",
            fontsize=8,
            xytext=(0, 3),
            textcoords="offset points",
        )
    axes.set_xticks(range(len(names)), [_LABELS[name] for name in names], fontsize=8)
    axes.set_ylim(0, 1.15 * max(max(values[name]) for name in names))
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _sends(figure: Any, data: dict[str, Any]) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.4])
    _bars(left, data["burst"], "burst, messages/s (dots: rounds)")
    for name, series in data["series"].items():
        right.plot(range(1, len(series) + 1), series, color=_COLOURS[name], label=_LABELS[name])
    right.set_title("sustained, messages/s", fontsize=10)
    right.set_xlabel("second", fontsize=8)
    right.set_ylim(0, 1.15 * max((max(series) for series in data["series"].values() if series), default=1))
    right.spines[["top", "right"]].set_visible(False)
    if data["series"]:
        right.legend(fontsize=8, frameon=False)


def _fanout(figure: Any, data: dict[str, Any]) -> None:
    for axes, (window, runs) in zip(figure.subplots(1, len(data), squeeze=False)[0], data.items(), strict=True):
        values = {name: [run["deliveries_per_s"] for run in results] for name, results in runs.items()}
        _bars(axes, values, f"deliveries/s, {window} under way")


def _sync(figure: Any, data: dict[str, Any]) -> None:
    axes = figure.subplots(1, 2)
    for ax, key, title in (
        (axes[0], ("by_size", "conversations"), "sync, 20 changed"),
        (axes[1], ("by_change", "changed"), "sync, 1,000 conversations"),
    ):
        points = data[key[0]]
        across = [point[key[1]] for point in points]
        ax.plot(
            across, [point["p50_ms"] for point in points], "o-", color=_COLOURS["trunkline"], label="answer, median"
        )
        ax.plot(across, [point["server_ms"] for point in points], "s--", color="#555555", label="server CPU")
        ax.set_xlabel(key[1], fontsize=8)
        ax.set_ylabel("ms", fontsize=8)
        ax.set_title(title, fontsize=10)
        ax.set_ylim(0, 1.25 * max(point["p50_ms"] for point in points))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(fontsize=8, frameon=False)


def _media(figure: Any, data: dict[str, Any]) -> None:
    colours = {"Trunkline": _COLOURS["trunkline"], "Janus VideoRoom": _COLOURS["mosquitto"]}
    loads = {name: rates for name, rates in data["compare"].items() if any(rates.values())}
    for axes, (name, rates) in zip(
        figure.subplots(1, max(len(loads), 1), squeeze=False)[0], loads.items(), strict=False
    ):
        for at, (system, colour) in enumerate(colours.items()):
            if not rates.get(system):
                continue
            middle = statistics.median(rates[system]) / 1000
            axes.bar(at, middle, color=colour, width=0.6)
            axes.plot([at] * len(rates[system]), [rate / 1000 for rate in rates[system]], "k.", markersize=4)
            axes.annotate(f"{middle:,.0f}", (at, middle), ha="center", va="bottom", fontsize=8)
        axes.set_xticks(range(len(colours)), ["Trunkline", "Janus"], fontsize=8)
        axes.set_title(name.replace(", ", ",\n"), fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("1,000 packets per core-second", fontsize=8)
