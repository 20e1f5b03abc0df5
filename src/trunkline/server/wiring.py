"""The composition root: the only place that names concrete adapters and connects everything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.base.secret import Secret
from trunkline.crypto.draws import CardSecrets
from trunkline.crypto.keys import SecretDeriver
from trunkline.crypto.webhooks import show_secret
from trunkline.domain.communities.structure import CHANNEL
from trunkline.domain.limits import Rate
from trunkline.domain.log.records import Entry
from trunkline.domain.webhooks.addresses import AddressPolicy
from trunkline.domain.webhooks.backoff import RetryPolicy
from trunkline.edges.http import AllowedOrigins, HttpConfig, HttpDeps, RequestRates, ShownSecrets
from trunkline.edges.http.site import Site
from trunkline.edges.link.deps import LinkDeps, LinkLimits
from trunkline.edges.link.front import NativeFront
from trunkline.edges.webhooks import HttpCourier
from trunkline.server.backups.operations import Backups
from trunkline.server.backups.operations import operations as backup_operations
from trunkline.server.clock import SystemClock, SystemRandomness
from trunkline.server.config import Config, LimitsSection, RoomsSection
from trunkline.server.files import FileSystem, open_files
from trunkline.server.metrics import Metrics
from trunkline.server.store import Store
from trunkline.services.apps.authentication import Authentication, CallerAuthenticator
from trunkline.services.apps.directory import AppDirectory
from trunkline.services.apps.keys import Keys
from trunkline.services.apps.operations import operations as app_operations
from trunkline.services.broadcasts.operations import operations as broadcast_operations
from trunkline.services.broadcasts.system import BroadcastSystem, build_broadcasts
from trunkline.services.cards.acting import Acting
from trunkline.services.cards.deadlines import Deadlines
from trunkline.services.cards.operations import operations as card_operations
from trunkline.services.cards.people import CardSender
from trunkline.services.cards.reading import CardReader
from trunkline.services.cards.states import CardStates
from trunkline.services.catalogue import catalogue
from trunkline.services.communities.communities import Communities
from trunkline.services.communities.members import ChannelMembers
from trunkline.services.communities.operations import operations as community_operations
from trunkline.services.devices.book import DeviceBook
from trunkline.services.devices.operations import operations as device_operations
from trunkline.services.files.operations import operations as file_operations
from trunkline.services.groups.groups import Groups
from trunkline.services.groups.members import Membership
from trunkline.services.groups.operations import operations as group_operations
from trunkline.services.inbox.conversations import Inbox
from trunkline.services.inbox.cursors import Cursors
from trunkline.services.inbox.operations import operations as inbox_operations
from trunkline.services.inbox.sync import Syncer
from trunkline.services.live.operations import operations as live_operations
from trunkline.services.live.standings import Standings
from trunkline.services.log.answers import Answers
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.messages.changes import Changes, Windows
from trunkline.services.messages.forward import Forwarder
from trunkline.services.messages.history import Reader
from trunkline.services.messages.operations import operations as message_operations
from trunkline.services.messages.send import Sender
from trunkline.services.operation import Operation
from trunkline.services.parties.blocks import BlockBook
from trunkline.services.parties.operations import operations as party_operations
from trunkline.services.parties.profiles import ProfileBook
from trunkline.services.privacy import Eraser, Exporter
from trunkline.services.privacy.operations import operations as privacy_operations
from trunkline.services.quizzes.operations import operations as quiz_operations
from trunkline.services.quizzes.system import QuizSystem, build_quizzes
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.operations import operations as room_operations
from trunkline.services.rooms.people import PeopleOfRooms
from trunkline.services.rooms.system import RoomSystem, build_rooms
from trunkline.services.search import Searcher
from trunkline.services.search.operations import operations as search_operations
from trunkline.services.sessions.delivery import Delivery
from trunkline.services.sessions.hub import Hub
from trunkline.services.sessions.presence import PresenceBook
from trunkline.services.sessions.presence import operations as presence_operations
from trunkline.services.sessions.virtual_cursors import VirtualCursors
from trunkline.services.threads.operations import operations as thread_operations
from trunkline.services.threads.threads import Threads
from trunkline.services.webhooks.subscriptions import WebhookLimits
from trunkline.services.webhooks.system import WebhookSettings, WebhookSystem, build_webhooks
from trunkline.store.journal.tail import SegmentTail
from trunkline.store.sqlite.broadcasts import SqliteBroadcasts
from trunkline.store.sqlite.communities import SqliteCommunities
from trunkline.store.sqlite.gifts import SqliteGifts
from trunkline.store.sqlite.quizzes import SqliteQuizzes
from trunkline.store.sqlite.threads import SqliteThreads
from trunkline.store.sqlite.webhooks import SqliteWebhookTables

if TYPE_CHECKING:
    from trunkline.server.live import LiveMedia
    from trunkline.server.live_cluster import ClusterMedia


@dataclass(slots=True)
class System:
    """Everything, connected."""

    engine: Engine
    hub: Hub
    keys: Keys
    changes: Changes
    cards: Acting
    deadlines: Deadlines
    delivery: Delivery
    metrics: Metrics
    link: LinkDeps
    http: HttpDeps
    rates: RequestRates
    backups: Backups
    rooms: RoomSystem
    quizzes: QuizSystem
    live: LiveMedia | ClusterMedia | None
    broadcasts: BroadcastSystem
    webhooks: WebhookSystem
    files: FileSystem | None = None
    native: NativeFront | None = None
    """Set by ``Server``, because it belongs to the listening socket."""


def link_limits(limits: LimitsSection) -> LinkLimits:
    """The link's bounds from the configuration."""
    return LinkLimits(
        window=limits.window,
        max_frame_bytes=limits.max_frame_bytes,
        heartbeat_s=limits.heartbeat_s,
        rate=Rate(limits.link_rate, limits.link_burst),
    )


def windows(limits: LimitsSection) -> Windows:
    """How long messages may be changed, from the configuration."""
    return Windows(limits.edit_window_s * 1000, limits.recall_window_s * 1000)


def room_limits(rooms: RoomsSection) -> RoomLimits:
    """The bounds of rooms from the configuration."""
    return RoomLimits(
        tick_ms=rooms.tick_ms,
        grace_ms=int(rooms.grace_s * 1000),
        capacity=rooms.capacity,
        bytes_per_s=rooms.bytes_per_s,
        rooms_per_connection=rooms.rooms_per_connection,
    )


async def build(
    config: Config,
    store: Store,
    master_key: Secret,
    admin_token: Secret,
    readiness: Callable[[], list[tuple[str, bool, str]]],
    version: str,
) -> System:
    """Connect an open store, the services and the edges."""
    loop = asyncio.get_running_loop()
    randomness = SystemRandomness()
    engine = _engine(config, store, loop)
    hub = Hub(loop.call_soon)
    delivery = Delivery(hub, _reload_and_deliver(engine, loop, lambda e, r: delivery.deliver(e, r)))
    engine.on_record(delivery.on_record)

    directory = AppDirectory(engine)
    await directory.load(store.index.reader)
    secrets = SecretDeriver(master_key.reveal().encode())
    authentication = Authentication(engine, directory, secrets, admin_token)
    keys = Keys(engine, directory, secrets, hub, randomness)
    devices = DeviceBook(engine, hub)
    files = await open_files(config, store, engine, directory, randomness, master_key)
    sender = Sender(engine, files=files.access if files is not None else None)
    changes = Changes(engine, windows(config.limits))
    searcher = Searcher(engine, store.search)
    inbox = Inbox(engine, Reader(engine))
    presence = PresenceBook(engine, hub)
    rooms = build_rooms(engine, hub, delivery, loop, randomness, room_limits(config.rooms), random.random)
    quizzes = build_quizzes(rooms, SqliteQuizzes(store.index.reader))
    cards = _cards(engine, rooms, master_key, config)
    broadcasts = await build_broadcasts(engine, SqliteBroadcasts(store.index.reader), hub, delivery, randomness)
    channels = await _channels(engine, store, hub, delivery)
    webhooks = await _webhooks(engine, hub, store, secrets, randomness, config, version)
    sender.ask_before(webhooks.asking)
    backups = Backups(store, config.backup_path, version)
    live = _live(config, engine, authentication, secrets, Standings(engine, rooms.directory, channels), version)
    operations = catalogue(
        _conversing(engine, store, sender, changes, searcher, randomness),
        inbox_operations(inbox, Cursors(engine), Syncer(engine, inbox)),
        card_operations(cards, CardReader(engine, cards)),
        presence_operations(presence),
        room_operations(rooms, SqliteGifts(store.index.reader)),
        quiz_operations(quizzes.quizzes),
        live_operations(live.places) if live is not None else (),
        community_operations(Communities(engine, channels, hub, inbox)),
        broadcast_operations(broadcasts.broadcasts, broadcasts.tags),
        app_operations(keys),
        device_operations(devices),
        party_operations(ProfileBook(engine), BlockBook(engine, hub)),
        _privacy(engine, hub, store, broadcasts),
        backup_operations(backups),
        webhooks.operations,
        file_operations(files.calls if files is not None else None),
    )
    metrics = Metrics(engine, hub, delivery, store.journal, rooms.directory, webhooks, searcher)
    rates = _rates(config.limits)
    link = _link(engine, hub, operations, sender, randomness, authentication, devices, presence, config)
    http = _http(engine, operations, authentication, secrets, readiness, metrics, rates, config, version)
    return System(
        engine=engine,
        hub=hub,
        keys=keys,
        changes=changes,
        cards=cards,
        deadlines=Deadlines(engine, changes, cards),
        delivery=delivery,
        metrics=metrics,
        link=link,
        http=http,
        rates=rates,
        backups=backups,
        rooms=rooms,
        quizzes=quizzes,
        live=live,
        broadcasts=broadcasts,
        webhooks=webhooks,
        files=files,
    )


def _conversing(
    engine: Engine, store: Store, sender: Sender, changes: Changes, searcher: Searcher, randomness: SystemRandomness
) -> list[Operation]:
    """What is said in conversations, found again, answered in threads; and groups."""
    return [
        *message_operations(sender, Forwarder(engine, sender), changes, Reader(engine)),
        *search_operations(searcher),
        *thread_operations(Threads(engine, SqliteThreads(store.index.reader))),
        *group_operations(Groups(engine, randomness), Membership(engine)),
    ]


def _live(
    config: Config,
    engine: Engine,
    authentication: Authentication,
    secrets: SecretDeriver,
    standings: Standings,
    version: str,
) -> LiveMedia | ClusterMedia | None:
    # Loading media takes as long as everything else together: only where there are live sessions.
    if not config.live.enabled:
        return None
    if config.live.engine == "livekit":
        from trunkline.server.live_cluster import ClusterMedia

        return ClusterMedia(config.live, engine, standings)
    from trunkline.server.live import LiveMedia

    return LiveMedia(config, engine, authentication, secrets, _courier(config, version), standings, version)


def _courier(config: Config, version: str) -> HttpCourier:
    section = config.webhooks
    policy = AddressPolicy.of(section.allow_networks, section.allow_http)
    return HttpCourier(policy, section.ca_file, f"trunkline/{version}")


def _privacy(engine: Engine, hub: Hub, store: Store, broadcasts: BroadcastSystem) -> list[Operation]:
    """Export and erasure."""
    tags = SqliteBroadcasts(store.index.reader).tags
    answers = SqliteQuizzes(store.index.reader).answers_of
    return privacy_operations(Exporter(engine, tags, answers), Eraser(engine, hub, broadcasts.broadcasts.erase))


def _engine(config: Config, store: Store, loop: asyncio.AbstractEventLoop) -> Engine:
    index = store.index
    return Engine(index.reader, index.projector, store.writer, SystemClock(), loop, store.epoch, config.store.cache)


async def _channels(engine: Engine, store: Store, hub: Hub, delivery: Delivery) -> ChannelMembers:
    """Channels of communities, and what computed members share."""
    delivery.to_virtual_cursor = VirtualCursors(engine, hub).take
    communities = SqliteCommunities(store.index.reader)
    channels = ChannelMembers(engine, communities, hub, await communities.any_in())
    delivery.to_virtual[CHANNEL] = channels.take
    return channels


def _rates(limits: LimitsSection) -> RequestRates:
    return RequestRates(Rate(limits.key_rate, limits.key_burst), Rate(limits.party_rate, limits.party_burst))


def _link(
    engine: Engine,
    hub: Hub,
    operations: Mapping[str, Operation],
    sender: Sender,
    randomness: SystemRandomness,
    authentication: Authentication,
    devices: DeviceBook,
    presence: PresenceBook,
    config: Config,
) -> LinkDeps:
    return LinkDeps(
        engine=engine,
        hub=hub,
        operations=operations,
        sender=sender,
        randomness=randomness,
        authenticate=authentication.authenticate_client,
        recheck=authentication.recheck,
        note_device=devices.note_device,
        forget=presence.forget,
        limits=link_limits(config.limits),
    )


def _http(
    engine: Engine,
    operations: Mapping[str, Operation],
    authentication: Authentication,
    secrets: SecretDeriver,
    readiness: Callable[[], list[tuple[str, bool, str]]],
    metrics: Metrics,
    rates: RequestRates,
    config: Config,
    version: str,
) -> HttpDeps:
    return HttpDeps(
        operations=operations,
        gate=engine.commits,
        authenticator=CallerAuthenticator(authentication),
        answers=Answers(engine),
        clock=SystemClock(),
        randomness=SystemRandomness(),
        readiness=readiness,
        metrics=metrics.text,
        secrets=ShownSecrets(
            lambda key: secrets.secret_of(key).reveal(),
            lambda webhook, generation: show_secret(secrets.webhook_secret(webhook, generation)),
        ),
        observe=metrics.observe,
        rates=rates,
        origins=AllowedOrigins(tuple(config.server.cors_origins)),
        site=Site.load(Path(folder) for folder in config.web.directories),
        config=_http_config(config, version),
    )


def _cards(engine: Engine, rooms: RoomSystem, master_key: Secret, config: Config) -> Acting:
    secrets = CardSecrets(master_key.reveal().encode())
    acting = Acting(engine, CardSender(engine), CardStates(engine), secrets, config.cards.red_packets)
    acting.rooms = PeopleOfRooms(rooms.directory)
    return acting


async def _webhooks(
    engine: Engine,
    hub: Hub,
    store: Store,
    secrets: SecretDeriver,
    randomness: SystemRandomness,
    config: Config,
    version: str,
) -> WebhookSystem:
    section = config.webhooks
    policy = AddressPolicy.of(section.allow_networks, section.allow_http)
    return await build_webhooks(
        engine,
        hub,
        SegmentTail(store.journal),
        SqliteWebhookTables(store.index.reader),
        _courier(config, version),
        secrets,
        randomness,
        random.random,
        policy.check_url,
        WebhookSettings(
            RetryPolicy(section.first_retry_s, section.longest_retry_s, section.disable_after_s),
            section.timeout_s,
            section.in_flight,
            section.keep_journal_bytes,
            WebhookLimits(section.per_app, section.hooks_per_app),
        ),
    )


def _http_config(config: Config, version: str) -> HttpConfig:
    return HttpConfig(
        trusted_proxies=tuple(config.server.trusted_proxies),
        public_url=config.server.public_url,
        metrics_open=config.metrics.open,
        docs=config.metrics.docs,
        version=version,
    )


def _reload_and_deliver(
    engine: Engine, loop: asyncio.AbstractEventLoop, deliver: Callable[[Entry, ResidentConversation], None]
) -> Callable[[Entry, ResidentConversation], None]:
    """Load a conversation whose state was lost to a failed commit, then push what was durable."""

    async def run(entry: Entry, resident: ResidentConversation) -> None:
        deliver(entry, await engine.conversation(resident.app, resident.id))

    tasks: set[asyncio.Task[None]] = set()

    def start(entry: Entry, resident: ResidentConversation) -> None:
        task = loop.create_task(run(entry, resident), name="deliver-after-reload")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return start
