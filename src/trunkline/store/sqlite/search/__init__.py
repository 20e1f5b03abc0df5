"""Full-text index on SQLite FTS5: ``search.db``, a projection of its own that may be deleted and is built again.

Its thread follows the journal; the projection of messages does not know it. Why it looks like this: decision 0008.
"""

from trunkline.store.sqlite.search.index import SqliteSearchIndex

__all__ = ["SqliteSearchIndex"]
