// Receiving: pushes, sync and pulls become entries in the local store, each once and in order.
// The gap rule (protocol/gap) decides what is applied; this feeds it, asks for what it wants, and writes what it gives.
// What does not live here: the connection, and showing entries (client).

import type { Tuning } from "../api.js";
import { TrunklineError } from "../errors.js";
import type { ConversationView, EntryView, MemberSettings, SyncResult } from "../generated/wire.js";
import { applyCursor, reachableHead } from "../protocol/entries.js";
import { type Action, Position } from "../protocol/gap.js";
import type { ConversationRow, Store } from "../store/store.js";
import type { Applier, HiddenPush } from "./applier.js";
import type { Changes } from "./notices.js";
import type { LinkSocket } from "./socket.js";

const REFUSED = 3;
const SYNC_RETRY_MS = 1_000;

export interface ReceiverEvents {
  changed(changes: Changes): void;
  resynced(reason: string, historyDropped: boolean): void;
  /** A connection has caught up. */
  synced(): void;
  /** The store cannot be written. */
  broken(reason: string): void;
}

/** Whose store it is, and the positions that only the receiver moves. */
export interface Place {
  party: string;
  epoch: number;
  pts: number;
  threads_pts: number;
}

export class Receiver {
  #socket: LinkSocket | undefined;
  #positions = new Map<string, Position<EntryView>>();
  /** What waits to be written, in the order of arrival: entries, and other jobs between them. */
  #ready: (EntryView[] | (() => Promise<Changes>))[] = [];
  /** Conversations whose counts the server told while entries that they include were still missing here. */
  readonly #uncounted = new Set<string>();
  #flushing: Promise<void> | undefined;
  #wanted = new Map<string, number>();
  #busy = 0;
  #syncing = false;
  #syncAgain = false;
  #caughtUp = false;
  #generation = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly #store: Store;
  readonly #applier: Applier;
  readonly #tuning: Tuning;
  readonly #place: Place;
  readonly #events: ReceiverEvents;

  constructor(
    store: Store,
    applier: Applier,
    tuning: Tuning,
    place: Place,
    events: ReceiverEvents,
  ) {
    this.#store = store;
    this.#applier = applier;
    this.#tuning = tuning;
    this.#place = place;
    this.#events = events;
  }

  /** Positions as the disk has them. */
  async load(): Promise<void> {
    const rows = await this.#store.transaction("read", (tx) => tx.list("conversations"));
    this.#positions.clear();
    for (const row of rows) {
      if (row.removed || row.last === null) continue;
      const position = new Position<EntryView>(this.#place.epoch, row.last);
      // Offline this only records the head; the next connection starts the pull it asks for.
      position.head(row.head, 0, true);
      this.#positions.set(row.conversation, position);
    }
  }

  /** A connection was welcomed: catch up, while pushes already arrive. */
  start(socket: LinkSocket, epoch: number): void {
    this.#socket = socket;
    this.#caughtUp = false;
    if (this.#place.epoch && this.#place.epoch !== epoch) this.#startOver("the server's logs began a new epoch", epoch);
    else if (!this.#place.epoch) {
      // Now, not with the first sync: what is pushed before it ends is kept with its epoch.
      this.#place.epoch = epoch;
      this.#positions.clear();
      void this.#write(() => this.#store.transaction("plain", async (tx) => (tx.put("meta", { key: "epoch", value: epoch }), {})));
    }
    this.sync();
  }

  /** The connection ended; what was asked on it will be asked again. */
  lost(): void {
    this.#socket = undefined;
    this.#generation++;
    this.#wanted.clear();
    this.#syncing = this.#syncAgain = false;
    this.#busy = 0;
    clearTimeout(this.#timer);
  }

  /** Write what is ready, then do nothing more. */
  async stop(): Promise<void> {
    this.lost();
    await this.#flush();
  }

  /** Ask what changed; a request while one runs makes it run once more. */
  sync(): void {
    if (this.#syncing) this.#syncAgain = true;
    else if (this.#socket) {
      this.#syncing = true;
      void this.#runSync(this.#socket, this.#generation);
    }
  }

  /** An entry arrived by push. */
  pushed(entry: EntryView): void {
    let position = this.#positions.get(entry.conversation);
    if (!position) this.#positions.set(entry.conversation, (position = new Position(this.#place.epoch || entry.epoch, null)));
    this.#take(entry.conversation, position, position.push(entry, performance.now()));
  }

  /** A send was given `seq`: its entry is on the way. */
  expect(conversation: string, seq: number): void {
    const position = this.#positions.get(conversation);
    if (position) this.#take(conversation, position, position.head(seq, performance.now(), true));
  }

  /** The server was asked for a view outside a sync. */
  async know(view: ConversationView): Promise<void> {
    const changes = await this.#write(() => this.#applier.view(view));
    this.#follow(changes.rows ?? [], [view]);
  }

  async configured(conversation: string, settings: MemberSettings): Promise<void> {
    await this.#write(() => this.#applier.settings(conversation, settings));
  }

  /** I deleted messages for myself, here or on another device. */
  hidden(hidden: HiddenPush): Promise<void> {
    return this.#enqueue(() => this.#applier.hide(hidden));
  }

  marked(pushed: { conversation: string; thread: number; following?: boolean; read?: number }): Promise<void> {
    return this.#enqueue(() => this.#applier.mark(pushed.conversation, pushed.thread, pushed.following, pushed.read));
  }

  /** Somebody received or read further. My own counts are those of this moment: behind the entries before, ahead of those after. */
  cursor(moved: { conversation: string; party: string; delivered?: number; read?: number; unread?: number; unread_mentions?: number }): Promise<void> {
    const { conversation, party, delivered = 0, read = 0, unread, unread_mentions } = moved;
    const me = this.#place.party;
    const exact = this.#positions.get(conversation)?.complete !== false;
    if (!exact && unread !== undefined) this.#uncounted.add(conversation);
    return this.#enqueue(() =>
      this.#applier.row(conversation, (row) => {
        const { view } = row;
        if (!view || (party !== me && view.peer !== party)) return false; // in groups, receipts are asked for
        applyCursor(view, party, delivered, read, me);
        if (party !== me) return true;
        row.read_wanted = Math.max(row.read_wanted, read);
        if (exact) Object.assign(view, { unread: unread ?? view.unread ?? 0, unread_mentions: unread_mentions ?? view.unread_mentions ?? 0 });
        return true;
      }),
    );
  }

  // ---------------------------------------------------------------- sync

  async #runSync(socket: LinkSocket, generation: number): Promise<void> {
    const current = (): boolean => generation === this.#generation;
    try {
      for (const [name, position] of [...this.#positions]) this.#take(name, position, position.reconnected(performance.now()));
      do {
        this.#syncAgain = false;
        await this.#syncPages(socket, current);
      } while (current() && this.#syncAgain);
    } catch (error) {
      if (!current()) return;
      this.#syncing = false;
      if (error instanceof TrunklineError && error.family) {
        setTimeout(() => current() && this.sync(), SYNC_RETRY_MS + error.retry_ms);
      } else this.#events.broken(String(error));
      return;
    }
    if (!current()) return;
    this.#syncing = false;
    this.#caughtUp = true;
    this.#reportIfSynced();
  }

  async #syncPages(socket: LinkSocket, current: () => boolean): Promise<void> {
    const ask = (method: string, params: unknown): Promise<any> => socket.call(method, params, this.#tuning.request_timeout_ms);
    let known: Set<string> | undefined;
    let seen = new Set<string>();
    let fresh = false;
    for (;;) {
      const { epoch, pts } = this.#place;
      if (pts === 0 && !known) {
        known = new Set(this.#positions.keys());
        seen = new Set();
      }
      const result: SyncResult = await ask("sync", { epoch, pts, limit: this.#tuning.sync_page });
      if (!current()) return;
      if (epoch && result.epoch !== epoch) {
        this.#startOver("the server's logs began a new epoch", result.epoch);
        known = undefined;
        continue;
      }
      if (result.resync) {
        if (pts === 0) throw new Error("the server refuses a sync from the start");
        this.#place.pts = 0;
        fresh = true;
        continue;
      }
      // First: the page's position says that this was heard.
      for (let more = !!result.threads_changed; more && current(); ) {
        const marks = await ask("thread.changes", { after_pts: this.#place.threads_pts });
        if (!current()) return;
        await this.#write(() => this.#applier.marks(marks));
        this.#place.threads_pts = marks.pts;
        more = !!marks.more;
      }
      const changes = await this.#write(() => this.#applier.page(result));
      if (!current()) return;
      this.#place.pts = result.pts;
      this.#place.epoch = result.epoch;
      this.#forget(result.removed ?? []);
      this.#follow(changes.rows ?? [], result.conversations ?? []);
      for (const view of result.conversations ?? []) seen.add(view.conversation);
      if (!result.more) break;
    }
    if (known) {
      // Conversations that only became known while the sync ran are not gone.
      const gone = [...known].filter((name) => !seen.has(name));
      if (gone.length) {
        await this.#write(() => this.#applier.remove(gone));
        this.#forget(gone);
      }
    }
    if (fresh) this.#events.resynced("this device's position was too old", false);
  }

  /** Let positions know where their conversations begin and how far they reach. */
  #follow(rows: ConversationRow[], views: ConversationView[]): void {
    const now = performance.now();
    for (const row of rows) {
      const view = views.find((one) => one.conversation === row.conversation);
      if (!view) continue;
      const name = row.conversation;
      let position = this.#positions.get(name);
      if (!position) this.#positions.set(name, (position = new Position(this.#place.epoch || view.epoch, row.last)));
      const first = position.last === null ? (row.last ?? 0) + 1 : (view.first_visible_seq ?? 1);
      this.#take(name, position, position.locate(first, now));
      this.#take(name, position, position.head(reachableHead(view), now));
    }
  }

  #forget(conversations: string[]): void {
    for (const name of conversations) {
      this.#positions.delete(name);
      this.#wanted.delete(name);
    }
  }

  /** Another epoch: nothing local counts any more, except what waits in the outbox. */
  #startOver(reason: string, epoch: number): void {
    this.#ready = [];
    this.#positions.clear();
    this.#wanted.clear();
    Object.assign(this.#place, { epoch, pts: 0, threads_pts: 0 });
    void this.#write(async () => {
      await this.#applier.startOver(epoch);
      return {};
    }).then(() => this.#events.resynced(reason, true));
  }

  // ---------------------------------------------------------------- the gap rule's wishes

  #take(name: string, position: Position<EntryView>, actions: Action<EntryView>[]): void {
    for (const action of actions) {
      if (action.type === "apply") {
        const last = this.#ready.at(-1);
        if (Array.isArray(last)) last.push(...action.entries);
        else this.#ready.push(action.entries);
        void this.#flush();
      } else if (action.type === "pull") {
        this.#wanted.set(name, action.fromSeq);
        this.#startPulls();
      } else if (action.type === "locate") this.#work(() => this.#locate(name));
      else if (action.type === "resync") {
        this.#startOver("an entry of a new epoch arrived", action.epoch);
        return this.sync();
      }
    }
    if (position.complete && this.#uncounted.delete(name)) this.#work(() => this.#locate(name));
    this.#arm();
    this.#reportIfSynced();
  }

  #startPulls(): void {
    for (const [name, fromSeq] of this.#wanted) {
      if (!this.#socket || this.#busy >= this.#tuning.parallel_pulls) return;
      this.#wanted.delete(name);
      const socket = this.#socket;
      this.#work(() => this.#pull(socket, name, fromSeq));
    }
  }

  /** Run something that belongs to this connection. */
  #work(job: () => Promise<void>): void {
    const generation = this.#generation;
    this.#busy++;
    void job()
      .catch((error) => this.#events.broken(String(error)))
      .finally(() => {
        if (generation !== this.#generation) return;
        this.#busy--;
        this.#startPulls();
        this.#reportIfSynced();
      });
  }

  async #pull(socket: LinkSocket, name: string, fromSeq: number): Promise<void> {
    const position = this.#positions.get(name);
    if (!position) return;
    const params = { conversation: name, from_seq: fromSeq, limit: this.#tuning.history_page };
    try {
      const result = await socket.call("history.get", params, this.#tuning.request_timeout_ms);
      if (this.#positions.get(name) !== position || socket !== this.#socket) return;
      this.#take(name, position, position.history(result.epoch, result.entries, performance.now(), result.head, result.more));
    } catch (error) {
      if (!(error instanceof TrunklineError)) throw error;
      if (this.#positions.get(name) !== position || socket !== this.#socket) return;
      if (error.family === REFUSED) return this.#forget([name]); // it can no longer be read
      position.pullFailed(performance.now());
      this.#arm();
    }
  }

  async #locate(name: string): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    try {
      await this.know(await socket.call("conversation.get", { conversation: name }, this.#tuning.request_timeout_ms));
    } catch (error) {
      if (!(error instanceof TrunklineError)) throw error;
      this.#forget([name]);
      if (error.family !== REFUSED) this.sync();
    }
  }

  // ---------------------------------------------------------------- applying

  #enqueue(job: () => Promise<Changes>): Promise<void> {
    this.#ready.push(job);
    return this.#flush();
  }

  /** Write what is ready, one transaction at a time; resolves when nothing is. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#writeReady();
    return this.#flushing;
  }

  async #writeReady(): Promise<void> {
    await Promise.resolve(); // what else arrives in this turn goes along
    await this.#writeBatches();
    this.#flushing = undefined; // in the same turn in which there was nothing more
    this.#reportIfSynced();
  }

  async #writeBatches(): Promise<void> {
    while (this.#ready.length) {
      const ready = this.#ready.shift()!;
      let changes: Changes;
      try {
        changes = await (Array.isArray(ready) ? this.#applier.apply(ready) : ready());
      } catch (error) {
        // Positions in memory are ahead of the disk now: take them from the disk again.
        this.#ready = [];
        await this.load().catch(() => {});
        return this.#events.broken(String(error));
      }
      this.#events.changed(changes);
      for (const row of changes.applied ? (changes.rows ?? []) : []) if (!row.view && this.#socket) this.#work(() => this.#locate(row.conversation));
    }
  }

  async #write(job: () => Promise<Changes>): Promise<Changes> {
    try {
      const changes = await job();
      this.#events.changed(changes);
      return changes;
    } catch (error) {
      this.#events.broken(String(error));
      throw error;
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    let due = Infinity;
    for (const position of this.#positions.values()) due = Math.min(due, position.nextTimeoutMs() ?? Infinity);
    if (due === Infinity || !this.#socket) return;
    this.#timer = setTimeout(() => {
      const now = performance.now();
      for (const [name, position] of [...this.#positions]) this.#take(name, position, position.tick(now));
    }, Math.max(0, due - performance.now()) + 1);
  }

  #reportIfSynced(): void {
    if (!this.#caughtUp || this.#wanted.size || this.#busy || this.#flushing || !this.#socket) return;
    this.#caughtUp = false;
    this.#events.synced();
  }
}
