// Telling the server how far this party has received and read: coalesced, repeated after reconnections.
// What does not live here: what others have read (views and cursor pushes).

import type { Tuning } from "../api.js";
import type { Cursor, EntryView } from "../generated/wire.js";
import { retryDelayMs } from "../protocol/backoff.js";
import type { ConversationRow } from "../store/store.js";
import type { LinkSocket } from "./socket.js";

const AT_ONCE = 8;

/** Positions to report, one request per conversation however many entries arrived. */
export class Marks {
  #socket: LinkSocket | undefined;
  readonly #delivered = new Map<string, number>();
  readonly #reads = new Map<string, number>();
  readonly #flying = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Infinity;
  #failures = 0;

  readonly #tuning: Tuning;
  readonly #me: () => string;
  readonly #moved: (cursor: Cursor) => void;

  constructor(
    tuning: Tuning,
    me: () => string,
    moved: (cursor: Cursor) => void,
  ) {
    this.#tuning = tuning;
    this.#me = me;
    this.#moved = moved;
  }

  /** A connection is up: report what the server does not know yet. */
  start(socket: LinkSocket, rows: ConversationRow[]): void {
    this.#socket = socket;
    for (const { conversation, view, removed, last, read_wanted } of rows) {
      if (removed || !view || view.left_seq) continue;
      const { read = 0, delivered = 0 } = view;
      if (read_wanted > read) this.#reads.set(conversation, read_wanted);
      const behind = last !== null && delivered < last && last >= read;
      if (this.#tuning.auto_delivered && behind && !this.#delivered.has(conversation)) this.#delivered.set(conversation, last);
    }
    this.#plan(0);
  }

  /** No connection: keep what there is to report. */
  lost(): void {
    this.#socket = undefined;
    this.#flying.clear();
  }

  stop(): void {
    this.lost();
    clearTimeout(this.#timer);
  }

  /** Entries were stored: they count as delivered, unless they are our own. */
  applied(entries: EntryView[]): void {
    if (!this.#tuning.auto_delivered) return;
    for (const { sender, conversation, seq } of entries) if (sender !== this.#me()) this.#delivered.set(conversation, seq);
    this.#plan(this.#tuning.deliver_every_ms);
  }

  /** Everything up to `seq` was read. */
  read(conversation: string, seq: number): void {
    this.#reads.set(conversation, Math.max(seq, this.#reads.get(conversation) ?? 0));
    this.#plan(0);
  }

  #plan(delayMs: number): void {
    if (!this.#socket || !(this.#delivered.size || this.#reads.size)) return;
    const due = performance.now() + delayMs;
    if (this.#timer !== undefined && this.#dueMs <= due) return;
    clearTimeout(this.#timer);
    this.#dueMs = due;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const name of new Set([...this.#reads.keys(), ...this.#delivered.keys()])) {
        if (!this.#socket || this.#flying.size >= AT_ONCE) return;
        if (!this.#flying.has(name)) this.#ask(this.#socket, name);
      }
    }, delayMs);
  }

  #ask(socket: LinkSocket, conversation: string): void {
    const delivered = this.#delivered.get(conversation) ?? 0;
    const read = this.#reads.get(conversation) ?? 0;
    this.#delivered.delete(conversation);
    this.#reads.delete(conversation);
    this.#flying.add(conversation);
    socket.ask("cursor.move", { conversation, delivered, read }, this.#tuning.request_timeout_ms, (error, cursor) => {
      if (this.#socket !== socket) return; // the next connection reports from the store
      this.#flying.delete(conversation);
      if (!error) {
        this.#failures = 0;
        this.#moved(cursor);
      } else if (error.code >= 4000) {
        if (!this.#delivered.has(conversation)) this.#delivered.set(conversation, delivered);
        if (read && !this.#reads.has(conversation)) this.#reads.set(conversation, read);
        return this.#plan(retryDelayMs(error.retry_ms ?? 0, ++this.#failures, 0.5));
      }
      this.#plan(this.#reads.size ? 0 : this.#tuning.deliver_every_ms);
    });
  }
}
