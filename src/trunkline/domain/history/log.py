"""The final log of a conversation, as read from the store after the run.

Lives here: the entries by position, what was trimmed or erased on purpose, and where restores cut the log. Does not
live here: what the log must satisfy (`invariants_log`).
"""

from collections.abc import Iterable

__all__ = ["FinalLog"]


class FinalLog:
    """One conversation's entries after quiescence.

    Args:
        conv: The conversation.
        entries: `(seq, id)` in the order the store returned them; `id` is None for an entry that is not a message.
        epochs: `(epoch, first_seq)`, oldest first, one for each epoch the log lived through. A restore keeps what was
            in the backup and continues in a new epoch at `first_seq`; what older epochs had from there on is declared
            lost by the operator who restored, and is counted apart.
        erased: Positions whose message was erased on purpose, so that None stands where an id was.
        floor: The first position that retention kept. Below it nothing can be compared.
    """

    __slots__ = ("conv", "entries", "epochs", "erased", "floor", "head", "ids", "seq_of")

    def __init__(
        self,
        conv: str,
        entries: Iterable[tuple[int, str | None]],
        *,
        epochs: Iterable[tuple[int, int]] = ((0, 1),),
        erased: Iterable[int] = (),
        floor: int = 1,
    ) -> None:
        self.conv = conv
        self.entries = list(entries)
        self.epochs = sorted(epochs)
        self.erased = frozenset(erased)
        self.floor = floor
        self.ids: dict[int, str | None] = {}
        self.seq_of: dict[str, int] = {}
        for seq, send_id in self.entries:
            self.ids.setdefault(seq, send_id)
            if send_id is not None:
                self.seq_of.setdefault(send_id, seq)
        self.head = max(self.ids, default=floor - 1)

    def kept_until(self, epoch: int) -> int | None:
        """Return the first position of `epoch` that a later restore took away, None when it took away nothing."""
        starts = [first for later, first in self.epochs if later > epoch]
        return min(starts) if starts else None

    def survives(self, epoch: int, seq: int) -> bool:
        """Say whether a position given out in `epoch` must still be what the final log has there."""
        until = self.kept_until(epoch)
        return until is None or seq < until
