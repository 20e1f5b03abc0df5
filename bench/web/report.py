"""The page `docs/bench-web.md`: what was measured, how, and against which targets.

Not here: measuring, plots.
"""

from __future__ import annotations

from typing import Any

from bench.report import section_lines, table_lines
from bench.results import Section, Table, Verdict
from bench.web import first_interaction, live_room, scrolling, sizes

DISTURBED_CORES = 0.2
INTRODUCTION = """# Benchmarks of the web client

Written by `make bench-web`, in Debian's Chromium without a screen and **without a graphics processor**: all drawing is
software, on the same two cores as the server and, for the live room, its audience. A device with a graphics processor
has more to spare. Frames are those of `requestAnimationFrame`, which Chromium limits to 60 per second; a *late* frame
came more than 50 ms after the one before it. Each measure says how many cores everything used, and how many of them
were used by programs that do not belong to it (*others*): what others use can only make the numbers worse.
"""
SCROLLING = """`<tl-message-list>` with 100,000 messages of all types, 900x800, scrolled upwards by one step per frame:
60 pixels (a wheel), 400 (a flick), 20,000 (dragging the bar: another screen of messages in every frame). *Renderer* is
the processor time of the page's process per frame, all its threads."""
FIRST = """The demo's site on loopback, processor slowed down {throttle}-fold by the browser, nothing cached, median of
{rounds} profiles. *Answered* is when the picture that follows a click was handed over, clicked as soon as the page
takes it: on the first page the theme changes; in a persona's chat, opened by its address, a conversation is opened and
its messages are there."""
ROOM = """The demo's live room, 1280x800, its audience of 16 SDK clients at the highest rate, through the server; every
comment counted where it arrives."""
MEMORY = """The same room for minutes. The heap is read after a collection, every 5 seconds; the collection itself is
left out of the frames. The slopes are least squares over all samples, after a warm-up of {warm_up_s:g} s. What others
do on the machine costs frames, but no memory: this run is judged by its memory."""
SIZES = """Bundled and minified by esbuild, compressed by gzip. Each part is weighed as a page of its own would load it,
with what it needs of the others."""


def render(results: dict[str, dict[str, Any]]) -> str:
    """The whole page, of the parts that were measured."""
    sections = [MAKERS[name](found) for name, found in results.items() if name in MAKERS]
    lines = [INTRODUCTION, "## Targets", ""]
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    words = {True: "met", False: "**missed**", None: "not decided"}
    rows = [[one.target, one.measured, words[one.met], one.note or "-"] for one in verdicts]
    lines += table_lines(Table(["target", "measured", "verdict", "remarks"], rows))
    for section in sections:
        lines += section_lines(section)
    return "\n".join(lines).rstrip() + "\n"


def _method(text: str, found: dict[str, Any]) -> str:
    where = f"Measured {found['date']} at commit {found['commit']}, {found['machine']}."
    return " ".join(text.split()) + " " + where


def _kb(bytes_per_min: float) -> str:
    return f"{bytes_per_min / 1000:+,.0f} kB per minute"


def _disturbed(cores: dict[str, float]) -> bool:
    """Whether others used so much of the machine that a missed target says nothing."""
    return cores["others"] > DISTURBED_CORES


def _judged(target: str, measured: str, met: bool, cores: dict[str, float]) -> Verdict:
    """Met is met, whatever the machine did; missed on a busy machine is not decided."""
    if met or not _disturbed(cores):
        return Verdict(target, measured, met)
    return Verdict(target, measured, None, f"disturbed: others used {cores['others']:.1f} of the cores")


def _cores(cores: dict[str, float]) -> str:
    """Cores by role, the largest first, `others` last."""
    own = sorted(((used, role) for role, used in cores.items() if role != "others" and used >= 0.01), reverse=True)
    return ", ".join([f"{role} {used:.2f}" for used, role in own] + [f"others {cores['others']:.2f}"])


def _scrolling(found: dict[str, Any]) -> Section:
    section = Section(
        "scrolling",
        "A hundred thousand messages",
        _method(SCROLLING, found),
    )
    rows = []
    for name, step in scrolling.STEPS_PX.items():
        one = found[name]
        rows.append(
            [
                f"{name}, {step:,} px",
                f"{one['fps']:.1f}",
                f"{one['p50_ms']:.0f} / {one['p95_ms']:.0f} / {one['worst_ms']:.0f} ms",
                f"{one['late']} of {one['frames']}",
                f"{one['renderer_ms']:.1f} ms",
                str(one["rows"]),
                _cores(one["cores"]),
            ]
        )
    head = ["step", "frames/s", "gap: median / p95 / worst", "late", "renderer", "rows drawn", "cores"]
    section.tables.append(Table(head, rows))
    for name in scrolling.JUDGED:
        one = found[name]
        target = f"100,000 messages scroll ({name}) at >= 50 frames per second"
        met = one["fps"] >= scrolling.TARGET_FPS and not one["blank"]
        section.verdicts.append(_judged(target, f"{one['fps']:.1f}", met, one["cores"]))
    return section


def _first(found: dict[str, Any]) -> Section:
    section = Section(
        "first_interaction",
        "First interaction",
        _method(FIRST.format(**found), found),
    )
    rows = [
        [
            title,
            f"{found[name]['painted_ms']} ms",
            str(found[name].get("list_ms", "-")),
            f"{found[name]['answered_ms']} ms",
            f"{found[name]['slowest_ms']} ms",
        ]
        for name, title in (("home", "first page"), ("chat", "a persona's chat"))
    ]
    section.tables.append(Table(["page", "first paint", "list (ms)", "answered", "slowest of all"], rows))
    section.notes.append(f"Cores: {_cores(found['cores'])}.")
    for name, title in first_interaction.JUDGED.items():
        took_ms = found[name]["answered_ms"]
        target = f"first interaction of the demo < 1 s ({title})"
        met = took_ms < first_interaction.TARGET_MS
        section.verdicts.append(_judged(target, f"{took_ms} ms", met, found["cores"]))
    return section


def _room(found: dict[str, Any]) -> Section:
    section = Section("live_room", "A live room at 200 comments per second", _method(ROOM, found))
    section.tables.append(_watched(found))
    target = "200 danmaku per second at >= 50 frames per second"
    section.verdicts.append(_judged(target, f"{found['fps']}", not live_room.verdict(found), found["cores"]))
    return section


def _memory(found: dict[str, Any]) -> Section:
    method = MEMORY.format(warm_up_s=live_room.WARM_UP_S)
    section = Section("memory", "Memory of the live room", _method(method, found), plots=["bench-live-room.png"])
    section.tables.append(_watched(found))
    section.verdicts.append(
        Verdict(
            f"flat memory for {found['seconds'] / 60:.0f} minutes",
            f"heap {_kb(found['heap_bytes_per_min'])}, process {_kb(found['process_bytes_per_min'])}, "
            f"{found['nodes_per_min']:+,} nodes per minute",
            not live_room.memory_verdict(found) if found["seconds"] >= 280 else None,
            f"flat is {_kb(live_room.FLAT_BYTES_PER_MIN)}, {_kb(live_room.FLAT_PROCESS_BYTES_PER_MIN)} "
            f"and {live_room.FLAT_NODES_PER_MIN:+,} nodes at most",
        )
    )
    return section


def _watched(found: dict[str, Any]) -> Table:
    last = found["series"][-1]
    rows = [
        ["frames per second", f"{found['fps']}"],
        ["late frames", f"{found['late']} of {found['frames']}"],
        ["processor time of the page's process per frame", f"{found['renderer_ms']} ms"],
        ["comments per second", f"{found['comments_per_s']}"],
        ["JavaScript heap at the end", f"{last['heap_bytes'] / 1e6:.1f} MB"],
        ["its change", _kb(found["heap_bytes_per_min"])],
        ["private memory of the page's process at the end", f"{last['process_bytes'] / 1e6:.0f} MB"],
        ["its change", _kb(found["process_bytes_per_min"])],
        ["nodes of the document", f"{found['series'][0]['nodes']:,} at first, {last['nodes']:,} at the end"],
        ["their change in the second half", f"{found['nodes_per_min']:+,} per minute"],
        ["cores", _cores(found["cores"])],
    ]
    return Table([f"over {found['seconds']:.0f} s", ""], rows)


def _sizes(found: dict[str, Any]) -> Section:
    section = Section(
        "sizes",
        "Sizes",
        _method(SIZES, found),
    )
    section.tables.append(
        Table(["part", "gzip"], [[part, f"{size / 1024:.1f} KiB"] for part, size in found["gzip_bytes"].items()])
    )
    section.verdicts.append(
        Verdict(
            "the client <= 25 KiB gzip",
            f"{found['core_bytes'] / 1024:.1f} KiB",
            found["core_bytes"] <= sizes.CORE_BYTES,
        )
    )
    return section


MAKERS = {"scrolling": _scrolling, "live_room": _room, "memory": _memory, "first_interaction": _first, "sizes": _sizes}
