// Where a client stands in one conversation: the gap rule of spec/link.md section 4, as a machine.
// It takes pushed entries, results of history.get and heads, in any order and any number of times, and says what to do:
// apply entries (each once, in order), ask for a range, or start over. What does not live here: doing any of it.

const HOLD_MS = 300;
const MAX_HELD = 256;
const MAX_STALL_MS = 30_000;

export interface Positioned {
  epoch: number;
  seq: number;
}

export type Action<E> =
  /** Apply these in this order and advance `last` in the same transaction. */
  | { type: "apply"; entries: E[] }
  /** A repeat, or one too many to hold. */
  | { type: "ignore"; seq: number }
  /** Kept until the gap before it closes; call `tick` at `untilMs`. */
  | { type: "hold"; seq: number; untilMs: number }
  /** Request history.get {from_seq} and hand the result to `history` (or call `pullFailed`). */
  | { type: "pull"; fromSeq: number }
  /** Ask for the conversation's view and call `locate` with its first visible seq. */
  | { type: "locate"; seq: number }
  /** Another epoch: drop all positions of all conversations and sync from the start. */
  | { type: "resync"; epoch: number };

/** The state of one conversation; `last` null: it is not known where the conversation begins for this reader. */
export class Position<E extends Positioned> {
  readonly #heldEntries = new Map<number, { entry: E; atMs: number }>();
  #target: number;
  #floor = 1;
  #pulling = false;
  #expectedAtMs: number | null = null;
  #retryAtMs: number | null = null;
  #stalls = 0;
  #ended = false;

  readonly #maxHeld: number;

  constructor(
    readonly epoch: number,
    public last: number | null,
    maxHeld = MAX_HELD,
  ) {
    this.#maxHeld = maxHeld;
    this.#target = last ?? 0;
  }

  /** Seqs that wait for an earlier one, ascending. */
  get held(): number[] {
    return [...this.#heldEntries.keys()].sort((a, b) => a - b);
  }

  /** Whether everything known to exist is applied. */
  get complete(): boolean {
    return this.last !== null && this.#target <= this.last;
  }

  /** An entry arrived by push. */
  push(entry: E, nowMs: number): Action<E>[] {
    if (this.#ended) return [];
    if (entry.epoch !== this.epoch) return this.#end(entry.epoch);
    const { seq } = entry;
    if (this.last === null && seq === 1) this.last = 0;
    if (this.last === null) {
      const asked = this.#heldEntries.size > 0;
      this.#keep(entry, nowMs);
      return asked ? [] : [{ type: "locate", seq }];
    }
    if (seq <= this.last || this.#heldEntries.has(seq)) return [{ type: "ignore", seq }];
    if (seq === this.last + 1) return [this.#advance([entry])];
    this.#keep(entry, nowMs);
    return [this.#heldEntries.has(seq) ? { type: "hold", seq, untilMs: nowMs + HOLD_MS } : { type: "ignore", seq }];
  }

  /** The conversation begins at this seq for this reader; a later, higher one: the range below is not visible. */
  locate(firstVisibleSeq: number, _nowMs: number): Action<E>[] {
    if (this.#ended) return [];
    this.#floor = Math.max(this.#floor, firstVisibleSeq);
    if (this.last !== null) return [];
    this.last = firstVisibleSeq - 1;
    this.#dropHeldUpTo(this.last);
    const applied = this.#advance([]);
    return [...(applied.entries.length ? [applied] : []), ...this.#pullNow()];
  }

  /** The log reaches at least to `seq`; `pushed`: the entry is on its way, so wait for it as for any gap. */
  head(seq: number, nowMs: number, pushed = false): Action<E>[] {
    if (this.#ended) return [];
    this.#target = Math.max(this.#target, seq);
    if (this.complete) return [];
    if (!pushed) return this.#pullNow();
    this.#expectedAtMs ??= nowMs;
    return [];
  }

  /** The answer to a pull: ascending entries, the newest visible seq, and whether more follow. */
  history(epoch: number, entries: readonly E[], nowMs: number, head: number, more = false): Action<E>[] {
    this.#pulling = false;
    if (this.#ended) return [];
    if (epoch !== this.epoch) return this.#end(epoch);
    if (this.last === null) return [];
    const before: number = this.last;
    const fresh = this.#continuing(entries);
    if (!fresh) return this.#end(0);
    const actions: Action<E>[] = [];
    const applied = this.#advance(fresh);
    if (applied.entries.length) actions.push(applied);
    this.#target = Math.max(this.#target, head);
    if (!more && head <= this.last && !this.#heldEntries.size) this.#target = this.last;
    if (this.complete) {
      this.#settle();
      return actions;
    }
    if (this.last > before) {
      this.#stalls = 0;
      if (head > this.last || more) return [...actions, ...this.#pullNow()];
    }
    this.#wait(nowMs);
    return actions;
  }

  /** A pull was refused or lost; it is repeated after a growing wait. */
  pullFailed(nowMs: number): void {
    this.#pulling = false;
    this.#wait(nowMs);
  }

  /** A new connection: what was asked on the old one will not be answered. */
  reconnected(_nowMs: number): Action<E>[] {
    this.#pulling = false;
    this.#stalls = 0;
    this.#retryAtMs = null;
    if (this.#ended) return [];
    if (this.last === null) return this.#heldEntries.size ? [{ type: "locate", seq: this.held[0]! }] : [];
    return this.complete ? [] : this.#pullNow();
  }

  /** When `tick` has something to do; null when nothing waits. */
  nextTimeoutMs(): number | null {
    if (this.#ended || this.#pulling || this.complete || this.last === null) return null;
    if (this.#retryAtMs !== null) return this.#retryAtMs;
    let since = this.#expectedAtMs ?? Infinity;
    for (const { atMs } of this.#heldEntries.values()) since = Math.min(since, atMs);
    return since === Infinity ? null : since + HOLD_MS;
  }

  /** Time has passed. */
  tick(nowMs: number): Action<E>[] {
    const due = this.nextTimeoutMs();
    return due !== null && nowMs >= due ? this.#pullNow() : [];
  }

  /** The entries that follow `last` without a hole; null when one is of another epoch. */
  #continuing(entries: readonly E[]): E[] | null {
    const fresh: E[] = [];
    let expected = this.last! + 1;
    for (const entry of entries) {
      if (entry.epoch !== this.epoch) return null;
      if (entry.seq < expected) continue;
      if (entry.seq > expected) {
        if (fresh.length || entry.seq !== this.#floor) break; // a hole is never an answer; beyond it is asked for again
        this.last = entry.seq - 1;
      }
      fresh.push(entry);
      expected = entry.seq + 1;
    }
    return fresh;
  }

  /** Move `last` over the given entries and the held ones that follow them directly. */
  #advance(entries: E[]): { type: "apply"; entries: E[] } {
    if (entries.length) this.last = entries[entries.length - 1]!.seq;
    for (let next; (next = this.#heldEntries.get(this.last! + 1)); ) {
      entries.push(next.entry);
      this.last!++;
      this.#heldEntries.delete(this.last!);
    }
    this.#dropHeldUpTo(this.last!);
    this.#target = Math.max(this.#target, this.last!);
    if (this.complete) this.#settle();
    return { type: "apply", entries };
  }

  #dropHeldUpTo(last: number): void {
    for (const seq of this.#heldEntries.keys()) if (seq <= last) this.#heldEntries.delete(seq);
  }

  #keep(entry: E, nowMs: number): void {
    this.#target = Math.max(this.#target, entry.seq);
    if (!this.#heldEntries.has(entry.seq)) this.#heldEntries.set(entry.seq, { entry, atMs: nowMs });
    if (this.#heldEntries.size > this.#maxHeld) {
      // The lowest close the gap soonest; the highest are asked for again like any lost push.
      this.#heldEntries.delete(Math.max(...this.#heldEntries.keys()));
      this.#expectedAtMs ??= nowMs;
    }
  }

  #pullNow(): Action<E>[] {
    if (this.#pulling || this.last === null || this.complete) return [];
    this.#pulling = true;
    this.#retryAtMs = this.#expectedAtMs = null;
    return [{ type: "pull", fromSeq: this.last + 1 }];
  }

  #wait(nowMs: number): void {
    this.#retryAtMs = nowMs + Math.min(HOLD_MS * 2 ** Math.min(this.#stalls, 10), MAX_STALL_MS);
    this.#stalls++;
  }

  #settle(): void {
    this.#stalls = 0;
    this.#retryAtMs = this.#expectedAtMs = null;
  }

  #end(epoch: number): Action<E>[] {
    this.#ended = true;
    this.#heldEntries.clear();
    return [{ type: "resync", epoch }];
  }
}
