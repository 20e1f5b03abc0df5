// The engine: what one tab (the leader), or a page that shares nothing, runs. It connects the parts: supervisor, sender,
// receiver, marks, requests. It works on the store and tells what it did in notices; it shows nothing.
// What does not live here: which tab runs it and how notices travel (tabs), what applications hold (client).

import type { ClientOptions, LinkFrame, Tuning } from "../api.js";
import type { ConversationView, Hello, Welcome } from "../generated/wire.js";
import { claimsOf, linkUrl } from "../protocol/addresses.js";
import { jsonCodec } from "../protocol/frames.js";
import { type Identity, openIdentity } from "../store/identity.js";
import type { OutboxRow, Store } from "../store/store.js";
import { Applier } from "./applier.js";
import { Interests } from "./interests.js";
import { Marks } from "./marks.js";
import type { Changes, Notice, StateChange } from "./notices.js";
import { Receiver } from "./receiver.js";
import { Requests } from "./requests.js";
import { Sender } from "./sender.js";
import type { LinkSocket } from "./socket.js";
import { type Session, Supervisor } from "./supervisor.js";

export interface EngineOptions {
  client: ClientOptions;
  store: Store;
  tuning: Tuning;
  notify: (notice: Notice) => void;
}

export class Engine implements Session {
  readonly requests: Requests;
  readonly marks: Marks;
  readonly interests: Interests;
  frame: ((frame: LinkFrame) => void) | undefined;
  readonly #supervisor: Supervisor;
  readonly #applier: Applier;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #accepted = new Map<string, OutboxRow>();
  #socket: LinkSocket | undefined;
  #sessionOutbox = "";
  #running: Promise<void> | undefined;

  /** Open what is on disk; `start` connects. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { token, device } = options.client;
    const claims = typeof token === "string" ? claimsOf(token) : { party: "", device: "" };
    const identity = await openIdentity(options.store, device || claims.device, claims.party);
    const engine = new Engine(options, identity);
    await engine.#receiver.load();
    return engine;
  }

  readonly #options: EngineOptions;
  readonly #identity: Identity;

  private constructor(
    options: EngineOptions,
    identity: Identity,
  ) {
    this.#options = options;
    this.#identity = identity;
    const { client, store, tuning, notify } = options;
    const changed = (changes: Changes): void => this.changed(changes);
    const broken = (reason: string): void => this.#broken(reason);
    this.requests = new Requests(tuning);
    this.interests = new Interests((method, params) => this.requests.call(method, params));
    this.#supervisor = new Supervisor(
      {
        url: linkUrl(client.url ?? location.origin),
        token: client.token,
        codec: client.codec ?? jsonCodec,
        WebSocket: client.WebSocket ?? globalThis.WebSocket,
        connect_timeout_ms: tuning.connect_timeout_ms,
      },
      this,
    );
    this.marks = new Marks(tuning, () => identity.party, (cursor) => void this.#receiver.cursor({ ...cursor, party: identity.party }).catch(() => {}));
    this.#applier = new Applier(store, () => identity.party, tuning.initial_history, this.#accepted);
    this.#receiver = new Receiver(store, this.#applier, tuning, identity, {
      changed,
      broken,
      synced: () => this.#supervisor.synced(),
      resynced: (reason, history_dropped) => {
        notify({ type: "reload" });
        notify({ type: "resync", reason, history_dropped });
      },
    });
    this.#sender = new Sender(store, tuning, identity, this.#accepted, {
      changed,
      broken,
      reconnect: () => this.#supervisor.reconnect(),
      renewToken: () => this.#supervisor.renewToken(),
      sent: (outcome) => {
        if (outcome.seq) this.#receiver.expect(outcome.conversation, outcome.seq);
        notify({ type: "sent", outcome });
      },
    });
  }

  get state(): StateChange {
    return this.#supervisor.state;
  }

  start(): void {
    this.#running = this.#sender
      .load()
      .catch((error) => this.#supervisor.giveUp(String(error)))
      .then(() => this.#supervisor.run());
    void this.#running.then(() => this.requests.stop(this.state.reason));
  }

  /** Stop everything, from the network inwards. */
  async stop(): Promise<void> {
    this.#supervisor.giveUp("the client is closed");
    await this.#running;
    this.marks.stop();
    await this.#sender.stop();
    await this.#receiver.stop();
  }

  reconnect(): void {
    this.#supervisor.reconnect();
  }

  /** The network is back. */
  wake(): void {
    this.#supervisor.wake();
  }

  /** Something changed that is told by sync only. */
  sync(): void {
    this.#receiver.sync();
  }

  /** A tab wrote rows to the outbox. */
  send(rows: OutboxRow[]): void {
    this.#sender.add(rows);
  }

  /** Keep older history that a tab fetched, and a view or mark that the server answered with. */
  readonly keep = {
    history: async (conversation: string, entries: any[]): Promise<void> => this.changed(await this.#applier.backfill(conversation, entries)),
    view: (view: ConversationView): Promise<void> => this.#receiver.know(view),
    mark: async (conversation: string, thread: number, following: boolean, read: number): Promise<void> =>
      this.changed(await this.#applier.mark(conversation, thread, following, read)),
    hidden: async (conversation: string, seqs: number[]): Promise<void> => {
      const row = await this.#options.store.transaction("read", (tx) => tx.get("conversations", [conversation]));
      await this.#receiver.hidden({ conversation, seqs, unread: row?.view?.unread ?? 0, unread_mentions: row?.view?.unread_mentions ?? 0 });
    },
  };

  // ---------------------------------------------------------------- session

  async hello(token: string): Promise<Hello> {
    const claims = claimsOf(token);
    if (claims.device && !this.#options.client.device && claims.device !== this.#identity.device) {
      this.#identity.device = claims.device;
      await this.#options.store.transaction("durable", async (tx) => tx.put("meta", { key: "device", value: claims.device }));
    }
    this.#sessionOutbox = this.#sender.helloOutbox();
    return { token, device: this.#identity.device, outbox: this.#sessionOutbox, platform: "web/0.1" };
  }

  welcomed(socket: LinkSocket, welcome: Welcome): void {
    this.#begin(socket, welcome).catch((error) => this.#broken(String(error)));
  }

  lost(): void {
    this.#socket = undefined;
    this.requests.lost();
    this.#sender.lost();
    this.#receiver.lost();
    this.marks.lost();
    this.#options.notify({ type: "lost" });
  }

  changed(change: StateChange | Changes): void {
    if ("state" in change) return this.#options.notify({ type: "state", change });
    this.#options.notify({ type: "changed", changes: change });
    if (change.applied) {
      this.#sender.applied(change.applied);
      this.marks.applied(change.applied);
    }
  }

  pushed(event: string, body: any): void {
    const receiver = this.#receiver;
    // What cannot be written is reported by whoever wrote it.
    const told = (done: Promise<void>): void => void done.catch(() => {});
    if (event === "entry") return receiver.pushed(body);
    if (event === "cursor") told(receiver.cursor(body));
    else if (event === "settings") told(receiver.configured(body.conversation, body.settings ?? {}));
    else if (event === "hidden") told(receiver.hidden(body));
    else if (event === "thread") told(receiver.marked(body));
    else if (event === "blocked") told(this.#blocked(body.blocked));
    else if (event === "lagged") receiver.sync();
    else if (event === "draining") this.#supervisor.draining(body.reconnect_in_ms ?? 0);
    this.#options.notify({ type: "push", event, body });
  }

  // ---------------------------------------------------------------- inside

  #broken(reason: string): void {
    this.#options.notify({ type: "warning", message: `the local store cannot be written, trying again: ${reason}` });
    this.#supervisor.drop();
  }

  async #begin(socket: LinkSocket, welcome: Welcome): Promise<void> {
    const [identity, options] = [this.#identity, this.#options];
    if (identity.party && identity.party !== welcome.party) {
      this.#supervisor.giveUp(`the store belongs to ${identity.party} and the token to ${welcome.party}: use another store`);
      return;
    }
    this.#socket = socket;
    const current = (): boolean => this.#socket === socket;
    this.#supervisor.welcomed(welcome);
    if (!identity.party) {
      identity.party = welcome.party;
      const party = { key: "party", value: welcome.party };
      await options.store.transaction("durable", async (tx) => tx.put("meta", party));
    }
    if (!current()) return;
    const ready = await this.#sender.start(socket, this.#sessionOutbox, welcome.outbox_n ?? 0, current);
    if (!current()) return;
    if (!ready) return this.#supervisor.reconnect();
    this.#receiver.start(socket, welcome.epoch);
    if (this.#sessionOutbox === identity.outbox) {
      this.requests.start(socket);
      options.notify({ type: "welcomed", party: welcome.party, device: welcome.device });
    }
    const rows = await options.store.transaction("read", (tx) => tx.list("conversations"));
    if (current()) this.marks.start(socket, rows);
  }

  async #blocked(blocked: string[]): Promise<void> {
    await this.#options.store.transaction("plain", async (tx) => tx.put("meta", { key: "blocked", value: blocked }));
    this.changed({ blocked });
  }
}
