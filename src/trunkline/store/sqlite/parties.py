"""Records and queries of parties and tenants: profiles, blocks, devices, revocations, apps, keys, answers.

None of these is frequent, so each record is a statement or two. Not here: conversations (``fold``),
inboxes (``inbox``), erasure (``erase``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from trunkline.domain.log.records import (
    AppChanged,
    BlockChanged,
    DeviceChanged,
    KeyChanged,
    ProfileChanged,
    Record,
    RequestRemembered,
    TokensRevoked,
)
from trunkline.domain.parties.state import DeviceState, Party
from trunkline.services.log.index_port import Remembered
from trunkline.store.sqlite.batch import BLOCKED_SUBJECT, PROFILE_SUBJECT
from trunkline.store.sqlite.connection import Database

_json = msgspec.json.Encoder().encode
_decode_custom = msgspec.json.Decoder(dict[str, str]).decode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode

_PROFILE = "SELECT app, party, name, avatar, custom, at_ms FROM profile WHERE app = ? AND party = ?"
_SEARCH = """
SELECT app, party, name, avatar, custom, at_ms FROM profile
WHERE app = ?1 AND party > ?5 AND (?2 = '' OR instr(folded, ?2) > 0)
AND (?3 = '' OR EXISTS (SELECT 1 FROM json_each(profile.custom) f WHERE f.key = ?3 AND f.value = ?4))
ORDER BY party LIMIT ?6
"""


def apply(db: Database, lsn: int, record: Record) -> None:
    """Project one record that concerns no conversation."""
    if isinstance(record, ProfileChanged):
        _profile(db, lsn, record)
    elif isinstance(record, BlockChanged):
        _block(db, lsn, record)
    elif isinstance(record, DeviceChanged):
        _device(db, record)
    elif isinstance(record, TokensRevoked):
        db.execute(
            """INSERT INTO revocation VALUES (?, ?)
            ON CONFLICT DO UPDATE SET before_s = max(before_s, excluded.before_s)""",
            (f"{record.app}/{record.party}", record.before_s),
        )
    elif isinstance(record, AppChanged):
        db.execute(
            """INSERT INTO app (app, name, at_ms, disabled) VALUES (?, ?, ?, ?) ON CONFLICT (app) DO UPDATE SET
            name = excluded.name, at_ms = excluded.at_ms, disabled = excluded.disabled""",
            (record.app, record.name, record.at_ms, int(record.disabled)),
        )
    elif isinstance(record, KeyChanged):
        _key(db, record)
    elif isinstance(record, RequestRemembered):
        db.execute(
            "REPLACE INTO remembered (app, key, request_hash, status, body, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (record.app, record.key, record.request_hash, record.status, record.body, record.at_ms),
        )
    else:
        raise TypeError(f"no projection for {type(record).__name__}")


def touch(db: Database, owner: str, subject: int, lsn: int) -> None:
    """Tell a party's other devices that something of its own changed."""
    db.execute(
        "INSERT INTO inbox (owner, cid, pts) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET pts = excluded.pts",
        (owner, subject, lsn),
    )


def _profile(db: Database, lsn: int, record: ProfileChanged) -> None:
    db.execute(
        "REPLACE INTO profile (app, party, name, folded, avatar, custom, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.app,
            record.party,
            record.name,
            record.name.casefold(),
            record.avatar,
            _json(record.custom).decode(),
            record.at_ms,
        ),
    )
    touch(db, f"{record.app}/{record.party}", PROFILE_SUBJECT, lsn)


def _block(db: Database, lsn: int, record: BlockChanged) -> None:
    owner = f"{record.app}/{record.party}"
    if record.on:
        db.execute("INSERT OR IGNORE INTO blocked VALUES (?, ?)", (owner, record.other))
    else:
        db.execute("DELETE FROM blocked WHERE owner = ? AND other = ?", (owner, record.other))
    touch(db, owner, BLOCKED_SUBJECT, lsn)


def _device(db: Database, record: DeviceChanged) -> None:
    at_ms = record.at_ms
    db.execute(
        """INSERT INTO device VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        platform = CASE excluded.platform WHEN '' THEN platform ELSE excluded.platform END,
        last_seen_ms = max(last_seen_ms, excluded.last_seen_ms),
        revoked_before_s = max(revoked_before_s, excluded.revoked_before_s)""",
        (f"{record.app}/{record.party}", record.device, record.platform, at_ms, at_ms, record.revoked_before_s),
    )


def _key(db: Database, record: KeyChanged) -> None:
    db.execute(
        """INSERT INTO api_key (app, key, scopes, at_ms, expires_at_ms, revoked) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (app, key) DO UPDATE SET scopes = excluded.scopes, at_ms = excluded.at_ms,
        expires_at_ms = excluded.expires_at_ms, revoked = excluded.revoked""",
        (
            record.app,
            record.key,
            _json(record.scopes).decode(),
            record.at_ms,
            record.expires_at_ms,
            int(record.revoked),
        ),
    )


def party(db: Database, app: str, party: str) -> Party:
    """A party's whole state."""
    owner = f"{app}/{party}"
    state = Party(app, party)
    row = db.execute(_PROFILE, (app, party)).fetchone()
    if row is not None:
        state.profile = _profile_of(row)
    state.blocked = frozenset(r[0] for r in db.execute("SELECT other FROM blocked WHERE owner = ?", (owner,)))
    state.devices = {device.device: device for device in _devices(db, owner)}
    row = db.execute("SELECT before_s FROM revocation WHERE owner = ?", (owner,)).fetchone()
    if row is not None:
        state.revoked_before_s = row[0]
    return state


def _devices(db: Database, owner: str) -> Iterable[DeviceState]:
    found = db.execute(
        "SELECT device, platform, first_seen_ms, last_seen_ms, revoked_before_s FROM device WHERE owner = ?", (owner,)
    )
    return (DeviceState(*row) for row in found)


def devices(db: Database, app: str, party: str) -> list[DeviceChanged]:
    """Devices as records, with the time they were last seen."""
    return [
        DeviceChanged(app, party, d.device, d.platform, d.last_seen_ms, d.revoked_before_s)
        for d in _devices(db, f"{app}/{party}")
    ]


def _profile_of(row: Sequence[object]) -> ProfileChanged:
    app, party, name, avatar, custom, at_ms = row
    return ProfileChanged(app, party, name, avatar, _decode_custom(custom), at_ms)  # type: ignore[arg-type]


def profiles(db: Database, app: str, parties: Sequence[str]) -> list[ProfileChanged]:
    """Profiles of those parties that have one, in the order asked."""
    found = (db.execute(_PROFILE, (app, party)).fetchone() for party in parties)
    return [_profile_of(row) for row in found if row is not None]


def search_profiles(
    db: Database, app: str, text: str, field: str, value: str, after: str, limit: int
) -> list[tuple[str, ProfileChanged]]:
    """Profiles by part of the name and by a custom field, in order of party."""
    found = db.execute(_SEARCH, (app, text.casefold(), field, value, after, limit)).fetchall()
    return [(row[1], _profile_of(row)) for row in found]


def apps(db: Database) -> list[AppChanged]:
    """All tenants, in order of creation."""
    found = db.execute("SELECT app, name, at_ms, disabled FROM app ORDER BY id").fetchall()
    return [AppChanged(app, name, at_ms, bool(disabled)) for app, name, at_ms, disabled in found]


def keys(db: Database) -> list[KeyChanged]:
    """All API keys, in order of creation."""
    found = db.execute("SELECT app, key, scopes, at_ms, expires_at_ms, revoked FROM api_key ORDER BY id").fetchall()
    return [
        KeyChanged(app, key, _decode_scopes(scopes), at_ms, expires_at_ms, bool(revoked))
        for app, key, scopes, at_ms, expires_at_ms, revoked in found
    ]


def remembered(db: Database, app: str, key: str) -> Remembered | None:
    """The stored answer to an idempotent request."""
    row = db.execute(
        "SELECT request_hash, status, body FROM remembered WHERE app = ? AND key = ?", (app, key)
    ).fetchone()
    return Remembered(*row) if row is not None else None
