"""How often things are sent that a lossy path may swallow: requests, answers, and the video that others depend on.

Everything here is a rule from measured loss to a number of copies; with independent loss ``p``, ``n`` copies are all
lost with probability ``p ** n``. Not here: sending (``sfu``), audio's redundancy (``depth``).
"""

from __future__ import annotations

CONTROL_RESIDUAL = 0.05
MAX_CONTROL_COPIES = 4
"""Of a report, a request, an answer to a check."""
MAX_ANSWER_COPIES = 3
"""Of a packet that was asked for again."""
LITTLE = 0.03
"""Below this, asking again repairs in time, and nothing is sent twice unasked."""
BASE_RESIDUAL, MAX_BASE_COPIES = 0.01, 3
"""Key frames and the lowest temporal layer: what is missing there stops the picture."""
OTHER_RESIDUAL, MAX_OTHER_COPIES, OTHER_FROM = 0.02, 3, 0.08


def copies_for(loss: float, residual: float = CONTROL_RESIDUAL, limit: int = MAX_CONTROL_COPIES) -> int:
    """The least number of copies, all of which are lost at most this often; 1 to ``limit``."""
    copies, missed = 1, loss
    while missed > residual and copies < limit:
        copies += 1
        missed *= loss
    return copies


def answer_copies(loss: float) -> int:
    """Copies of a packet that was asked for: the request has cost a round trip already."""
    return copies_for(loss, limit=MAX_ANSWER_COPIES)


def unasked_copies(loss: float, *, base: bool) -> int:
    """Copies of a video packet beyond the first, sent before anybody asks. ``base``: other frames depend on it."""
    if loss < LITTLE:
        return 0
    if base:
        return max(copies_for(loss, BASE_RESIDUAL, MAX_BASE_COPIES + 1) - 1, 1)
    return copies_for(loss, OTHER_RESIDUAL, MAX_OTHER_COPIES + 1) - 1 if loss >= OTHER_FROM else 0


def cost_factor(loss: float) -> float:
    """By how much protection multiplies the bitrate of video, when all of it is base (the worst case)."""
    return 1.0 + unasked_copies(loss, base=True)
