"""Operations on what is kept about a party."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.privacy.erase import Eraser
from trunkline.services.privacy.export import Exporter
from trunkline.wire.calls.parties import PartyErased, PartyExport, PartyExportPage, PartyRef

SCOPE = "privacy"


def operations(exporter: Exporter, eraser: Eraser) -> list[Operation]:
    """What app servers can do for a party that asks for its data."""
    return [
        Operation(
            "party.export",
            PartyExportPage,
            PartyExport,
            exporter.export,
            SCOPE,
            "Export everything kept about a party",
            Audience.SERVERS,
            writes=False,
        ),
        Operation("party.erase", PartyRef, PartyErased, eraser.erase, SCOPE, "Erase a party", Audience.SERVERS),
    ]
