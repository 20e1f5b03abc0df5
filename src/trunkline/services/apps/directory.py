"""All apps and API keys, in memory: there are few, and every request asks for one.

What authentication sees is durable. What decisions see includes records still on their way to disk, so that
two changes of one key in the same moment cannot undo one another; when a commit fails they are forgotten.

Not here: rules (``keys``), secrets (``crypto.keys``).
"""

from __future__ import annotations

from trunkline.base.errors import TrunklineError
from trunkline.domain.log.records import AppChanged, KeyChanged, Record
from trunkline.services.log.engine import Engine
from trunkline.services.log.index_port import IndexReader


class AppDirectory:
    """Looks up apps and keys, and appends their records.

    Args:
        engine: the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._apps: dict[str, AppChanged] = {}
        self._keys: dict[str, KeyChanged] = {}
        self._pending_apps: dict[str, AppChanged] = {}
        self._pending_keys: dict[str, KeyChanged] = {}

    async def load(self, index: IndexReader) -> None:
        """Read what is projected. What ``apply`` was given is newer and stays.

        Call once at start, before anybody is let in; ``apply`` must be given every record that the journal
        has and the index lacks, before or after.
        """
        for app in await index.apps():
            self._apps.setdefault(app.app, app)
        for key in await index.keys():
            self._keys.setdefault(key.key, key)

    def apply(self, record: Record) -> None:
        """Take a durable record; those that are not about apps or keys are ignored."""
        if isinstance(record, AppChanged):
            self._apps[record.app] = record
        elif isinstance(record, KeyChanged):
            self._keys[record.key] = record

    # --- durable state ----------------------------------------------------------------------

    def app(self, app: str) -> AppChanged | None:
        """A tenant."""
        return self._apps.get(app)

    def key(self, key: str) -> KeyChanged | None:
        """An API key, of whichever app."""
        return self._keys.get(key)

    def all_keys(self) -> list[KeyChanged]:
        """Every key of every app."""
        return list(self._keys.values())

    # --- state with what is pending ---------------------------------------------------------

    def decided_app(self, app: str) -> AppChanged | None:
        """A tenant, with changes that are not yet durable."""
        return self._pending_apps.get(app) or self._apps.get(app)

    def decided_apps(self) -> list[AppChanged]:
        """All tenants, oldest first, with changes that are not yet durable."""
        apps = self._apps | self._pending_apps
        return sorted(apps.values(), key=lambda app: (app.at_ms, app.app))

    def decided_keys(self, app: str) -> list[KeyChanged]:
        """An app's keys, oldest first, with changes that are not yet durable."""
        keys = self._keys | self._pending_keys
        return sorted((key for key in keys.values() if key.app == app), key=lambda key: (key.at_ms, key.key))

    def append(self, record: AppChanged | KeyChanged) -> None:
        """Queue a record for the journal."""
        if isinstance(record, AppChanged):
            self._pending_apps[record.app] = record
        else:
            self._pending_keys[record.key] = record
        self._engine.append_record(record)
        self._engine.commits.release(self._settled, record)

    def _settled(self, error: TrunklineError | None, record: AppChanged | KeyChanged, _: object) -> None:
        if error is None:
            self.apply(record)
        if isinstance(record, AppChanged):
            if self._pending_apps.get(record.app) is record:
                del self._pending_apps[record.app]
        elif self._pending_keys.get(record.key) is record:
            del self._pending_keys[record.key]
