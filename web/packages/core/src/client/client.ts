// `Client`: what an application holds. Every tab has one; they share the store and, where the browser allows, the connection.
// What lives here: the joining of the parts. What does not: how any of them works (see the module of the same name).

import type {
  Address, Api, ClientApi, ClientEvents, ClientOptions, ClientState, Conversation, Message, MessageWindow, Methods, Observable,
  SendHandle, SendOptions, ThreadsApi, CardsApi, ConversationsApi, Tuning, Unsubscribe, Upload, UploadOptions, UploadProgress, WindowOptions,
} from "../api.js";
import { TrunklineError, clientError } from "../errors.js";
import type { EntryView, LiveJoined, MemberSettings, Operations, Presence, Profile } from "../generated/wire.js";
import { Engine } from "../engine/engine.js";
import { CARD_CHANGED, CARD_CREATED } from "../engine/lane.js";
import { type Changes, type Notice, TUNING, sendKey } from "../engine/notices.js";
import { Tabs } from "../engine/tabs.js";
import { claimsOf, directConversationId, isParty } from "../protocol/addresses.js";
import { openIdentity, takeN } from "../store/identity.js";
import type { ConversationRow, Store } from "../store/store.js";
import { messageOf } from "./messages.js";
import { Model } from "./model.js";
import { Emitter, Value } from "./observable.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { Rooms } from "./rooms.js";
import { Window } from "./window.js";

/** Changes of messages: numbered from the outbox, so that a repeat after an unknown outcome takes effect once. */
const NUMBERED = new Set("message.edit message.recall message.react message.pin message.forward message.send card.create card.act".split(" "));
const LINK_TTL_S = 600;

export class Client implements ClientApi {
  readonly #state = new Value<ClientState>({ state: "offline", reason: "", retry_at_ms: 0, close_code: 0, leader: false });
  readonly state: Observable<ClientState> = this.#state;
  readonly opened: Promise<void>;
  readonly api: Api;
  readonly conversations: ConversationsApi;
  readonly threads: ThreadsApi;
  readonly cards: CardsApi;
  readonly rooms: ClientApi["rooms"];
  readonly #rooms: Rooms;
  readonly live: { join(conversation: string): Promise<LiveJoined> };
  readonly #store: Store;
  readonly #tuning: Tuning;
  readonly #model: Model;
  readonly #people: People;
  readonly #tabs: Tabs;
  readonly #outbox: Outbox;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #windows = new Set<Window>();
  readonly #links = new Map<string, { url: Promise<string>; until: number }>();
  readonly #drafts = new Map<string, ReturnType<typeof setTimeout>>();
  #identify!: () => void;
  readonly #identified = new Promise<void>((resolve) => (this.#identify = resolve));
  #loading = 1;
  #early: Notice[] = [];
  #engine: Engine | undefined;
  #closed = false;
  readonly #onOnline = (): void => this.#tabs.command({ do: "wake" });

  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const store = (this.#store = options.store);
    const tuning = (this.#tuning = { ...TUNING, ...options.options });
    const ask = (method: string, params: any): Promise<any> => this.request(method, params);
    this.#model = new Model(store);
    this.#people = new People(store, ask);
    this.rooms = this.#rooms = new Rooms(ask, () => this.party);
    this.#tabs = new Tabs(store.sharedName, () => Engine.open({ client: options, store, tuning, notify: (notice) => this.#tabs.notify(notice) }), {
      notice: (notice) => (this.#loading ? this.#early.push(notice) : this.#take(notice)),
      leading: (engine) => this.#lead(engine),
      following: () => void this.#reload(),
    });
    this.#outbox = new Outbox({ store, model: this.#model, tabs: this.#tabs, opened: () => this.opened, max: tuning.max_outbox });
    this.live = { join: (conversation) => this.call("live.join", { conversation: this.conversationOf(conversation), device: this.device }) };
    this.api = subjects((method, params) => this.call(method as Methods, params));
    this.conversations = this.#conversationCalls();
    this.threads = this.#threadCalls();
    this.cards = this.#cardCalls();
    this.opened = this.#open();
    this.opened.catch((error) => this.#take({ type: "state", change: { state: "stopped", reason: String(error), retry_at_ms: 0, close_code: 0 } }));
    globalThis.addEventListener?.("online", this.#onOnline);
  }

  // ---------------------------------------------------------------- life

  get party(): string {
    return this.#model.party;
  }

  get device(): string {
    return this.#model.device;
  }

  online(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { state, reason } = this.#state.get();
        if (state === "online") resolve();
        else if (state === "stopped") reject(clientError("stopped", reason));
        return state === "online" || state === "stopped";
      };
      if (look()) return;
      const end = this.#state.subscribe(() => look() && end());
    });
  }

  reconnect(): void {
    this.#tabs.command({ do: "reconnect" });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    globalThis.removeEventListener?.("online", this.#onOnline);
    for (const timer of this.#drafts.values()) clearTimeout(timer);
    await this.opened.catch(() => {});
    await this.#tabs.close();
    this.#rooms.stop("stopped");
    this.#outbox.stop("the client is closed");
    this.#state.set({ state: "stopped", reason: "the client is closed", retry_at_ms: 0, close_code: 0, leader: false });
    await this.#store.close();
  }

  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): Unsubscribe {
    const end = this.#emitter.on(event, listener);
    this.#traceFrames();
    return () => {
      end();
      this.#traceFrames();
    };
  }

  // ---------------------------------------------------------------- calls

  call<M extends Methods>(method: M, params: Operations[M]["params"]): Promise<Operations[M]["result"]> {
    return this.request(method, params as any) as Promise<Operations[M]["result"]>;
  }

  async request(method: string, params: Record<string, any>): Promise<any> {
    if (NUMBERED.has(method) && !params.n) {
      const count = method === "message.forward" && !params.merged ? params.seqs.length : 1;
      const [outbox, n] = await this.#store.transaction("durable", (tx) => takeN(tx, count));
      params = { ...params, outbox, n };
    }
    const result = await this.#tabs.ask(method, params);
    this.#keep(method, params, result);
    return result;
  }

  // ---------------------------------------------------------------- messages

  conversationOf(to: Address): string {
    if (!isParty(to)) return to;
    if (!this.party) throw clientError("stopped", "not known before the first connection; await online() first");
    return directConversationId(this.party, to);
  }

  messages(conversation: Address, options: WindowOptions = {}): MessageWindow {
    const window = new Window(
      {
        store: this.#store,
        model: this.#model,
        ask: (method, params) => this.#tabs.ask(method, params),
        command: (command) => this.#tabs.command(command),
        closed: (one) => this.#windows.delete(one),
        // The conversation with a party has an id when it is known who this is.
        opened: isParty(conversation) ? this.#identified : this.opened,
      },
      () => this.conversationOf(conversation),
      options,
    );
    this.#windows.add(window);
    return window;
  }

  send(to: Address, content: string | Record<string, unknown>, options: SendOptions = {}): SendHandle {
    return this.#outbox.send(to, typeof content === "string" ? { text: content } : content, options);
  }

  resend(message: Message): SendHandle {
    const { conversation, type, content, reply_to, mentions, thread } = message;
    void this.discard(message);
    return this.#outbox.send(conversation, content, { type, ...(reply_to && { reply_to }), ...(mentions && { mentions }), ...(thread && { thread }) });
  }

  discard(message: Message): Promise<void> {
    return this.#outbox.discard(message.outbox ?? "", message.n ?? 0);
  }

  edit(conversation: string, seq: number, content: string | Record<string, unknown>): Promise<any> {
    return this.call("message.edit", { conversation, seq, content: typeof content === "string" ? { text: content } : content });
  }

  recall(conversation: string, seq: number): Promise<any> {
    return this.call("message.recall", { conversation, seq });
  }

  async hide(conversation: string, seqs: number[]): Promise<void> {
    await this.call("message.hide", { conversation, seqs });
  }

  react(conversation: string, seq: number, key: string, on = true): Promise<any> {
    return this.call("message.react", { conversation, seq, key, on });
  }

  pin(conversation: string, seq: number, on = true): Promise<any> {
    return this.call("message.pin", { conversation, seq, on });
  }

  async pins(conversation: string): Promise<Message[]> {
    const { entries } = await this.call("pin.list", { conversation });
    return entries.map((entry) => messageOf(entry, this.party));
  }

  forward(source: string, seqs: number[], to: Address, options: { merged?: boolean; title?: string } = {}): Promise<any> {
    return this.call("message.forward", { source, seqs, [isParty(to) ? "to" : "conversation"]: to, ...options });
  }

  receipt(conversation: string, seq: number, limit = 100): Promise<any> {
    return this.call("receipt.get", { conversation, seq, limit });
  }

  search(text: string, options: Partial<Operations["message.search"]["params"]> = {}): Promise<any> {
    return this.call("message.search", { ...options, text });
  }

  // ---------------------------------------------------------------- people and files

  profile(party: string): Observable<Profile> {
    return this.#people.profile(party);
  }

  presence(party: string): Observable<Presence> {
    return this.#people.presence(party);
  }

  typing(conversation: string): Observable<readonly string[]> {
    return this.#people.typing(conversation);
  }

  setTyping(conversation: string, on = true): void {
    this.#people.setTyping(conversation, on);
  }

  get blocked(): Observable<readonly string[]> {
    return this.#model.blocked;
  }

  upload(file: Blob, options: UploadOptions = {}): Upload {
    const { token } = this.#options;
    const host = { base: this.#base, token, store: this.#store, view: (file: string) => this.call("file.get", { file }) };
    const progress = new Value<UploadProgress>({ sent_bytes: 0, size_bytes: file.size, state: "sending" });
    // The code of uploads is loaded with the first one.
    const upload = import("../later.js").then(({ FileUpload }) => new FileUpload(host, file, options, progress));
    const done = upload.then((one) => one.run());
    done.catch(() => {});
    return {
      done,
      get: () => progress.get(),
      subscribe: (listener) => progress.subscribe(listener),
      pause: () => void upload.then((one) => one.pause()),
      resume: () => void upload.then((one) => one.resume()),
      abort: () => upload.then((one) => one.abort()),
    };
  }

  fileUrl(file: string, variant: "content" | "thumbnail" | "poster" = "content"): Promise<string> {
    const key = `${file}/${variant}`;
    let link = this.#links.get(key);
    if (!link || link.until < Date.now()) {
      const url = this.call("file.link", { file, variant, ttl_s: LINK_TTL_S }).then((made) => new URL(made.url, this.#base).href);
      url.catch(() => this.#links.delete(key));
      this.#links.set(key, (link = { url, until: Date.now() + (LINK_TTL_S * 1000) / 2 }));
    }
    return link.url;
  }

  // ---------------------------------------------------------------- inside

  get #base(): string {
    return new URL(this.#options.url ?? location.origin).origin;
  }

  async #open(): Promise<void> {
    const { token, device } = this.#options;
    const claims = typeof token === "string" ? claimsOf(token) : { party: "", device: "" };
    try {
      await this.#store.open();
      await openIdentity(this.#store, device || claims.device, claims.party);
      await this.#model.load();
    } catch (error) {
      throw error instanceof TrunklineError ? error : clientError("store_unusable", String(error));
    }
    if (this.party) this.#identify();
    this.#settle();
    this.#tabs.start();
  }

  /** What came while the store was read is taken now, in order; whole rows, so nothing is lost by the overlap. */
  #settle(): void {
    if (--this.#loading) return;
    for (const notice of this.#early.splice(0)) this.#take(notice);
  }

  /** Notices may have been missed, or everything is different: read again. */
  async #reload(): Promise<void> {
    if (this.#closed) return;
    this.#loading++;
    await this.#model.load().catch(() => {});
    this.#settle();
    for (const window of this.#windows) void window.reload();
    await this.#outbox.look();
  }

  #lead(engine: Engine): void {
    this.#engine = engine;
    this.#state.set({ ...this.#state.get(), leader: true });
    this.#traceFrames();
    void this.#reload();
  }

  #traceFrames(): void {
    if (this.#engine) this.#engine.frame = this.#emitter.has("frame") ? (frame) => this.#emitter.emit("frame", frame) : undefined;
  }

  #take(notice: Notice): void {
    const [emitter, people, rooms] = [this.#emitter, this.#people, this.#rooms];
    switch (notice.type) {
      case "state":
        return this.#state.set({ ...notice.change, leader: this.#tabs.leads });
      case "welcomed":
        this.#model.identify(notice.party, notice.device);
        this.#identify();
        people.renew();
        rooms.renew();
        for (const row of this.#model.rows.values()) if (row.draft !== undefined && this.#tabs.leads) this.#planDraft(row.conversation, 0);
        return;
      case "lost":
        return rooms.lost();
      case "changed":
        return this.#changed(notice.changes);
      case "sent": {
        const { error, ...outcome } = notice.outcome;
        this.#outbox.settled(notice.outcome);
        return emitter.emit("sent", { ...outcome, ...(error && { error: new TrunklineError(error) }) });
      }
      case "reload":
        return void this.#reload();
      case "resync":
        return emitter.emit("resync", { reason: notice.reason, history_dropped: notice.history_dropped });
      case "warning":
        return emitter.emit("warning", { message: notice.message });
      case "push":
        return this.#pushed(notice.event, notice.body);
    }
  }

  #changed(changes: Changes): void {
    this.#model.take(changes);
    for (const window of this.#windows) window.take(changes);
    for (const entry of changes.applied ?? []) {
      if (this.#people.typing(entry.conversation).get().includes(entry.sender)) {
        this.#people.types({ conversation: entry.conversation, party: entry.sender, typing: false });
      }
      this.#emitter.emit("entry", entry);
    }
  }

  #pushed(event: string, body: any): void {
    if (event.startsWith("room") || event === "lagged") this.#rooms.pushed(event, body);
    else if (event === "typing") {
      const typing = { typing: true, ...body };
      if (body.party !== this.party) this.#people.types(typing);
      this.#emitter.emit("typing", typing);
    } else if (event === "presence") {
      this.#people.is(body);
      this.#emitter.emit("presence", body);
    } else if (event === "cursor") this.#emitter.emit("cursor", { delivered: 0, read: 0, ...body });
  }

  /** What an answer says of what this device keeps. */
  #keep(method: string, params: any, result: any): void {
    const keep = (what: "view" | "mark" | "hidden", ...args: any[]): void => this.#tabs.command({ do: "keep", what, args });
    if (method === "conversation.get" || method === "conversation.configure") keep("view", result);
    else if (/^thread\.(get|follow|read)$/.test(method)) keep("mark", result.conversation, result.thread, !!result.following, result.read ?? 0);
    else if (method === "message.hide") keep("hidden", params.conversation, params.seqs ?? []);
    else if (/^block\./.test(method)) this.#tabs.notify({ type: "changed", changes: { blocked: result.blocked } });
    else if (method === "profile.get") this.#people.learn(result.profiles);
    else if (method === "profile.set") this.#people.learn([result]);
    else if (/^(community|category|channel|usergroup)\.(?!get|list)/.test(method)) this.#tabs.command({ do: "sync" });
  }

  /** Change what is kept of a conversation, in every tab. */
  async #change(conversation: string, change: (row: ConversationRow) => void): Promise<ConversationRow | undefined> {
    const row = await this.#store.transaction("plain", async (tx) => {
      const found = await tx.get("conversations", [conversation]);
      if (found) {
        change(found);
        tx.put("conversations", found);
      }
      return found;
    });
    if (row) this.#tabs.notify({ type: "changed", changes: { rows: [row] } });
    return row;
  }

  async #markRead(address: Address, seq?: number): Promise<void> {
    await this.opened;
    const conversation = this.conversationOf(address);
    // Pages mark as read whenever they draw: nothing may change when nothing is new, or they draw for ever.
    const known = this.#model.rows.get(conversation);
    if (known && !known.view?.unread && known.read_wanted >= Math.min(seq ?? Infinity, known.last ?? 0)) return;
    let wanted = 0;
    const row = await this.#change(conversation, (row) => {
      const last = row.last ?? 0;
      wanted = row.read_wanted = Math.max(row.read_wanted, Math.min(seq ?? last, last));
      if (row.view && wanted >= row.view.head) row.view.unread = row.view.unread_mentions = 0;
    });
    if (row && wanted > (row.view?.read ?? 0)) this.#tabs.command({ do: "read", conversation, seq: wanted });
  }

  #planDraft(conversation: string, delayMs: number): void {
    clearTimeout(this.#drafts.get(conversation));
    const timer = setTimeout(() => void this.#tellDraft(conversation).catch(() => {}), delayMs);
    this.#drafts.set(conversation, timer);
  }

  async #tellDraft(conversation: string): Promise<void> {
    this.#drafts.delete(conversation);
    const draft = this.#model.rows.get(conversation)?.draft;
    if (draft === undefined) return;
    await this.call("conversation.configure", { conversation, draft });
    await this.#change(conversation, (row) => {
      if (row.draft !== draft) return; // written on meanwhile
      delete row.draft;
      if (row.view) row.view.settings = { ...row.view.settings, draft };
    });
  }

  #conversationCalls(): ConversationsApi {
    const model = this.#model;
    return {
      get: () => model.listed.get(),
      subscribe: (listener) => model.listed.subscribe(listener),
      one: (conversation) => model.one(conversation),
      unread: model.unread,
      markRead: (conversation, seq) => void this.#markRead(conversation, seq).catch(() => {}),
      configure: async (conversation, settings: Partial<MemberSettings>) => {
        await this.call("conversation.configure", { conversation, ...settings } as Operations["conversation.configure"]["params"]);
      },
      setDraft: (conversation, text) => {
        void this.opened.then(() => this.#change(conversation, (row) => (row.draft = text))).catch(() => {});
        this.#planDraft(conversation, this.#tuning.draft_after_ms);
      },
      fetch: async (conversation): Promise<Conversation> => {
        const id = this.conversationOf(conversation);
        const view = await this.call("conversation.get", { conversation: id });
        const known = model.one(id);
        if (!known.get()) model.take({ rows: [{ conversation: id, last: null, floor: 1, head: view.head, read_wanted: 0, removed: false, view }] });
        return known.get()!;
      },
    };
  }

  #threadCalls(): ThreadsApi {
    return {
      followed: this.#model.followed,
      list: (params = {}) => this.call("thread.list", params),
      get: (conversation, thread) => this.call("thread.get", { conversation, thread }),
      follow: (conversation, thread, on = true) => this.call("thread.follow", { conversation, thread, on }),
      markRead: (conversation, thread, read) => this.call("thread.read", { conversation, thread, read }),
    };
  }

  #cardCalls(): CardsApi {
    return {
      create: (to, kind, data, { closes_at_ms, closes_in_ms, ...options } = {}) =>
        this.#outbox.send(to, { kind, data, ...(closes_at_ms && { closes_at_ms }), ...(closes_in_ms && { closes_in_ms }) }, { ...options, type: CARD_CREATED }),
      act: (conversation, seq, action, value = {}) =>
        this.#outbox.send(conversation, { seq, action, value }, { type: CARD_CHANGED }).sent as Promise<any>,
      get: (conversation, seq) => this.call("card.get", { conversation, seq }),
      list: (params) => this.call("card.list", params),
    };
  }
}

/** `api.group.create(params)` for `group.create`. */
function subjects(call: (method: string, params: any) => Promise<any>): Api {
  return new Proxy({} as any, {
    get: (_, subject) =>
      typeof subject === "string" && subject !== "then"
        ? new Proxy({} as any, { get: (_, verb) => (params: any) => call(`${subject}.${String(verb)}`, params ?? {}) })
        : undefined,
  });
}
