"""The index in SQLite: projections of the journal, and the queries over them.

One file, ``index.db``. One thread writes it (``projector``), few read it (``reader``). It can be
rebuilt from the journal, or replayed from where it stands; nothing is decided here.
"""

from trunkline.store.sqlite.chunks import IndexDamaged
from trunkline.store.sqlite.index import SqliteIndex
from trunkline.store.sqlite.schema import SchemaTooNew

__all__ = ["IndexDamaged", "SchemaTooNew", "SqliteIndex"]
