// The public surface as types: what an application, and every component of @trunkline/ui, may rely on.
// What lives here: interfaces. What does not: how any of it works (see the module named after each).
//
// Data keeps the names it has on the wire (`at_ms`, `reply_to`, `unread_mentions`); methods are camelCase.

import type {
  CardActed,
  CardState,
  Changed,
  ConversationView,
  EntryView,
  FileView,
  LiveJoined,
  MemberSettings,
  MessageSent,
  MessagesForwarded,
  Operations,
  Presence,
  Profile,
  Receipt,
  RoomAttribute,
  RoomSent,
  RoomStats,
  RoomView,
  SearchPage,
  ThreadMark,
} from "./generated/wire.js";
import type { TrunklineError } from "./errors.js";
import type { Codec } from "./protocol/frames.js";
import type { Store } from "./store/store.js";

// ---------------------------------------------------------------- observables

/** Ends a subscription. */
export type Unsubscribe = () => void;

/**
 * A value that changes. `get` answers the same object until it changes (fits React's `useSyncExternalStore`);
 * `subscribe` calls back after each change, at most once per turn of the event loop, never at once.
 */
export interface Observable<T> {
  get(): T;
  subscribe(listener: (value: T) => void): Unsubscribe;
}

// ---------------------------------------------------------------- client

/** A client token, or where to get a fresh one. */
export type TokenSource = string | (() => string | Promise<string>);

export interface ClientOptions {
  /** The server, such as `https://chat.example.com`; the page's own origin by default. */
  url?: string;
  token: TokenSource;
  /** Where this device keeps its outbox and history: `indexedDbStore("name")`, `memoryStore()`, `fileStore(path)` (Node). */
  store: Store;
  /** This device's id; by default that of the token, else one made with the store. */
  device?: string;
  /** The encoding of the link; JSON unless `msgpackCodec` of `@trunkline/core/msgpack` is given. */
  codec?: Codec;
  /** In Node 20: `WebSocket` of `@trunkline/core/node`; the global one by default. */
  WebSocket?: new (url: string, protocols: string) => WebSocket;
  options?: Partial<Tuning>;
}

/** Times and bounds. */
export interface Tuning {
  connect_timeout_ms: number;
  request_timeout_ms: number;
  /** How long a call keeps trying, reconnections included. */
  call_timeout_ms: number;
  max_outbox: number;
  /** Most messages of one conversation sent and unanswered. */
  lane_window: number;
  deliver_every_ms: number;
  auto_delivered: boolean;
  /** How many entries of a conversation new to this device are pulled at once; older ones come when asked for. */
  initial_history: number;
  sync_page: number;
  history_page: number;
  parallel_pulls: number;
  /** How long a draft rests before it is told to the server. */
  draft_after_ms: number;
}

export type ConnectionState = "offline" | "connecting" | "syncing" | "online" | "stopped";

export interface ClientState {
  state: ConnectionState;
  /** For people. */
  reason: string;
  /** When the next attempt begins (ms since 1970), 0 if none is planned. */
  retry_at_ms: number;
  close_code: number;
  /** Whether this tab holds the connection; the others use it through this one. */
  leader: boolean;
}

/** Names of the link's methods. */
export type Methods = Extract<keyof Operations, string>;
type SubjectOf<M> = M extends `${infer S}.${string}` ? S : never;
type VerbOf<M, S extends string> = M extends `${S}.${infer V}` ? V : never;

/** The calls of the link by subject and verb: `client.api.group.create({...})`. */
export type Api = {
  [S in SubjectOf<Methods>]: {
    [V in VerbOf<Methods, S>]: (params: Operations[`${S}.${V}` & Methods]["params"]) => Promise<Operations[`${S}.${V}` & Methods]["result"]>;
  };
};

export interface ClientEvents {
  /** Every entry applied on this device, in order, also change entries and placeholders. */
  entry: EntryView;
  /** A message of this device was accepted or refused. */
  sent: SendOutcome;
  /** The local picture was rebuilt; with `history_dropped` the server's logs began a new epoch. */
  resync: { reason: string; history_dropped: boolean };
  typing: { conversation: string; party: string; typing: boolean };
  presence: Presence;
  /** Somebody received or read further. */
  cursor: { conversation: string; party: string; delivered: number; read: number };
  /** A frame of the link, for panels that show what happens (only in the tab that holds the connection). */
  frame: LinkFrame;
  /** Something went wrong that nobody waits for; for logs. */
  warning: { message: string };
}

export interface LinkFrame {
  direction: "in" | "out";
  /** `request`, `reply`, `error`, `push`, `ping`, `pong`. */
  kind: string;
  /** Method of a request (and of its reply or error), event of a push. */
  name: string;
  id: number;
  body: unknown;
  size_bytes: number;
  at_ms: number;
}

export interface SendOutcome {
  outbox: string;
  n: number;
  conversation: string;
  /** 0: refused. */
  seq: number;
  error?: TrunklineError;
}

/** `user/bob` for a direct message, else a conversation's id. */
export type Address = string;

export interface ClientApi {
  readonly state: Observable<ClientState>;
  /** Who this is; empty before the very first connection (unless the token is a string). */
  readonly party: string;
  readonly device: string;
  /** Resolves when the local store is open: from then on what is on this device can be shown. */
  readonly opened: Promise<void>;
  /** Resolves when connected and caught up; rejects when stopped. */
  online(): Promise<void>;
  /** Try at once instead of waiting (also called on the browser's `online` event). */
  reconnect(): void;
  close(): Promise<void>;
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): Unsubscribe;

  // --- any method of the link; waits for a connection, repeats what is safe to repeat
  call<M extends Methods>(method: M, params: Operations[M]["params"]): Promise<Operations[M]["result"]>;
  /** A method this version does not know. */
  request(method: string, params: Record<string, unknown>): Promise<unknown>;
  readonly api: Api;

  // --- conversations
  readonly conversations: ConversationsApi;
  /** The id of the conversation an address means (computed; the conversation may not exist yet). */
  conversationOf(to: Address): string;

  // --- messages
  /** A window over one conversation's messages (or over the replies of a thread), kept up to date until `close`. */
  messages(conversation: Address, options?: WindowOptions): MessageWindow;
  send(to: Address, content: string | Record<string, unknown>, options?: SendOptions): SendHandle;
  /** A failed message once more, under a new id; the failed one goes. */
  resend(message: Message): SendHandle;
  /** Forget a failed message. */
  discard(message: Message): Promise<void>;
  edit(conversation: string, seq: number, content: string | Record<string, unknown>): Promise<Changed>;
  recall(conversation: string, seq: number): Promise<Changed>;
  /** Delete for me only, on all my devices. */
  hide(conversation: string, seqs: number[]): Promise<void>;
  react(conversation: string, seq: number, key: string, on?: boolean): Promise<Changed>;
  pin(conversation: string, seq: number, on?: boolean): Promise<Changed>;
  /** The pinned messages, from the server. */
  pins(conversation: string): Promise<Message[]>;
  forward(
    source: string,
    seqs: number[],
    to: Address,
    options?: { merged?: boolean; title?: string },
  ): Promise<MessagesForwarded>;
  receipt(conversation: string, seq: number, limit?: number): Promise<Receipt>;
  search(text: string, options?: Partial<Omit<Operations["message.search"]["params"], "text">>): Promise<SearchPage>;

  readonly threads: ThreadsApi;
  readonly cards: CardsApi;

  // --- people
  /** A party's profile, fetched when first asked for and kept; a name is always there (the party's own at first). */
  profile(party: string): Observable<Profile>;
  /** Whether a party is online; watched while subscribed to. */
  presence(party: string): Observable<Presence>;
  /** Who is typing in a conversation (others, not me); entries end by themselves. */
  typing(conversation: string): Observable<readonly string[]>;
  /** Tell that I type (call at every key; told at most every few seconds) or stopped. */
  setTyping(conversation: string, on?: boolean): void;
  /** Whom I block. */
  readonly blocked: Observable<readonly string[]>;

  // --- live
  readonly rooms: { join(conversation: string, options?: { wait_ms?: number }): Promise<RoomApi> };
  /** A place in a conversation's live session, for livekit-client: `room.connect(url, token)`. */
  readonly live: { join(conversation: string): Promise<LiveJoined> };

  // --- files
  /** Upload (resumed after breaks, reloads included, for the same file); then send `{file: view.file}`. */
  upload(file: Blob, options?: UploadOptions): Upload;
  /** An address for `<img src>`, valid for some minutes; kept and renewed. `variant`: content, thumbnail, poster. */
  fileUrl(file: string, variant?: "content" | "thumbnail" | "poster"): Promise<string>;
}

// ---------------------------------------------------------------- conversations

/** A conversation as a list shows it: the server's view with every default filled in. */
export interface Conversation extends Required<Omit<ConversationView, "last" | "settings" | "hidden_up_to" | "hidden_seqs">> {
  /** The newest message; `content` null when it was taken back. */
  last: EntryView | null;
  settings: Required<MemberSettings>;
  /** Messages of mine that are not accepted yet, and those that failed. */
  pending: number;
  failed: number;
  /** The text on the composer of this device, else `settings.draft` of another. */
  draft: string;
  /** Alerts are off: muted, or do not disturb until a time in the future. */
  silent: boolean;
}

/** Pinned first, then the most recently active; hidden ones left out. */
export interface ConversationsApi extends Observable<readonly Conversation[]> {
  /** One conversation, also a hidden one; undefined while it is not known here. */
  one(conversation: Address): Observable<Conversation | undefined>;
  /** Unread messages over the conversations that are not muted. */
  readonly unread: Observable<number>;
  /** Read up to `seq` (by default everything here); counts change at once, the server is told when there is one. */
  markRead(conversation: string, seq?: number): void;
  /** My own settings, on all my devices. */
  configure(conversation: string, settings: Partial<MemberSettings>): Promise<void>;
  /** Kept on this device at once, told to my other devices after a moment. */
  setDraft(conversation: string, text: string): void;
  /** From the server; makes it known here. */
  fetch(conversation: string): Promise<Conversation>;
}

// ---------------------------------------------------------------- messages

/** An entry as a view shows it, or a message on its way. Changes are folded in (`now`). */
export interface Message extends EntryView {
  /** Stable while the message goes from pending to sent, for keyed lists. */
  key: string;
  mine: boolean;
  /** `pending` and `failed` have `seq` 0; `sent` is accepted and on disk at the server. */
  status: "pending" | "sent" | "failed";
  /** Why it failed. */
  error?: TrunklineError;
  /** Text, image, ... : what people said. Otherwise a notice (members.added, conversation.updated, ...). */
  message: boolean;
  /** Recalled, expired or erased: show a notice instead of `content`. */
  gone: "" | "recalled" | "expired" | "erased";
  card?: LocalCard;
}

export interface WindowOptions {
  /** Replies of the thread that began with this message, instead of the conversation itself. */
  thread?: number;
  /** How many messages to begin with (40). */
  limit?: number;
  /** Begin around this message instead of at the newest. */
  around?: number;
  /** Most messages kept in memory; beyond it the far end is let go (600). */
  max?: number;
}

export interface WindowState {
  /** Ascending; pending and failed messages of mine come last, when `at_end`. Replaced, never altered. */
  items: readonly Message[];
  /** Nothing is before the first item. */
  at_start: boolean;
  /** The newest is here; new messages are appended as they come. */
  at_end: boolean;
  loading: "" | "before" | "after" | "around";
  /** Why the last load failed; it may be tried again. */
  error?: TrunklineError;
}

export interface MessageWindow extends Observable<WindowState> {
  readonly conversation: string;
  /** Resolves when the first items are here (from this device, or the server). */
  readonly ready: Promise<void>;
  loadBefore(count?: number): Promise<void>;
  loadAfter(count?: number): Promise<void>;
  /** Jump: the window is then around this message. False: it cannot be seen. */
  loadAround(seq: number, count?: number): Promise<boolean>;
  toLatest(): Promise<void>;
  /** One message, from the window, this device or the server (for quotes). */
  find(seq: number): Promise<Message | undefined>;
  close(): void;
}

export interface SendOptions {
  /** `text` by default; see spec/link.md. */
  type?: string;
  reply_to?: number;
  /** Parties; `["*"]` for everyone. */
  mentions?: string[];
  expires_in_ms?: number;
  /** Reply in this message's thread. */
  thread?: number;
}

/** A message on its way. */
export interface SendHandle {
  /** Resolves when it is on this device's disk: from then on it survives anything, and windows show it. */
  readonly stored: Promise<{ key: string; outbox: string; n: number }>;
  /** Resolves when the server has it on disk; rejects when it was refused. Nobody has to wait for it. */
  readonly sent: Promise<MessageSent>;
}

// ---------------------------------------------------------------- threads and cards

export interface ThreadsApi {
  /** The threads I follow. */
  readonly followed: Observable<readonly ThreadMark[]>;
  /** From the server: threads of a conversation, or (without) those I follow. */
  list(params?: Operations["thread.list"]["params"]): Promise<Operations["thread.list"]["result"]>;
  get(conversation: string, thread: number): Promise<Operations["thread.get"]["result"]>;
  follow(conversation: string, thread: number, on?: boolean): Promise<Operations["thread.get"]["result"]>;
  markRead(conversation: string, thread: number, seq: number): Promise<Operations["thread.get"]["result"]>;
}

/** A card as this device shows it: confirmed state with what is on its way on top. */
export interface LocalCard {
  kind: string;
  data: any;
  state: CardState;
  /** What a person wants to know, by kind: votes, answers, items, ... (see spec/cards.md). */
  summary: any;
  /** Why it takes no more actions; "" while it does. */
  closed: string;
  on_their_way: number;
  /** The state is larger than a page carries: `cards.get` has all of it. */
  partial: boolean;
}

export interface CardsApi {
  create(
    to: Address,
    kind: string,
    data: Record<string, unknown>,
    options?: Omit<SendOptions, "type"> & { closes_at_ms?: number; closes_in_ms?: number },
  ): SendHandle;
  /** Shown at once, durable like a message; resolves with what became of it (such as the amount of a claim). */
  act(conversation: string, seq: number, action: string, value?: Record<string, unknown>): Promise<CardActed>;
  get(conversation: string, seq: number): Promise<Operations["card.get"]["result"]>;
  list(params: Operations["card.list"]["params"]): Promise<Operations["card.list"]["result"]>;
}

// ---------------------------------------------------------------- rooms

/** Something that was said or happened in a room. */
export interface RoomMessage {
  /** danmaku, like, gift, announcement, card.created, card.changed, room.*, x.*; `room.asked`: `sender` waits. */
  type: string;
  /** Empty when it stands for messages of several. */
  sender: string;
  at_ms: number;
  content: any;
  /** 0 for what is not stored. */
  seq: number;
  /** How many messages it stands for. */
  count: number;
  target: number;
}

export interface RoomState {
  view: RoomView;
  role: string;
  /** Members in the room now. */
  online: number;
  attributes: Readonly<Record<string, RoomAttribute>>;
  /** Cards of this stay by seq. */
  cards: Readonly<Record<number, LocalCard & { seq: number; sender: string }>>;
  /** Likes seen, and their sum where the server tells it. */
  likes: number;
  /** The counters, pushed to those who run the room. */
  stats: RoomStats | null;
  /** Why the stay is over: left, kicked, banned, closed, ...; "" while it is not. */
  ended: string;
  /** False while the connection is broken; it is joined again by itself. */
  connected: boolean;
}

/** A stay in a room; administration is `client.api.room.*`. */
export interface RoomApi extends Observable<RoomState> {
  readonly conversation: string;
  /** What was said before the join, where the server still had it. */
  readonly recent: readonly RoomMessage[];
  /** In order; every reliable message exactly once, also through lost connections. A batch per tick. */
  onMessages(listener: (messages: RoomMessage[]) => void): Unsubscribe;
  send(type: string, content: Record<string, unknown>): Promise<RoomSent>;
  danmaku(text: string, options?: { colour?: string; lane?: "scroll" | "top" | "bottom" }): Promise<RoomSent>;
  /** Collected and sent a few times per second. */
  like(likes?: number): void;
  /** Once per `order`, however often it is sent (one is made if not given). */
  give(gift: string, options?: { order?: string; quantity?: number; amount?: number; to?: string }): Promise<RoomSent>;
  announce(text: string, options?: { link?: string }): Promise<RoomSent>;
  putCard(kind: string, data: Record<string, unknown>, options?: { closes_in_ms?: number }): Promise<MessageSent>;
  act(seq: number, action: string, value?: Record<string, unknown>): Promise<CardActed>;
  /** Only if it has this `version` (0: only if it does not exist), where given. */
  setAttribute(key: string, value: string, options?: { version?: number; auto_delete?: boolean }): Promise<RoomAttribute>;
  leave(): Promise<void>;
}

// ---------------------------------------------------------------- files

export interface UploadOptions {
  name?: string;
  mime?: string;
  /** Bytes per request (4 MiB). */
  chunk_bytes?: number;
  signal?: AbortSignal;
}

export interface UploadProgress {
  sent_bytes: number;
  size_bytes: number;
  /** `waiting`: no connection, tried again by itself. `checking`: the server examines the content. */
  state: "sending" | "waiting" | "paused" | "checking" | "done" | "failed" | "aborted";
}

export interface Upload extends Observable<UploadProgress> {
  readonly done: Promise<FileView>;
  pause(): void;
  resume(): void;
  /** Stop, and have the server forget what arrived. */
  abort(): Promise<void>;
}
