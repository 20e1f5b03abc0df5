"""The promise as code: what clients saw, and a checker that says whether nothing was lost, doubled or reordered.

Start with `checker` for the whole, `events` for what a client writes down, and `invariants_*` for the exact meaning
of I1 to I11. Pure: histories and logs in, a verdict out.
"""

from trunkline.domain.history.bound import trials_needed, upper_bound_95
from trunkline.domain.history.checker import Checker, check_history
from trunkline.domain.history.events import (
    Asked,
    Cursor,
    Event,
    Fail,
    Head,
    Invoke,
    Ok,
    Recv,
    Resync,
    StateHash,
    TornHistoryError,
    Unknown,
    ViewJoin,
    ViewLeave,
    decode_lines,
    encode_line,
    encode_lines,
)
from trunkline.domain.history.log import FinalLog
from trunkline.domain.history.sends import ContradictoryHistoryError
from trunkline.domain.history.verdict import INVARIANTS, Verdict, Violations

__all__ = [
    "INVARIANTS",
    "Asked",
    "Checker",
    "ContradictoryHistoryError",
    "Cursor",
    "Event",
    "Fail",
    "FinalLog",
    "Head",
    "Invoke",
    "Ok",
    "Recv",
    "Resync",
    "StateHash",
    "TornHistoryError",
    "Unknown",
    "Verdict",
    "ViewJoin",
    "ViewLeave",
    "Violations",
    "check_history",
    "decode_lines",
    "encode_line",
    "encode_lines",
    "trials_needed",
    "upper_bound_95",
]
