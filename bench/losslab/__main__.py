"""``make losslab``: runs all cases with and without recovery, prints the table and writes the report with its plot."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bench.losslab import report
from bench.losslab.browsers import browser_cases, browsers
from bench.losslab.cases import Case, Outcome
from bench.losslab.impairment import Impairment
from bench.losslab.running import WITHOUT, joins, lab, speech, video
from bench.losslab.speech import make_speech

LEAD_S = 3.0
"""Speech before what is scored: the loss begins with it, and the depth of redundancy is found."""
VIDEO_S = 20.0
KINDS, LABELS = ("speech", "video", "browser", "joins"), ("with", "without")


def speech_cases() -> list[Case]:
    """What speech is sent through."""
    random = [Case(f"down {loss:.0%}", down=Impairment(loss)) for loss in (0.0, 0.1, 0.3, 0.5, 0.7)]
    up = [Case(f"up {loss:.0%}", up=Impairment(loss)) for loss in (0.3, 0.5)]
    bursts = [Case(f"down {loss:.0%}, bursts of 4", down=Impairment(loss, burst=4)) for loss in (0.3, 0.5)]
    real = Case("down 30%, 40±10 ms, reordered", down=Impairment(0.3, delay_ms=40, jitter_ms=10, reorder=0.05))
    return [*random, *up, *bursts, real]


def video_cases() -> list[Case]:
    """What video is sent through; reports and requests are lost as well."""
    return [
        Case("video clean"),
        Case("video down 30%", down=Impairment(0.3), back=True),
        Case("video up 30%", up=Impairment(0.3), back=True),
        Case("video both 30%", up=Impairment(0.3), down=Impairment(0.3), back=True),
    ]


def join_cases() -> list[Case]:
    """What clients join through."""
    return [
        Case(f"join at {loss:.0%} both ways", Impairment(loss), Impairment(loss), joined=False) for loss in (0.3, 0.5)
    ]


def chosen(cases: list[Case], *, short: bool) -> list[Case]:
    """All of them, or those that have a target."""
    return [case for case in cases if not short or case.name in report.TARGETS]


async def run(seed: int, at_once: int, kind: str, label: str, *, short: bool = False) -> list[Outcome]:
    """All cases of a kind; ``at_once`` rooms share the machine at the same time."""
    found: list[Outcome] = []
    async with lab(seed, {} if label == "with" else WITHOUT) as place:
        if kind == "speech":
            cases = chosen(speech_cases(), short=short)
            whole, parts = make_speech(LEAD_S)
            for start in range(0, len(cases), at_once):
                found += await speech(place, cases[start : start + at_once], whole, parts)
        elif kind == "video":
            cases = chosen(video_cases(), short=short)
            # Encoders need cores of their own: two rooms of video at a time at most.
            for start in range(0, len(cases), min(at_once, 2)):
                found += await video(place, cases[start : start + min(at_once, 2)], VIDEO_S)
        elif kind == "browser":
            found += await browsers(place, chosen(browser_cases(), short=short), VIDEO_S)
        else:
            found += [await joins(place, case, 3 if short else 6) for case in join_cases()]
    return found


def judged(kind: str, label: str) -> bool:
    """Whether there are targets."""
    return label == "with" and kind != "joins"


def main() -> None:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(prog="losslab", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=1, help="of cases with a target, with recovery; each its own seed")
    parser.add_argument("--at-once", type=int, default=5, help="rooms at the same time")
    parser.add_argument("--only", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--recovery", choices=LABELS, nargs="*", default=LABELS)
    parser.add_argument("--short", action="store_true", help="only the cases that have a target")
    parser.add_argument("--out", type=Path, default=Path("docs/losslab.md"))
    arguments = parser.parse_args()
    for kind in arguments.only:
        for label in arguments.recovery:
            outcomes = asyncio.run(run(arguments.seed, arguments.at_once, kind, label, short=arguments.short))
            for seed in range(arguments.seed + 1, arguments.seed + (arguments.runs if judged(kind, label) else 1)):
                outcomes += asyncio.run(run(seed, arguments.at_once, kind, label, short=True))
            report.keep(f"{kind} {label}", outcomes)
    cases = {case.name: case for case in (*speech_cases(), *video_cases(), *browser_cases(), *join_cases())}
    print(report.make(cases, arguments.seed, arguments.out))


if __name__ == "__main__":
    main()
