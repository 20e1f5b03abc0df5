"""Queries over communities: which exist, and which a party is in. Their structure is in their settings."""

from __future__ import annotations

from trunkline.services.communities.ports import Belonging
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader

_OF_PARTY = """
SELECT c.name, i.pts, i.left_at_ms FROM inbox i CROSS JOIN conversation c ON c.cid = i.cid
WHERE i.owner = ? AND i.cid > 0 AND c.kind = 'community' ORDER BY c.name
"""


class SqliteCommunities:
    """Implements ``services.communities.ports.CommunityIndex``.

    Args:
        reader: runs the queries.
    """

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def any_in(self) -> set[str]:
        """Apps that have communities: those that have channels."""
        select = "SELECT DISTINCT app FROM conversation WHERE kind = 'channel'"
        return await self._run(lambda db: {row[0] for row in db.execute(select).fetchall()})

    async def of_party(self, app: str, party: str) -> list[Belonging]:
        """Communities a party is in or left."""

        def query(db: Database) -> list[Belonging]:
            found = db.execute(_OF_PARTY, (f"{app}/{party}",)).fetchall()
            return [Belonging(name, pts, bool(left)) for name, pts, left in found]

        return await self._run(query)
