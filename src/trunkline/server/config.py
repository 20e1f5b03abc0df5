"""Configuration: one TOML file, environment on top, every option documented where it is declared.

``TRUNKLINE_SECTION__OPTION=value`` overrides ``[section] option``. ``trunkline serve --check`` validates without
starting; ``docs/reference/configuration.md`` is generated from the docstrings here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Size = Annotated[int, Meta(ge=1024)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
RateValue = Annotated[float, Meta(ge=0)]
PREFIX = "TRUNKLINE_"


class ConfigError(Exception):
    """The configuration cannot be used; the message names the option."""


class ServerSection(msgspec.Struct, forbid_unknown_fields=True):
    """Where the server listens.

    Attributes:
        host: address to bind; ``0.0.0.0`` for all of IPv4, ``::`` for IPv6.
        port: the one HTTP port for REST, link, metrics and documentation; 0 picks a free one.
        public_url: the address clients use, when it differs (behind a proxy).
        trusted_proxies: addresses or networks whose X-Forwarded-* headers are believed.
        cors_origins: origins of pages that may call REST; ``*`` for any. Read again on SIGHUP.
        drain_s: how long a graceful shutdown gives clients to go elsewhere.
        backlog: connections the kernel queues for us.
        log_level: debug, info, warning or error.
        loop: ``uvloop`` or ``asyncio``.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    public_url: str = ""
    trusted_proxies: list[str] = msgspec.field(default_factory=list)
    cors_origins: list[str] = msgspec.field(default_factory=list)
    drain_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    backlog: Count = 4096
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    loop: Literal["uvloop", "asyncio"] = "uvloop"


class TlsSection(msgspec.Struct, forbid_unknown_fields=True):
    """TLS on the port.

    Attributes:
        certificate: PEM file with the chain; empty serves plain HTTP (put a proxy in front).
        key: PEM file with the private key. Both are read again on SIGHUP.
    """

    certificate: str = ""
    key: str = ""


class StoreSection(msgspec.Struct, forbid_unknown_fields=True):
    """Where data lives.

    Attributes:
        directory: the data directory; one server at a time.
        master_key_file: file with the master key that API secrets derive from; made at first start, mode 0600.
            Empty: ``master.key`` beside (not inside) the data directory. The environment variable
            TRUNKLINE_MASTER_KEY wins.
        fsync: wait for the disk before acknowledging. Off only to see tests fail.
        segment_bytes: size of a journal segment.
        cache: conversations kept in memory when idle.
        project_every_s: longest wait of the projections for more to project at once.
        keep_journal_bytes: projected journal kept for backups and replays.
        backup_directory: where a running server puts backups. Empty: the directory that holds the data directory.
    """

    directory: str = "data"
    master_key_file: str = ""
    fsync: bool = True
    segment_bytes: Size = 67_108_864
    cache: Count = 100_000
    project_every_s: Seconds = 1.0
    keep_journal_bytes: Annotated[int, Meta(ge=0)] = 134_217_728
    backup_directory: str = ""


class LimitsSection(msgspec.Struct, forbid_unknown_fields=True):
    """Bounds; read again on SIGHUP.

    Attributes:
        link_rate: requests per second of one connection (0 = unlimited).
        link_burst: requests at once of one connection.
        window: requests in flight per connection.
        max_frame_bytes: largest link frame.
        heartbeat_s: silence after which the server pings; twice as long closes.
        key_rate: REST requests per second of one API key (0 = unlimited).
        key_burst: REST requests at once of one API key.
        party_rate: REST requests per second of one party (0 = unlimited).
        party_burst: REST requests at once of one party.
        edit_window_s: how long a message may be edited by its sender (0 = for ever).
        recall_window_s: how long a message may be recalled by its sender (0 = for ever).
    """

    link_rate: RateValue = 200
    link_burst: Count = 1000
    window: Count = 128
    max_frame_bytes: Size = 262_144
    heartbeat_s: Seconds = 30.0
    key_rate: RateValue = 1000
    key_burst: Count = 2000
    party_rate: RateValue = 20
    party_burst: Count = 100
    edit_window_s: Annotated[int, Meta(ge=0)] = 86_400
    recall_window_s: Annotated[int, Meta(ge=0)] = 86_400


class RoomsSection(msgspec.Struct, forbid_unknown_fields=True):
    """Live rooms; read again on SIGHUP, for rooms that somebody comes into from then on.

    Attributes:
        tick_ms: least time between two batches of a room.
        grace_s: how long a member whose connection broke keeps its place.
        capacity: most members of one room.
        bytes_per_s: what one member of one room is sent at most, beyond which samples are taken.
        rooms_per_connection: rooms one connection is in at once.
    """

    tick_ms: Annotated[int, Meta(ge=5, le=1000)] = 50
    grace_s: Seconds = 10.0
    capacity: Count = 100_000
    bytes_per_s: Annotated[int, Meta(ge=1024)] = 1_048_576
    rooms_per_connection: Count = 20


class CardsSection(msgspec.Struct, forbid_unknown_fields=True):
    """Interactive cards; read again on SIGHUP.

    Attributes:
        red_packets: who makes red packets: ``everyone`` (the app settles by the events), or only the app's
            ``servers``.
    """

    red_packets: Literal["everyone", "servers"] = "everyone"


class LiveSection(msgspec.Struct, forbid_unknown_fields=True):
    """Live sessions: audio, video and data, by LiveKit's client SDKs.

    Attributes:
        enabled: serve live sessions.
        engine: ``embedded``, or ``livekit``: sessions are on an external LiveKit cluster, and everything below but
            ``url``, ``key`` and ``secret_file`` is for the embedded engine.
        url: of the cluster, as clients connect to it: ``wss://...``.
        key: API key on the cluster.
        secret_file: file with the key's secret.
        udp_port: the one UDP port of all media; 0 takes the number of the HTTP port.
        addresses: literal addresses at which clients reach that port, as behind NAT. Empty: those of this machine.
        advertised_port: the UDP port that clients are told, as behind NAT; 0 for ``udp_port``.
        tcp: also take media over TCP, on the HTTP port, for networks that let no UDP through.
        advertised_tcp_port: the TCP port that clients are told, as behind NAT; 0 for the HTTP port.
        turn_urls: relays that clients may use, as ``turn:relay.example.com:3478?transport=udp`` or
            ``turns:relay.example.com:5349?transport=tcp``; a coturn with ``use-auth-secret``.
        turn_secret_file: file with the secret shared with the relays (coturn's ``static-auth-secret``).
        turn_lifetime_s: how long credentials for the relays are valid.
        redundancy: most earlier audio frames that a packet to a lossy subscriber repeats; 0 forwards the redundancy
            that publishers send.
        recovery: on paths that lose packets, repeat reports, answers and the video that other frames depend on, and
            report losses to publishers as congestion only when there is a queue.
        webhooks: where LiveKit's webhooks go, each as ``KEY URL``: the key signs them, and its app's events are sent.
            ``[webhooks]`` says which addresses may be called.
    """

    enabled: bool = True
    engine: Literal["embedded", "livekit"] = "embedded"
    url: str = ""
    key: str = ""
    secret_file: str = ""
    udp_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    addresses: list[str] = msgspec.field(default_factory=list)
    advertised_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    tcp: bool = True
    advertised_tcp_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    turn_urls: list[str] = msgspec.field(default_factory=list)
    turn_secret_file: str = ""
    turn_lifetime_s: Annotated[int, Meta(ge=60, le=604_800)] = 86_400
    redundancy: Annotated[int, Meta(ge=0, le=12)] = 12
    recovery: bool = True
    webhooks: list[str] = msgspec.field(default_factory=list)


class SearchSection(msgspec.Struct, forbid_unknown_fields=True):
    """Full-text search.

    Attributes:
        enabled: keep an index of messages (``search.db``, some 140 bytes each) and offer ``message.search``. An index
            that is switched on later reads what exists; it may be deleted while the server is down.
        index_every_s: how often to look for new messages.
        keep_journal_bytes: journal kept for what is not indexed yet, on top of what ``[store]`` keeps. An index that is
            further behind is built from the messages in ``index.db``, which takes longer.
    """

    enabled: bool = False
    index_every_s: Seconds = 0.5
    keep_journal_bytes: Annotated[int, Meta(ge=0)] = 4_294_967_296


class WebhooksSection(msgspec.Struct, forbid_unknown_fields=True):
    """Events sent to the apps' own servers.

    Attributes:
        allow_networks: private networks that webhooks may call, such as ``10.1.0.0/16``; others are refused, so that
            an app cannot reach what only the server can.
        allow_http: accept URLs without TLS.
        ca_file: PEM file with further certificate authorities.
        timeout_s: of one attempt.
        in_flight: attempts of one webhook at a time; those of one conversation follow one another.
        first_retry_s: pause after a first failure; it doubles with every further one.
        longest_retry_s: longest pause.
        disable_after_s: how long nothing may succeed before a webhook is disabled.
        per_app: webhooks of one app.
        hooks_per_app: of those, how many may be asked before a message is accepted.
        keep_journal_bytes: journal kept for webhooks that are behind, on top of what ``[store]`` keeps. What is
            further behind is skipped and counted.
    """

    allow_networks: list[str] = msgspec.field(default_factory=list)
    allow_http: bool = False
    ca_file: str = ""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    in_flight: Annotated[int, Meta(ge=1, le=256)] = 16
    first_retry_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    longest_retry_s: Seconds = 3600.0
    disable_after_s: Annotated[float, Meta(gt=0, le=2_592_000)] = 432_000.0
    per_app: Count = 20
    hooks_per_app: Count = 3
    keep_journal_bytes: Annotated[int, Meta(ge=0)] = 4_294_967_296


class FilesSection(msgspec.Struct, forbid_unknown_fields=True):
    """Uploads, their inspection, and who keeps the bytes.

    Attributes:
        enabled: take uploads and hand out files.
        directory: where unfinished uploads and, with ``store = "directory"``, finished files are. Empty: ``files`` in
            the data directory.
        store: ``directory``, or ``s3`` for an S3-compatible object store; unfinished uploads are on this disk either
            way.
        s3_bucket: the bucket; it has to exist.
        s3_prefix: put before every key.
        s3_endpoint: address of the service; empty is that of AWS.
        s3_region: of the bucket.
        s3_access_key_id: with the secret; both empty takes them from the environment, as AWS tools do.
        s3_secret_access_key: better given as TRUNKLINE_FILES__S3_SECRET_ACCESS_KEY than in the file.
        max_size_bytes: of one file.
        types: accepted media types, found by content: names such as ``application/pdf`` and patterns such as
            ``image/*``.
        quota_party_bytes: of everything a party keeps (0 = no quota).
        quota_app_bytes: of everything an app keeps (0 = no quota).
        min_free_bytes: space that uploads leave on the disk.
        max_uploads: unfinished uploads at a time.
        max_uploads_per_party: unfinished uploads of one client party at a time.
        max_transfers: uploads that send at the same moment; each takes one to two megabytes of memory.
        upload_expires_s: how long an upload may take before it is forgotten.
        transfer_idle_s: silence after which a transfer is ended; what arrived counts.
        unused_s: how long a file stays that no message ever named.
        detached_s: how long a file stays after the last message that named it was recalled, expired or erased.
        retention_s: how long any file stays (0 = for ever).
        collect_every_s: how often to look for what may go.
        link_ttl_s: longest life of a link to a file.
        inspect_at_once: contents looked at together, each in a process of its own.
        max_pixels: of a picture or a frame.
        thumbnail_px: longest side of thumbnails and posters.
        scan_command: program and arguments that judge a content, comma-separated in the environment; ``{path}``,
            ``{sha256}`` and ``{mime}`` are replaced. Exit code 0 accepts, 1 refuses. Empty: no scanner.
        scan_timeout_s: how long a verdict may take.
        scan_fail_open: accept contents on which there is no verdict.
    """

    enabled: bool = True
    directory: str = ""
    store: Literal["directory", "s3"] = "directory"
    s3_bucket: str = ""
    s3_prefix: str = ""
    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    s3_access_key_id: str = ""
    s3_secret_access_key: str = ""
    max_size_bytes: Count = 104_857_600
    types: list[str] = msgspec.field(default_factory=lambda: ["*/*"])
    quota_party_bytes: Annotated[int, Meta(ge=0)] = 0
    quota_app_bytes: Annotated[int, Meta(ge=0)] = 0
    min_free_bytes: Annotated[int, Meta(ge=0)] = 268_435_456
    max_uploads: Count = 1000
    max_uploads_per_party: Count = 16
    max_transfers: Count = 64
    upload_expires_s: Annotated[int, Meta(ge=1)] = 86_400
    transfer_idle_s: Seconds = 60.0
    unused_s: Annotated[int, Meta(ge=1)] = 604_800
    detached_s: Annotated[int, Meta(ge=1)] = 604_800
    retention_s: Annotated[int, Meta(ge=0)] = 0
    collect_every_s: Seconds = 60.0
    link_ttl_s: Annotated[int, Meta(ge=1, le=604_800)] = 3600
    inspect_at_once: Count = 2
    max_pixels: Count = 50_000_000
    thumbnail_px: Annotated[int, Meta(ge=16, le=2048)] = 320
    scan_command: list[str] = msgspec.field(default_factory=list)
    scan_timeout_s: Seconds = 30.0
    scan_fail_open: bool = False


class MetricsSection(msgspec.Struct, forbid_unknown_fields=True):
    """Metrics and documentation.

    Attributes:
        open: serve /metrics to anyone; otherwise to loopback and to the admin token.
        docs: serve /docs, /errors, /v1/openapi.json and the pages of ``[web]``.
    """

    open: bool = False
    docs: bool = True


class WebSection(msgspec.Struct, forbid_unknown_fields=True):
    """Pages that ``make web`` built.

    Attributes:
        directories: folders whose files are served below ``/``, read once at the start; of two files with the same
            path, the one of the later folder. ``web/dist/docs`` of a checkout is the documentation at ``/docs``.
    """

    directories: list[str] = msgspec.field(default_factory=list)


class Config(msgspec.Struct, forbid_unknown_fields=True):
    """The whole configuration."""

    server: ServerSection = msgspec.field(default_factory=ServerSection)
    tls: TlsSection = msgspec.field(default_factory=TlsSection)
    store: StoreSection = msgspec.field(default_factory=StoreSection)
    limits: LimitsSection = msgspec.field(default_factory=LimitsSection)
    rooms: RoomsSection = msgspec.field(default_factory=RoomsSection)
    cards: CardsSection = msgspec.field(default_factory=CardsSection)
    live: LiveSection = msgspec.field(default_factory=LiveSection)
    search: SearchSection = msgspec.field(default_factory=SearchSection)
    webhooks: WebhooksSection = msgspec.field(default_factory=WebhooksSection)
    files: FilesSection = msgspec.field(default_factory=FilesSection)
    metrics: MetricsSection = msgspec.field(default_factory=MetricsSection)
    web: WebSection = msgspec.field(default_factory=WebSection)

    @property
    def directory(self) -> Path:
        """The data directory."""
        return Path(self.store.directory)

    @property
    def files_path(self) -> Path:
        """Where uploads and, unless they are in an object store, files are kept."""
        return Path(self.files.directory) if self.files.directory else self.directory / "files"

    @property
    def backup_path(self) -> Path:
        """Where a running server puts backups."""
        return Path(self.store.backup_directory or self.directory.absolute().parent)

    @property
    def admin_token_path(self) -> Path:
        """Where the operator's token is kept: beside the data directory, wherever the master key is."""
        directory = self.directory.absolute()
        return directory.parent / f"{directory.name}.admin.token"

    @property
    def master_key_path(self) -> Path:
        """Where the master key is kept."""
        if self.store.master_key_file:
            return Path(self.store.master_key_file)
        directory = self.directory.absolute()
        return directory.parent / f"{directory.name}.master.key"


def load_config(path: Path | None, environment: Mapping[str, str] | None = None) -> Config:
    """Read a TOML file (or none) and the environment on top of it.

    Raises:
        ConfigError: unreadable, not TOML, an unknown option, or a value out of range.
    """
    environment = os.environ if environment is None else environment
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
    _overlay(raw, environment)
    try:
        config = msgspec.convert(raw, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"configuration: {error}") from error
    _check(config)
    return config


def _check(config: Config) -> None:
    """What the types cannot say."""
    if bool(config.tls.certificate) != bool(config.tls.key):
        raise ConfigError("configuration: [tls] needs both certificate and key")
    if config.files.store == "s3" and not config.files.s3_bucket:
        raise ConfigError('configuration: [files] store = "s3" needs s3_bucket')
    for text in config.server.trusted_proxies:
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(
                f"configuration: [server] trusted_proxies: {text!r} is neither an address nor a network"
            ) from None
    _check_live(config.live)
    for text in config.webhooks.allow_networks:
        try:
            ip_network(text)
        except ValueError as error:
            raise ConfigError(f"configuration: [webhooks] allow_networks: {error}") from None
    if config.webhooks.ca_file and not Path(config.webhooks.ca_file).is_file():
        raise ConfigError(f"configuration: [webhooks] ca_file: there is no file {config.webhooks.ca_file}")
    for folder in config.web.directories:
        if not Path(folder).is_dir():
            raise ConfigError(f"configuration: [web] directories: there is no folder {folder}")


def _check_live(live: LiveSection) -> None:
    """Refuse what the types of ``[live]`` cannot say."""
    if live.engine == "livekit":
        if not live.url.startswith(("ws://", "wss://")) or not live.key:
            raise ConfigError('configuration: [live] engine = "livekit" needs url (wss://...) and key')
        if not Path(live.secret_file).is_file():
            raise ConfigError(f"configuration: [live] secret_file: there is no file {live.secret_file!r}")
    for url in live.turn_urls:
        if not url.startswith(("turn:", "turns:")):
            raise ConfigError(f"configuration: [live] turn_urls: {url!r} does not begin with turn: or turns:")
    if live.turn_urls and not Path(live.turn_secret_file).is_file():
        raise ConfigError(f"configuration: [live] turn_secret_file: there is no file {live.turn_secret_file!r}")
    for text in live.webhooks:
        key, _, url = text.strip().partition(" ")
        if not key or not url.strip().startswith(("https://", "http://")):
            raise ConfigError(f"configuration: [live] webhooks: {text!r} is not of the form 'KEY https://...'")


def _overlay(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Put TRUNKLINE_SECTION__OPTION values over what the file said; lists are comma-separated."""
    for name, value in environment.items():
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        section, _, option = name.removeprefix(PREFIX).lower().partition("__")
        kind = next((f.type for f in msgspec.structs.fields(Config) if f.name == section), None)
        if kind is None:
            raise ConfigError(f"{name}: there is no section [{section}]")
        field = next((f for f in msgspec.structs.fields(kind) if f.name == option), None)
        if field is None:
            raise ConfigError(f"{name}: there is no option {option} in [{section}]")
        wants_list = field.type == list[str]
        target = raw.setdefault(section, {})
        if not isinstance(target, dict):
            raise ConfigError(f"[{section}] must be a table")
        target[option] = [part.strip() for part in value.split(",") if part.strip()] if wants_list else value
