"""Profiles, block lists, export and erasure."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from trunkline.wire.calls.conversations import Avatar, Custom, DisplayName
from trunkline.wire.calls.session import PartyName


class ProfileSet(Struct, kw_only=True):
    """Change my profile (or, for an app server, that of the party it names)."""

    name: DisplayName | UnsetType = UNSET
    avatar: Avatar | UnsetType = UNSET
    custom: Custom | UnsetType = UNSET


class ProfileGet(Struct):
    """Read profiles; parties without one are left out."""

    parties: Annotated[list[PartyName], Meta(min_length=1, max_length=200)]


class Profile(Struct, omit_defaults=True):
    """What a party shows of itself."""

    party: str
    name: str = ""
    avatar: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    updated_at_ms: int = 0


class Profiles(Struct, omit_defaults=True):
    """Profiles; ``next`` continues a search."""

    profiles: list[Profile]
    next: str = ""


class ProfileSearch(Struct, kw_only=True):
    """App server: find profiles whose name contains ``text``, or whose custom field has a value."""

    text: Annotated[str, Meta(max_length=200)] = ""
    field: Annotated[str, Meta(max_length=64)] = ""
    value: Annotated[str, Meta(max_length=4096)] = ""
    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class BlockChange(Struct):
    """Block or unblock a party: a blocked party cannot send me direct messages."""

    party: PartyName
    on: bool = True


class BlockList(Struct):
    """List whom I block."""


class Blocks(Struct):
    """Parties I block."""

    blocked: list[str]


class PartyRef(Struct):
    """Names a party, for export and erasure by an app server."""

    party: PartyName


class PartyExportPage(Struct):
    """App server: a page of everything kept about a party; ``after`` is the ``next`` of the page before."""

    party: PartyName
    after: Annotated[str, Meta(max_length=400)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


class QuizAnswerKept(Struct):
    """What a party answered to a question of a quiz, ``after_ms`` after it was asked."""

    conversation: str
    quiz: str
    question: int
    choice: int
    after_ms: int


class PartyExport(Struct):
    """What is kept about a party: profile, block list, tags, devices and answers to quizzes on the first page;
    memberships, its messages.

    ``next`` leads to the following page; it is empty on the last one. A page may hold fewer than were asked for.
    """

    party: str
    exported_at_ms: int
    profile: Profile | None
    blocked: list[str]
    devices: list[Any]
    conversations: list[Any]
    messages: list[Any]
    next: str = ""
    tags: list[str] = field(default_factory=list)
    quiz_answers: list[QuizAnswerKept] = field(default_factory=list)


class PartyErased(Struct):
    """What the erasure removed."""

    party: str
    messages: int
    conversations: int
