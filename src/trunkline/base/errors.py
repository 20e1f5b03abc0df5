"""The one enum of everything that can go wrong, and the exception that carries it.

Lives here: error codes with their reserved ranges, HTTP statuses and retry classes.
Does not live here: how an edge prints them (``edges/``), nor protocol-internal errors.

Ranges decide what a client does, so that a client never has to know a single code:

====== ==================== ===========================================================
range  name                 meaning for the caller
====== ==================== ===========================================================
1xxx   malformed            Not applied. Repeating it unchanged cannot succeed.
2xxx   identity             Not applied. Get a new token (or stop); then reconnect.
3xxx   refused              Not applied. A rule or the present state forbids it.
4xxx   later                Not applied. Retry with the same id after ``retry_ms``.
5xxx   unknown              May or may not be applied. Retrying with the same id is safe.
====== ==================== ===========================================================

A WebSocket close carries ``close_code``: 4000 + range * 100 + the last two digits.
"""

from __future__ import annotations

import enum


class Retry(enum.StrEnum):
    """What a caller may do after an error."""

    NEVER = "never"
    NEW_TOKEN = "new_token"
    LATER = "later"
    SAME_ID = "same_id"


class Code(enum.Enum):
    """Stable error codes: ``number`` on the link, ``name`` in problem documents."""

    number: int
    http_status: int
    advice: str

    def __new__(cls, number: int, http_status: int, advice: str) -> Code:
        """Build a member whose value is the number."""
        member = object.__new__(cls)
        member._value_ = number
        member.number = number
        member.http_status = http_status
        member.advice = advice
        return member

    # 1xxx malformed
    MALFORMED_FRAME = 1001, 400, "Send one well-formed frame per WebSocket message, in the negotiated encoding."
    UNSUPPORTED_VERSION = 1002, 400, "Offer a subprotocol this server lists."
    UNKNOWN_METHOD = 1003, 404, "Use a method listed in the specification."
    INVALID_PARAMS = 1004, 422, "Correct the named field."
    OVERSIZE = 1005, 413, "Send less; large content belongs in a file."
    HELLO_REQUIRED = 1006, 400, "Send hello first."
    ALREADY_GREETED = 1007, 400, "Send hello once per connection."
    UNKNOWN_MESSAGE_TYPE = 1008, 422, "Use a registered type, or 'custom'."
    INVALID_CONTENT = 1009, 422, "Make the content match the schema of its type."
    INVALID_PARTY = 1010, 422, "Name a party as kind/name."
    INVALID_CONVERSATION = 1011, 422, "Use a conversation id of the documented form."
    INVALID_PAGE_CURSOR = 1012, 422, "Pass the cursor exactly as it was returned, or none."
    FORGED_FIELD = 1013, 422, "Leave sender and time to the server."
    UNSUPPORTED_MEDIA_TYPE = 1014, 415, "Send application/json."
    METHOD_NOT_ALLOWED = 1015, 405, "Use a method named in the Allow header."
    MALFORMED_BODY = 1016, 400, "Send one well-formed JSON object as the body."
    UNKNOWN_RESOURCE = 1017, 404, "Use a path listed in the API reference."
    # 1040-1049, 2040-2049, 3040-3049 and 4040-4049 belong to files.
    TUS_VERSION = 1040, 412, "Send the header Tus-Resumable: 1.0.0."
    CHECKSUM_MISMATCH = 1041, 460, "Send it again from the offset that HEAD answers; it was damaged on the way."
    FILE_TOO_LARGE = 1042, 413, "Upload a smaller file."
    FILE_TYPE_REFUSED = 1043, 415, "Upload a type that this server accepts."
    FILE_TYPE_MISMATCH = 1044, 415, "Name the type that the content really has, or none."
    FILE_UNREADABLE = 1045, 422, "Upload a file that is whole and within the limits of its type."
    UNKNOWN_CARD_ACTION = 1060, 422, "Use a kind of card, and an action of that kind, that the specification lists."
    INVALID_AUDIENCE = 1080, 422, "Combine tags with AND, OR, NOT and parentheses, or use * for everyone."
    INVALID_TAG = 1081, 422, "Use letters, digits and . _ : - in a tag, at most 64, beginning with a letter or digit."
    INVALID_QUERY = 1070, 422, "Use words, quoted phrases, beginnings* and -exclusions; name at least one word to find."

    # 2xxx identity
    CREDENTIALS_MISSING = 2001, 401, "Send a token, or an API key and secret."
    TOKEN_GARBLED = 2002, 401, "Mint the token again; this is not a token of ours."
    TOKEN_EXPIRED = 2003, 401, "Mint a fresh token."
    TOKEN_NOT_YET_VALID = 2004, 401, "Set the issuing server's clock right."
    TOKEN_REVOKED = 2005, 401, "Sign in again."
    UNKNOWN_KEY = 2006, 401, "Use a key that belongs to this server."
    BAD_SIGNATURE = 2007, 401, "Sign with the secret of the key named by iss."
    GRANT_MISSING = 2008, 403, "Mint a token with the grant for this."
    DEVICE_REVOKED = 2009, 401, "Sign in again on this device."
    SESSION_SUPERSEDED = 2010, 409, "A newer connection of this device took over; use that one."
    SECRET_WRONG = 2011, 401, "Check the API secret."
    KEY_REVOKED = 2012, 401, "Use the key that replaced it."
    SCOPE_MISSING = 2013, 403, "Use a key with the named scope."
    APP_DISABLED = 2014, 403, "Ask the operator: this app is disabled until further notice."

    LINK_INVALID = 2040, 403, "Ask for a new link; this one was altered or is not ours."
    LINK_EXPIRED = 2041, 403, "Ask for a new link."

    # 3xxx refused
    FORBIDDEN = 3001, 403, "Ask someone whose role allows it."
    NOT_FOUND = 3002, 404, "Check the id."
    NOT_MEMBER = 3003, 403, "Join the conversation first."
    MUTED = 3004, 403, "Wait until the mute ends."
    BLOCKED = 3005, 403, "The other side does not accept messages from this party."
    ALREADY_EXISTS = 3006, 409, "Choose another id."
    ID_CONFLICT = 3007, 409, "This id was used for other content; use a new id for new content."
    OUT_OF_ORDER = 3008, 409, "Send the predecessor first."
    EXPIRED_ID = 3009, 409, "This id is older than the server remembers; it will never be applied."
    DISMISSED = 3010, 410, "The conversation has ended."
    TOO_LATE = 3011, 409, "The time window for this change has passed."
    LIMIT_EXCEEDED = 3012, 409, "Stay within the documented limit."
    GUEST_FORBIDDEN = 3013, 403, "Guests may not do this."
    OWNER_MUST_TRANSFER = 3014, 409, "Transfer ownership or dismiss the group first."
    TARGET_UNAVAILABLE = 3015, 409, "The message this refers to is recalled, expired or of another kind."
    ERASED = 3016, 410, "The content was erased."
    HOOK_REJECTED = 3017, 403, "The app's own rules refuse this message; the detail says why."
    ADDRESS_FORBIDDEN = 3018, 403, "Use a public address, or have the operator allow this one."

    OFFSET_MISMATCH = 3040, 409, "Ask for the offset with HEAD and go on from there."
    UPLOAD_GONE = 3041, 410, "Start a new upload."
    SCAN_REFUSED = 3042, 422, "The scanner of this deployment refused the content; it was not kept."
    RANGE_UNSATISFIABLE = 3043, 416, "Ask for a range within the size of the file."
    NOT_INSTALLED = 3044, 501, "The operator must install or enable what the detail names."
    CARD_CLOSED = 3060, 409, "The card takes no more actions; show its final state."
    NOTHING_LEFT = 3061, 409, "Every share was claimed; show who got one."
    NOT_YOUR_TURN = 3062, 409, "Wait until the approvers before this one have decided."
    # 3050-3059 and 4050-4059 belong to rooms.
    ROOM_FULL = 3050, 409, "Try again when members have left."
    BANNED = 3051, 403, "Wait until the ban ends."
    JOIN_REFUSED = 3052, 403, "Ask to be put on the allow-list, or for a token with a grant for this room."
    SLOW_MODE = 3053, 429, "Wait for the given time before the next message."
    VERSION_CONFLICT = 3054, 409, "Read the present value and version, decide again, and set it with that version."
    APPROVAL_NEEDED = 3055, 403, "Wait until you are admitted, then join again."
    ELIMINATED = 3056, 403, "Show the quiz without answering; where its rules allow a revival, ask for one."
    ALREADY_ANSWERED = 3057, 409, "Show the answer that was given first."
    NO_REVIVAL = 3058, 409, "Show the quiz without answering."
    FEATURE_DISABLED = 3070, 403, "The operator has to enable this in the configuration."

    EVENTS_GONE = 3071, 410, "Go on from where the detail says, and read what lies before from the history."

    # 4xxx later: definitely not applied
    BUSY = 4001, 503, "Retry with the same id after the given time."
    RATE_LIMITED = 4002, 429, "Slow down; retry after the given time."
    DISK_FULL = 4003, 507, "The operator must free disk space; retry later."
    TOO_MANY_IN_FLIGHT = 4004, 429, "Wait for replies before sending more."
    DRAINING = 4005, 503, "The server is going away; reconnect after the given time."
    HEARTBEAT_TIMEOUT = 4006, 408, "Reconnect."
    SLOW_CONSUMER = 4007, 503, "Reconnect and sync."
    HELLO_TIMEOUT = 4008, 408, "Reconnect and send hello at once."
    BACKUP_RUNNING = 4010, 409, "Wait until the backup under way is done; backup.get tells."
    HOOK_UNAVAILABLE = 4009, 503, "The app that must approve messages does not answer; retry with the same id."

    UPLOAD_BUSY = 4040, 423, "Another connection is sending this upload; retry after the given time."
    SCAN_UNAVAILABLE = 4041, 503, "The scanner did not answer; retry after the given time."

    ROOM_OVERLOADED = 4050, 503, "The room takes no more of these now; retry with the same id after the given time."

    # 5xxx unknown outcome
    INTERNAL = 5001, 500, "Retry with the same id; report the request id if it persists."
    STORE_FAILED = 5002, 503, "The store stopped to protect its data; the operator must look."
    TIMED_OUT = 5003, 504, "Retry with the same id."

    @property
    def slug(self) -> str:
        """Lower-case name, used in problem ``type`` URIs and logs."""
        return self.name.lower()

    @property
    def retry(self) -> Retry:
        """What the range allows the caller to do."""
        return _RETRY[self.number // 1000]

    @property
    def applied(self) -> bool | None:
        """False when certainly not applied, None when unknown."""
        return None if self.number >= 5000 else False

    @property
    def close_code(self) -> int:
        """WebSocket close code (RFC 6455 section 7.4.2, private range)."""
        return 4000 + self.number // 1000 * 100 + self.number % 100


_RETRY = {1: Retry.NEVER, 2: Retry.NEW_TOKEN, 3: Retry.NEVER, 4: Retry.LATER, 5: Retry.SAME_ID}


class TrunklineError(Exception):
    """An error with a stable code; the only exception that crosses a service boundary.

    Args:
        code: what went wrong.
        detail: one sentence naming what was wrong in this case; never contains a secret.
        retry_ms: how long to wait before a retry, where the range allows one.
        field: the offending request field, where there is one.
    """

    __slots__ = ("code", "detail", "field", "retry_ms")

    def __init__(self, code: Code, detail: str = "", *, retry_ms: int = 0, field: str = "") -> None:
        super().__init__(f"{code.slug}: {detail or code.advice}")
        self.code = code
        self.detail = detail or code.advice
        self.retry_ms = retry_ms
        self.field = field
