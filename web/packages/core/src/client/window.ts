// A window over the messages of one conversation (or of a thread): what is on this device from the store, what is older
// than that from the server; kept up to date, and let go at the far end when it grows.
// What does not live here: what a message looks like (messages), applying entries (engine).

import type { Message, MessageWindow, WindowOptions, WindowState } from "../api.js";
import { TrunklineError } from "../errors.js";
import type { EntryView, History } from "../generated/wire.js";
import { CARD_CHANGED, CARD_CREATED } from "../engine/lane.js";
import type { Changes } from "../engine/notices.js";
import type { Command } from "../engine/tabs.js";
import { isShown } from "../protocol/entries.js";
import type { Store } from "../store/store.js";
import { cardViews, cardsReady, messageOf, messageOfRow } from "./messages.js";
import type { Model } from "./model.js";
import { Value } from "./observable.js";

const PAGE = 100;

/** What windows need of the client. */
export interface WindowHost {
  store: Store;
  model: Model;
  ask(method: string, params: any): Promise<any>;
  command(command: Command): void;
  closed(window: Window): void;
  opened: Promise<void>;
}

/** Entries of a stretch of the log, ascending, and the seqs it covers (both included). */
interface Stretch {
  entries: EntryView[];
  from: number;
  to: number;
}

export class Window extends Value<WindowState> implements MessageWindow {
  readonly ready: Promise<void>;
  conversation = "";
  readonly #thread: number;
  readonly #max: number;
  #entries: EntryView[] = [];
  /** Covered: every shown entry of these seqs is in `entries`. */
  #from = 1;
  #to = 0;
  #known = false;
  #turn: Promise<void> = Promise.resolve();
  #cache = new WeakMap<EntryView, Message>();

  readonly #host: WindowHost;
  readonly #options: WindowOptions;

  constructor(
    host: WindowHost,
    address: () => string,
    options: WindowOptions,
  ) {
    super({ items: [], at_start: false, at_end: false, loading: "around" });
    this.#host = host;
    this.#options = options;
    this.#thread = options.thread ?? 0;
    this.#max = options.max ?? 600;
    this.ready = host.opened.then(() => {
      this.conversation = address();
      return this.reload();
    });
    this.ready.catch(() => {});
  }

  close(): void {
    this.listeners.clear();
    this.#host.closed(this);
  }

  loadBefore(count = 40): Promise<void> {
    return this.#load("before", async () => {
      await this.#extendBefore(count);
      if (this.#entries.length > this.#max) {
        this.#entries = this.#entries.slice(0, this.#max);
        this.#to = this.#entries[this.#max - 1]!.seq;
        this.#tail = false;
      }
    });
  }

  loadAfter(count = 40): Promise<void> {
    return this.#load("after", async () => {
      await this.#extendAfter(count);
      this.#letGoBefore(this.#max);
    });
  }

  async loadAround(seq: number, count = this.#options.limit ?? 40): Promise<boolean> {
    await this.#load("around", async () => {
      this.#tail = false;
      this.#entries = [];
      this.#from = seq + 1;
      this.#to = seq;
      await this.#extendBefore(Math.ceil(count / 2));
      await this.#extendAfter(Math.floor(count / 2));
    });
    return this.#entries.some((entry) => entry.seq === seq);
  }

  toLatest(): Promise<void> {
    return this.#load("around", async () => {
      const row = this.#host.model.rows.get(this.conversation);
      this.#known = !!row && row.last !== null;
      this.#tail = true;
      this.#entries = [];
      this.#to = row?.last ?? (await this.#headAtServer());
      this.#from = this.#to + 1;
      await this.#extendBefore(this.#options.limit ?? 40);
    });
  }

  async find(seq: number): Promise<Message | undefined> {
    let entry = this.#entries.find((one) => one.seq === seq);
    entry ??= await this.#host.store.transaction("read", (tx) => tx.get("entries", [this.conversation, seq]));
    entry ??= (await this.#fetch({ from_seq: seq, to_seq: seq, limit: 1 }).catch(() => undefined))?.entries[0];
    if (entry?.type === CARD_CREATED) await cardViews().catch(() => {});
    return entry && entry.type !== "placeholder" ? this.#show(entry) : undefined;
  }

  /** Everything may be different: the store was read again, or its logs began anew. */
  reload(): Promise<void> {
    const { around } = this.#options;
    if (!this.conversation) return this.ready;
    return around && !this.#known ? this.loadAround(around).then(() => {}) : this.toLatest();
  }

  /** A transaction of some tab. */
  take(changes: Changes): void {
    if (this.conversation) this.#change(changes);
  }

  #change({ rows = [], entries = [], elsewhere = [], outbox = [], settled = [] }: Changes): void {
    const mine = rows.find((row) => row.conversation === this.conversation);
    if (mine && !this.#known && mine.last !== null) {
      this.#known = true;
      if (!this.#options.around) void this.reload(); // it was not known here when the window opened
    }
    let changed = outbox.length + settled.length > 0;
    for (const entry of entries) if (entry.conversation === this.conversation) changed = this.#merge(entry) || changed;
    if (this.#tail && !this.#catchingUp && (mine?.last ?? 0) > this.#to) {
      // It came while the window was reading.
      this.#catchingUp = true;
      void this.#load("after", () => this.#extendAfter(PAGE)).finally(() => (this.#catchingUp = false));
    }
    for (const { conversation, seq } of elsewhere) if (conversation === this.conversation && this.#index(seq) >= 0) void this.#refetch(seq);
    if (changed || mine) this.#publish({});
  }

  // ---------------------------------------------------------------- what is there

  #wasAtEnd = false;
  /** Whether the window is meant to follow the newest. */
  #tail = false;
  #catchingUp = false;

  #merge(entry: EntryView): boolean {
    const at = this.#index(entry.seq);
    const shown = this.#belongs(entry);
    if (at >= 0) {
      if (shown) this.#entries = [...this.#entries.slice(0, at), entry, ...this.#entries.slice(at + 1)];
      else this.#entries = this.#entries.filter((_, i) => i !== at);
      return true;
    }
    // A thread shows its first message's changes elsewhere; everything new comes at the end.
    if (!this.#wasAtEnd || entry.seq <= this.#to) return false;
    this.#to = entry.seq;
    if (!shown) return false;
    this.#entries = [...this.#entries, entry];
    this.#letGoBefore(2 * this.#max);
    return true;
  }

  #belongs(entry: EntryView): boolean {
    return isShown(entry.type) && (entry.thread ?? 0) === this.#thread;
  }

  #index(seq: number): number {
    let low = 0;
    let high = this.#entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#entries[middle]!.seq;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #letGoBefore(most: number): void {
    if (this.#entries.length <= most) return;
    this.#entries = this.#entries.slice(-this.#max);
    this.#from = this.#entries[0]!.seq;
  }

  async #refetch(seq: number): Promise<void> {
    const entry = (await this.#fetch({ from_seq: seq, to_seq: seq, limit: 1 }).catch(() => undefined))?.entries[0];
    if (entry && this.#merge(entry)) this.#publish({});
  }

  #show(entry: EntryView): Message {
    const { model } = this.#host;
    // A card looks different with every action that waits.
    if (entry.type === CARD_CREATED) return messageOf(entry, model.party, model.outbox.size ? model.unsettled(this.conversation) : []);
    let message = this.#cache.get(entry);
    if (!message) this.#cache.set(entry, (message = messageOf(entry, model.party)));
    return message;
  }

  #publish(change: Partial<WindowState>): void {
    const { model } = this.#host;
    const row = model.rows.get(this.conversation);
    const at_end = this.#to >= (row?.last ?? 0);
    this.#wasAtEnd = at_end;
    if (!cardsReady() && this.#entries.some(({ type }) => type === CARD_CREATED)) void cardViews().then(() => this.#publish({}), () => {});
    const items = this.#entries.map((entry) => this.#show(entry));
    if (at_end && model.outbox.size) {
      for (const one of model.unsettled(this.conversation)) {
        if (one.type !== CARD_CHANGED && one.thread === this.#thread) items.push(messageOfRow(one, model.party));
      }
    }
    this.set({ loading: "", ...change, items, at_start: this.#from <= this.#firstSeq(), at_end });
  }

  // ---------------------------------------------------------------- reading

  /** The first seq that this party may see here. */
  #firstSeq(): number {
    return this.#thread ? this.#thread + 1 : (this.#host.model.rows.get(this.conversation)?.view?.first_visible_seq ?? 1);
  }

  #load(loading: "before" | "after" | "around", job: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(async () => {
      this.set({ ...this.get(), loading });
      try {
        await job();
        this.#publish({});
      } catch (error) {
        this.#publish(error instanceof TrunklineError ? { error } : {});
        if (!(error instanceof TrunklineError)) throw error;
      }
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  async #extendBefore(count: number): Promise<void> {
    for (let missing = count; missing > 0 && this.#from > this.#firstSeq(); ) {
      const { entries, from } = await this.#readBefore(this.#from - 1, missing);
      const shown = entries.filter((entry) => this.#belongs(entry));
      this.#entries = [...shown, ...this.#entries];
      this.#from = from;
      missing -= shown.length;
    }
  }

  async #extendAfter(count: number): Promise<void> {
    for (let missing = count; missing > 0; ) {
      const last = this.#host.model.rows.get(this.conversation)?.last ?? 0;
      if (this.#to >= last) {
        this.#tail = true;
        break;
      }
      const { entries, to } = await this.#readAfter(this.#to + 1, last, missing);
      const shown = entries.filter((entry) => this.#belongs(entry));
      this.#entries = [...this.#entries, ...shown];
      this.#to = to;
      missing -= shown.length;
    }
  }

  async #readBefore(top: number, count: number): Promise<Stretch> {
    const floor = this.#floor();
    if (top >= floor) return this.#stored(floor, top, true, count);
    const to = top;
    const from = Math.max(this.#firstSeq(), to - PAGE + 1);
    const { entries } = await this.#fetch({ from_seq: this.#thread ? 0 : from, to_seq: to, limit: PAGE, newest_first: true });
    if (this.#thread) return { entries, from: entries.length < PAGE ? this.#firstSeq() : entries[0]!.seq, to };
    // Directly below what this device holds: kept, so the next time it is here.
    if (to === floor - 1 && entries.at(-1)?.seq === to) this.#host.command({ do: "keep", what: "history", args: [this.conversation, entries] });
    return { entries, from: entries[0]?.seq ?? this.#firstSeq(), to };
  }

  async #readAfter(from: number, last: number, count: number): Promise<Stretch> {
    const floor = this.#floor();
    if (from >= floor) return this.#stored(from, last, false, count);
    const { entries, more } = await this.#fetch({ from_seq: from, to_seq: floor - 1, limit: PAGE });
    const reached = this.#thread && more ? entries.at(-1)!.seq : this.#thread ? floor - 1 : (entries.at(-1)?.seq ?? floor - 1);
    return { entries, from, to: reached };
  }

  #floor(): number {
    const row = this.#host.model.rows.get(this.conversation);
    return row && row.last !== null ? row.floor : Infinity;
  }

  #stored(from: number, to: number, reverse: boolean, limit: number): Promise<Stretch> {
    const { conversation } = this;
    const thread = this.#thread;
    return this.#host.store.transaction("read", async (tx) => {
      let entries: EntryView[];
      let found: { seq: number }[];
      if (thread) {
        found = await tx.list("replies", { prefix: [conversation, thread], from, to, limit, reverse });
        entries = [];
        for (const { seq } of found) {
          const entry = await tx.get("entries", [conversation, seq]);
          if (entry) entries.push(entry);
        }
      } else found = entries = await tx.list("entries", { prefix: [conversation], from, to, limit, reverse });
      const whole = found.length < limit;
      const furthest = found.at(-1)?.seq ?? 0;
      if (reverse) entries = [...entries].reverse();
      return reverse ? { entries, from: whole ? from : furthest, to } : { entries, from, to: whole ? to : furthest };
    });
  }

  #fetch(range: { from_seq?: number; to_seq?: number; limit: number; newest_first?: boolean }): Promise<History> {
    const { conversation } = this;
    const thread = this.#thread;
    return this.#host.ask(thread ? "thread.history" : "history.get", thread ? { conversation, thread, ...range } : { conversation, ...range });
  }

  /** The newest seq of a conversation that this device does not hold; 0 where there is none (yet). */
  async #headAtServer(): Promise<number> {
    try {
      return (await this.#host.ask("history.get", { conversation: this.conversation, limit: 1, newest_first: true })).head;
    } catch (error) {
      if (error instanceof TrunklineError && (error.family === 3 || error.retry === "later")) return 0;
      throw error;
    }
  }
}
