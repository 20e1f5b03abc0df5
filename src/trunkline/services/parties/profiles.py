"""Profiles: a name, an avatar and custom fields that every party of the app may read."""

from __future__ import annotations

from msgspec import UNSET

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.log.records import ProfileChanged
from trunkline.services.log.engine import Engine
from trunkline.wire.calls.parties import Profile, ProfileGet, Profiles, ProfileSearch, ProfileSet


class ProfileBook:
    """Reads and changes profiles.

    Args:
        engine: the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def set(self, caller: Caller, request: ProfileSet) -> Profile:
        """Change what is given; ``custom`` is replaced as a whole."""
        state = await self._engine.party(caller.app, caller.party)
        now = state.profile
        changed = ProfileChanged(
            caller.app,
            caller.party,
            (now.name if now else "") if request.name is UNSET else request.name,
            (now.avatar if now else "") if request.avatar is UNSET else request.avatar,
            (now.custom if now else {}) if request.custom is UNSET else request.custom,
            self._engine.clock.now_ms(),
        )
        same = now is not None and (now.name, now.avatar, now.custom) == (changed.name, changed.avatar, changed.custom)
        if now is not None and same:
            return view_of(now)
        self._engine.check_room()
        self._engine.append_party(changed)
        return view_of(changed)

    async def get(self, caller: Caller, request: ProfileGet) -> Profiles:
        """Profiles of the parties that have one, in the order asked for.

        Raises:
            TrunklineError: ``INVALID_PARTY``.
        """
        wanted = list(dict.fromkeys(check_party(party, "parties") for party in request.parties))
        found: dict[str, ProfileChanged] = {}
        projected = []
        for party in wanted:
            # A party with records that the index lacks is always resident.
            if (caller.app, party) in self._engine.residents.parties:
                state = await self._engine.party(caller.app, party)
                if state.profile is not None:
                    found[party] = state.profile
            else:
                projected.append(party)
        if projected:
            found.update((p.party, p) for p in await self._engine.index.profiles(caller.app, projected))
        return Profiles([view_of(found[party]) for party in wanted if party in found])

    async def search(self, caller: Caller, request: ProfileSearch) -> Profiles:
        """A page of profiles by name, by a custom field, or by both; ordered by party.

        Raises:
            TrunklineError: ``INVALID_PARAMS`` or ``INVALID_PAGE_CURSOR``.
        """
        if request.value and not request.field:
            raise TrunklineError(Code.INVALID_PARAMS, "value needs the name of a custom field.", field="field")
        if request.after:
            try:
                check_party(request.after)
            except TrunklineError:
                raise TrunklineError(
                    Code.INVALID_PAGE_CURSOR, "after must be the 'next' of the page before.", field="after"
                ) from None
        await self._engine.projected(self._engine.committed_lsn)
        rows = await self._engine.index.search_profiles(
            caller.app, request.text, request.field, request.value, request.after, request.limit + 1
        )
        page = rows[: request.limit]
        return Profiles([view_of(profile) for _, profile in page], page[-1][0] if len(rows) > len(page) else "")


def view_of(profile: ProfileChanged) -> Profile:
    """A profile as clients see it."""
    return Profile(profile.party, profile.name, profile.avatar, profile.custom, profile.at_ms)
