"""What the journal holds: every durable change is one of these records.

Positional Structs with integer tags. Fields are only ever appended, with a default, so that a
newer program reads an older journal. One journal frame is one msgpack array of records that
became durable together (decision 0002).

Not here: how a record changes memory (``domain.conversation``) or tables (``store.sqlite``).
"""

from __future__ import annotations

import msgspec

FORMAT_VERSION = 1


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One numbered entry of a conversation's log, as stored.

    Attributes:
        seq: dense from 1 within the conversation.
        at_ms: writer's time, non-decreasing within the conversation.
        sender: party; the party in whose name a change was made.
        type: see ``wire.entries``.
        content: msgpack of the content; b"" for none.
        count: how many entries up to and including this one count as unread for others.
        own: how many of those are this sender's.
        outbox: the sender's outbox, and ``n``: together the send's id; "" for server-made entries.
        target: the seq a change refers to.
        reply_to: the seq a message quotes.
        mentions: parties, or ["*"].
        expires_at_ms: when the message expires; 0 = never.
        thread: the seq of the message whose thread a reply (or the removal of one) belongs to; 0 = none. Replies do
            not count in ``count`` and ``own``.
    """

    seq: int
    at_ms: int
    sender: str
    type: str
    content: bytes
    count: int
    own: int
    outbox: str = ""
    n: int = 0
    target: int = 0
    reply_to: int = 0
    mentions: tuple[str, ...] = ()
    expires_at_ms: int = 0
    thread: int = 0


class EntryAppended(msgspec.Struct, array_like=True, tag=1, gc=False):
    """An entry joined a conversation's log."""

    app: str
    conversation: str
    entry: Entry


class CursorMoved(msgspec.Struct, array_like=True, tag=2, gc=False):
    """A member's cursors moved forward.

    ``read_count`` and ``read_own`` are the running counts (all countable entries; the member's own) at ``read``,
    which make unread a subtraction.
    """

    app: str
    conversation: str
    party: str
    delivered: int
    read: int
    read_count: int
    read_own: int


class SettingsChanged(msgspec.Struct, array_like=True, tag=3):
    """A party changed its own settings of a conversation; ``value`` is msgpack of ``MemberSettings``."""

    app: str
    party: str
    conversation: str
    value: bytes


class EntriesHidden(msgspec.Struct, array_like=True, tag=4):
    """A party deleted entries for itself: single seqs, and everything up to ``up_to``.

    ``counted`` are those of ``seqs`` that count as unread for this party (messages of others).
    """

    app: str
    conversation: str
    party: str
    seqs: tuple[int, ...]
    up_to: int
    counted: tuple[int, ...] = ()


class BlockChanged(msgspec.Struct, array_like=True, tag=5):
    """A party blocked or unblocked another."""

    app: str
    party: str
    other: str
    on: bool


class ProfileChanged(msgspec.Struct, array_like=True, tag=6):
    """A party's profile, whole."""

    app: str
    party: str
    name: str
    avatar: str
    custom: dict[str, str]
    at_ms: int


class DeviceChanged(msgspec.Struct, array_like=True, tag=7):
    """A device signed in, or was revoked: tokens minted up to ``revoked_before_s`` are refused on it."""

    app: str
    party: str
    device: str
    platform: str
    at_ms: int
    revoked_before_s: int = 0


class TokensRevoked(msgspec.Struct, array_like=True, tag=8):
    """Tokens of a party minted (``iat``) up to this second are refused."""

    app: str
    party: str
    before_s: int


class AppChanged(msgspec.Struct, array_like=True, tag=9):
    """A tenant was created or disabled."""

    app: str
    name: str
    at_ms: int
    disabled: bool = False


class KeyChanged(msgspec.Struct, array_like=True, tag=10):
    """An API key, whole. Its secret is derived from the master key and stored nowhere."""

    app: str
    key: str
    scopes: tuple[str, ...]
    at_ms: int
    expires_at_ms: int = 0
    revoked: bool = False


class RequestRemembered(msgspec.Struct, array_like=True, tag=11):
    """The answer to a REST request with an Idempotency-Key, committed together with its effect."""

    app: str
    key: str
    request_hash: bytes
    status: int
    body: bytes
    at_ms: int


class PartyErased(msgspec.Struct, array_like=True, tag=12):
    """A party's profile, settings, devices and the content of its messages are gone."""

    app: str
    party: str
    at_ms: int


class OutboxFloorRaised(msgspec.Struct, array_like=True, tag=13):
    """Sends of an outbox at or below ``n`` are forgotten: a retry of one is refused as expired."""

    app: str
    party: str
    outbox: str
    n: int


class FileVariant(msgspec.Struct, array_like=True):
    """A smaller picture made from a file: ``name`` is ``thumbnail`` or ``poster``."""

    name: str
    mime: str
    size_bytes: int
    width: int
    height: int


class FileStored(msgspec.Struct, array_like=True, tag=20):
    """A finished upload: its bytes are durable in the blob store before this record is.

    Attributes:
        file: id, ``f_`` and 22 characters.
        owner: the party that uploaded it.
        mime: what the content is; ``kind`` is image, audio, video or file.
        waveform: of sound, 0-255 each.
    """

    app: str
    file: str
    owner: str
    name: str
    mime: str
    kind: str
    size_bytes: int
    sha256: bytes
    at_ms: int
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    blurhash: str = ""
    waveform: bytes = b""
    variants: tuple[FileVariant, ...] = ()


class FileAttached(msgspec.Struct, array_like=True, tag=21):
    """The message at ``seq`` refers to a file; committed together with the message."""

    app: str
    file: str
    conversation: str
    seq: int


class FileRemoved(msgspec.Struct, array_like=True, tag=22):
    """A file is gone for everyone; its bytes go next. ``reason``: deleted, unused or retention."""

    app: str
    file: str
    at_ms: int
    reason: str


class FilePurged(msgspec.Struct, array_like=True, tag=23):
    """The bytes of a removed file are gone from the blob store."""

    app: str
    file: str


class WebhookChanged(msgspec.Struct, array_like=True, tag=25):
    """An app's webhook, whole; its secrets are derived from the master key and stored nowhere.

    Attributes:
        mode: ``after`` (told of events) or ``before_send`` (asked before a message is accepted).
        events: names and ``*`` or ``group.*`` patterns.
        kinds: of conversations; empty = all.
        prefix: of conversation ids.
        message_types: of messages; empty = all.
        generation: of the secret; ``previous_until_ms``: until when the one before signs as well.
        deadline_ms: of a ``before_send`` call, and ``on_failure``: ``accept`` or ``reject``.
        disabled: why it is off; "" while it is on.
    """

    app: str
    webhook: str
    mode: str
    url: str
    at_ms: int
    events: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    prefix: str = ""
    message_types: tuple[str, ...] = ()
    description: str = ""
    generation: int = 1
    previous_until_ms: int = 0
    deadline_ms: int = 0
    on_failure: str = ""
    disabled: str = ""
    deleted: bool = False


class WebhookCursorMoved(msgspec.Struct, array_like=True, tag=26):
    """Every event up to here was delivered to a webhook, but for its lanes.

    ``sweep_since_ms`` > 0: the events since that time are being read from the index, conversation by conversation;
    ``sweep_after`` is how far that is, and ``lsn`` is where the journal goes on afterwards.
    ``fresh`` forgets all lanes. ``skipped`` counts groups that were trimmed from the journal before they were read.
    """

    app: str
    webhook: str
    lsn: int
    at_ms: int
    sweep_since_ms: int = 0
    sweep_after: int = 0
    failing_since_ms: int = 0
    last_error: str = ""
    fresh: bool = False
    skipped: int = 0


class WebhookLaneMoved(msgspec.Struct, array_like=True, tag=27, gc=False):
    """A conversation is behind its webhook's cursor: ``next_seq`` is its first undelivered entry, 0 = it caught up."""

    app: str
    webhook: str
    conversation: str
    next_seq: int


class SendReplaced(msgspec.Struct, array_like=True, tag=28):
    """The content of a send was replaced before it was accepted; ``digest`` is of the send as it was made."""

    app: str
    party: str
    outbox: str
    n: int
    digest: bytes


class ThreadMarked(msgspec.Struct, array_like=True, tag=35):
    """A party followed or unfollowed a thread, or read in it; None and 0 leave the one or the other as it is."""

    app: str
    conversation: str
    thread: int
    party: str
    following: bool | None = None
    read: int = 0


class TagsChanged(msgspec.Struct, array_like=True, tag=36):
    """A party's tags, whole. ``moment`` orders changes of tags and broadcasts of the whole store."""

    app: str
    party: str
    tags: tuple[str, ...]
    moment: int
    at_ms: int


class BroadcastMarked(msgspec.Struct, array_like=True, tag=37):
    """What became of a broadcast: ``scheduled``, ``cancelled``, ``sent`` (with its entry, in one group) or ``reached``.

    Attributes:
        broadcast: id, ``x_`` and 22 characters, or the app's own.
        seq: of its entry in ``conversation``, once sent, and ``moment``: whose tags count is decided there.
        content: of one that is scheduled; b"" once it is in the log.
        reached: parties that were online and were pushed to.
    """

    app: str
    broadcast: str
    conversation: str
    status: str
    at_ms: int
    audience: str = ""
    sender: str = ""
    message_type: str = ""
    content: bytes = b""
    send_at_ms: int = 0
    expires_in_ms: int = 0
    seq: int = 0
    moment: int = 0
    reached: int = 0


class QuizMoved(msgspec.Struct, array_like=True, tag=45):
    """Something happened in a quiz of a room that its log does not show whole: which options are right, who has cards.

    Attributes:
        no: of this move in its quiz, dense from 1.
        move: msgpack of a ``domain.quizzes.moves.Move``.
    """

    app: str
    conversation: str
    quiz: str
    no: int
    move: bytes


class QuizAnswered(msgspec.Struct, array_like=True, tag=46, gc=False):
    """A party answered a question in time, ``after_ms`` after it was asked. Nobody else is told."""

    app: str
    conversation: str
    quiz: str
    question: int
    party: str
    choice: int
    after_ms: int


class QuizRevived(msgspec.Struct, array_like=True, tag=47, gc=False):
    """A party that a question had put out is in again."""

    app: str
    conversation: str
    quiz: str
    question: int
    party: str


Record = (
    EntryAppended
    | CursorMoved
    | SettingsChanged
    | EntriesHidden
    | BlockChanged
    | ProfileChanged
    | DeviceChanged
    | TokensRevoked
    | AppChanged
    | KeyChanged
    | RequestRemembered
    | PartyErased
    | OutboxFloorRaised
    | FileStored
    | FileAttached
    | FileRemoved
    | FilePurged
    | WebhookChanged
    | WebhookCursorMoved
    | WebhookLaneMoved
    | SendReplaced
    | ThreadMarked
    | TagsChanged
    | BroadcastMarked
    | QuizMoved
    | QuizAnswered
    | QuizRevived
)

encode_group = msgspec.msgpack.Encoder().encode
"""Encode a list of records as one journal payload."""

encode_record = encode_group
"""Encode one record, as it stands in the payload."""

_decoder = msgspec.msgpack.Decoder(list[Record])


def decode_group(payload: bytes) -> list[Record]:
    """Decode one journal payload.

    Raises:
        msgspec.DecodeError: the payload is not ours; a journal checksum should have caught it.
    """
    return _decoder.decode(payload)
