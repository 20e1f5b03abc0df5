// Sending: from the durable outbox to the server, in order within each conversation, until the outcome is known.
// Every message is on disk before it is sent, and is sent under the same (outbox, n) until the answer is definite. The
// messages of a conversation form a lane: several may be on their way, each naming the one before it (`after`). After any
// setback a lane learns the fate of everything on its way, then starts again from its oldest. Not here: the connection.

import type { Tuning } from "../api.js";
import type { EntryView, ErrorBody, MessageSent } from "../generated/wire.js";
import { retryDelayMs } from "../protocol/backoff.js";
import { directConversationId } from "../protocol/addresses.js";
import { newId, takeN } from "../store/identity.js";
import type { OutboxRow, Store } from "../store/store.js";
import { CARD_CHANGED, Lane, requestOf } from "./lane.js";
import { type Changes, type Notice, sendKey } from "./notices.js";
import type { LinkSocket } from "./socket.js";

const OUT_OF_ORDER = 3008;
const ID_CONFLICT = 3007;
const REFUSED_KEPT = 200;
const STARVED_MS = 50;

type Outcome = { error: ErrorBody } | { answer: MessageSent };

export interface SenderEvents {
  changed(changes: Changes): void;
  sent(outcome: Extract<Notice, { type: "sent" }>["outcome"]): void;
  reconnect(): void;
  renewToken(): void;
  broken(reason: string): void;
}

export class Sender {
  readonly #lanes = new Map<string, Lane>();
  readonly #where = new Map<string, [Lane, OutboxRow]>();
  #socket: LinkSocket | undefined;
  #sessionOutbox = "";
  #outcomes: [OutboxRow, Outcome][] = [];
  #flushing: Promise<void> | undefined;
  #starved = false;
  #early: OutboxRow[] | undefined = [];

  readonly #store: Store;
  readonly #tuning: Tuning;
  readonly #identity: { party: string; outbox: string };
  readonly #accepted: Map<string, OutboxRow>;
  readonly #events: SenderEvents;

  constructor(
    store: Store,
    tuning: Tuning,
    identity: { party: string; outbox: string },
    /** Accepted rows whose entries were not applied yet; the applier settles them. */
    accepted: Map<string, OutboxRow>,
    events: SenderEvents,
  ) {
    this.#store = store;
    this.#tuning = tuning;
    this.#identity = identity;
    this.#accepted = accepted;
    this.#events = events;
  }

  /**
   * What earlier runs left to be sent, and what tabs wrote before there was this engine: they told nobody of it. Read when
   * tabs know the engine, so that between the two nothing is missed; what they tell meanwhile comes behind it.
   */
  async load(): Promise<void> {
    const rows = await this.#store.transaction("read", (tx) => tx.list("outbox"));
    const early = this.#early ?? [];
    this.#early = undefined;
    this.add([...rows.sort((a, b) => a.order - b.order), ...early]);
  }

  /** Rows that are on disk; those known already are left alone. */
  add(rows: OutboxRow[]): void {
    if (this.#early) return void this.#early.push(...rows);
    const touched = new Set<Lane>();
    for (const row of rows) {
      const key = sendKey(row.outbox, row.n);
      if (row.status === "sent") this.#accepted.set(key, row);
      if (row.status === "pending" && !this.#where.has(key)) touched.add(this.#place(row));
    }
    for (const lane of touched) this.#pump(lane);
  }

  /** The outbox to name at hello: an older one as long as messages under its id may have been accepted. */
  helloOutbox(): string {
    const older = this.#rows().filter((row) => row.outbox !== this.#identity.outbox);
    return older[0]?.outbox ?? this.#identity.outbox;
  }

  /** A connection was welcomed; false if another one, with another outbox, must follow at once. */
  async start(socket: LinkSocket, sessionOutbox: string, outboxN: number, current: () => boolean): Promise<boolean> {
    this.#sessionOutbox = sessionOutbox;
    await this.#flush();
    await this.#resolveRecipients();
    if (sessionOutbox === this.#identity.outbox) await this.#moveIfCopied(outboxN);
    if (!current()) return true;
    if (this.#oldOutboxDone()) return false;
    this.#socket = socket;
    for (const lane of [...this.#lanes.values()]) this.#wake(lane);
    return true;
  }

  lost(): void {
    this.#socket = undefined;
  }

  async stop(): Promise<void> {
    this.lost();
    for (const lane of this.#lanes.values()) clearTimeout(lane.resting);
    await this.#flush();
  }

  /** Entries were applied; those made by this outbox are thereby accepted, whatever became of the answer. */
  applied(entries: EntryView[]): void {
    for (const entry of entries) {
      const found = entry.outbox && this.#where.get(sendKey(entry.outbox, entry.n ?? 0));
      if (!found) continue;
      const { conversation, epoch, seq, at_ms, content } = entry;
      const event = entry.type === CARD_CHANGED ? { event: content?.event } : {};
      this.#finish(found[1], { answer: { conversation, epoch, seq, at_ms, ...event } });
      this.#pump(found[0]);
    }
  }

  // ---------------------------------------------------------------- lanes

  #rows(): OutboxRow[] {
    return [...this.#where.values()].map(([, row]) => row).sort((a, b) => a.order - b.order);
  }

  #place(row: OutboxRow): Lane {
    const key = row.conversation || `to:${row.recipient}`;
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = new Lane(key, this.#tuning.lane_window)));
    lane.queue.push(row);
    this.#where.set(sendKey(row.outbox, row.n), [lane, row]);
    return lane;
  }

  /** Now that the party is known, direct messages join the lane of their conversation. */
  async #resolveRecipients(): Promise<void> {
    const rows = this.#rows();
    const open = rows.filter((row) => !row.conversation);
    if (!open.length) return;
    for (const row of open) row.conversation = directConversationId(this.#identity.party, row.recipient);
    await this.#put(open);
    this.#lanes.clear();
    this.#where.clear();
    for (const row of rows) this.#place(row);
  }

  /**
   * `seenN` is the highest number the server accepted from this outbox. If this store never used that many, it is an old
   * copy of itself, and numbers from now on would meet other messages: it mints a new outbox id. Messages the server
   * cannot have seen move there; the others ask under their old id first.
   */
  async #moveIfCopied(seenN: number): Promise<void> {
    const old = this.#identity.outbox;
    const moved = await this.#store.transaction("durable", async (tx) => {
      const next = (await tx.get("meta", ["next_n"]))?.value ?? 1;
      if (seenN < next) return false;
      this.#identity.outbox = newId();
      tx.put("meta", { key: "outbox", value: this.#identity.outbox });
      tx.put("meta", { key: "next_n", value: 1 });
      return true;
    });
    if (!moved) return;
    for (const row of this.#rows()) if (row.outbox === old && row.n > seenN) await this.#rename(row);
  }

  /** Give a row that was certainly not accepted an id in the current outbox. */
  async #rename(row: OutboxRow): Promise<void> {
    const before = [row.outbox, row.n] as const;
    const [lane] = this.#where.get(sendKey(...before))!;
    await this.#store.transaction("durable", async (tx) => {
      const [outbox, n] = await takeN(tx);
      tx.delete("outbox", [...before]);
      tx.put("outbox", Object.assign(row, { outbox, n }));
    });
    this.#where.delete(sendKey(...before));
    this.#where.set(sendKey(row.outbox, row.n), [lane, row]);
    this.#events.changed({ outbox: [row], settled: [before] });
  }

  /** Whether this connection served an older outbox and nothing of it is left. */
  #oldOutboxDone(): boolean {
    return this.#sessionOutbox !== this.#identity.outbox && !this.#rows().some((row) => row.outbox === this.#sessionOutbox);
  }

  #wake(lane: Lane): void {
    clearTimeout(lane.resting);
    lane.resting = undefined;
    lane.waitMs = 0;
    this.#pump(lane);
  }

  /** Send as much of a lane as may be on its way. */
  #pump(lane: Lane): void {
    if (lane.again.length) {
      if (lane.flying.size || lane.resting !== undefined) return;
      if (lane.waitMs > 0) {
        lane.resting = setTimeout(() => this.#wake(lane), lane.waitMs);
        return;
      }
      lane.merge();
    }
    const socket = this.#socket;
    while (lane.queue.length && lane.resting === undefined && lane.flying.size < Math.floor(lane.window)) {
      const row = lane.queue[0]!;
      if (!socket || row.outbox !== this.#sessionOutbox) break;
      if (!socket.ready) {
        this.#starve();
        break;
      }
      const after = lane.lastSent;
      lane.queue.shift();
      lane.flying.set(sendKey(row.outbox, row.n), row);
      const [method, params] = requestOf(row, after);
      socket.ask(method, params, this.#tuning.request_timeout_ms, (error, answer) => {
        // Otherwise its entry arrived first.
        if (lane.flying.has(sendKey(row.outbox, row.n))) this.#answered(lane, row, after, error, answer);
      });
      if (lane.again.length) break;
    }
    if (lane.empty) this.#lanes.delete(lane.key);
  }

  /** The connection takes no more requests now; look again soon. */
  #starve(): void {
    if (this.#starved) return;
    this.#starved = true;
    setTimeout(() => {
      this.#starved = false;
      if (this.#socket) for (const lane of [...this.#lanes.values()]) this.#pump(lane);
    }, STARVED_MS);
  }

  #answered(lane: Lane, row: OutboxRow, after: number, error: ErrorBody | undefined, answer: MessageSent): void {
    if (!error) {
      lane.accepted(this.#tuning.lane_window);
      this.#outcomes.push([row, { answer }]);
      void this.#flush();
    } else if (error.code === OUT_OF_ORDER && after) {
      this.#repeat(lane, row, 0); // the one before it was refused; it may still go by itself
    } else if (error.code === ID_CONFLICT && row.outbox !== this.#identity.outbox) {
      // An old copy of the store used this number for another message: this one was never accepted.
      lane.flying.delete(sendKey(row.outbox, row.n));
      void this.#rename(row).then(() => {
        // Behind what still has to ask under the old id, for this connection serves only that.
        lane.queue.push(row);
        lane.queue.sort((a, b) => Number(a.outbox === row.outbox) - Number(b.outbox === row.outbox) || a.order - b.order);
        this.#pump(lane);
        this.#afterSettling();
      });
      return;
    } else if (error.retry === "never") {
      this.#outcomes.push([row, { error }]);
      void this.#flush();
    } else {
      lane.setBack();
      this.#repeat(lane, row, retryDelayMs(error.retry_ms ?? 0, lane.attempt, Math.random()));
      if (error.retry === "new_token") this.#events.renewToken();
    }
    this.#afterSettling();
  }

  /** Not accepted as far as we know: once nothing of the lane is on its way, start again from the oldest. */
  #repeat(lane: Lane, row: OutboxRow, waitMs: number): void {
    lane.flying.delete(sendKey(row.outbox, row.n));
    lane.again.push(row);
    lane.waitMs = Math.max(lane.waitMs, waitMs);
    this.#pump(lane);
  }

  // ---------------------------------------------------------------- outcomes

  #flush(): Promise<void> {
    this.#flushing ??= this.#writeOutcomes();
    return this.#flushing;
  }

  /** Write what this turn brought in one transaction, then tell about it and go on. */
  async #writeOutcomes(): Promise<void> {
    await Promise.resolve();
    while (this.#outcomes.length) {
      const outcomes = this.#outcomes;
      this.#outcomes = [];
      try {
        this.#events.changed(await this.#store.transaction("plain", (tx) => this.#writeRows(tx, outcomes)));
      } catch (error) {
        // The outcomes are true all the same; after a restart the server repeats its answers.
        this.#events.broken(String(error));
      }
      for (const [row, outcome] of outcomes) {
        const lane = this.#where.get(sendKey(row.outbox, row.n))?.[0];
        if (!lane) continue; // its entry was applied meanwhile
        this.#finish(row, outcome);
        this.#pump(lane);
      }
      this.#afterSettling();
    }
    this.#flushing = undefined; // in the same turn in which there was nothing more
  }

  async #writeRows(tx: Parameters<Parameters<Store["transaction"]>[1]>[0], outcomes: [OutboxRow, Outcome][]): Promise<Changes> {
    const outbox: OutboxRow[] = [];
    const settled: [string, number][] = [];
    for (const [row, outcome] of outcomes) {
      const id: [string, number] = [row.outbox, row.n];
      if (!(await tx.get("outbox", id))) continue;
      if ("error" in outcome) {
        outbox.push(Object.assign(row, { status: "refused", error: outcome.error }));
      } else {
        const { conversation, seq } = outcome.answer;
        // Kept until its entry is applied, so that a view never loses it in between.
        Object.assign(row, { status: "sent", conversation, seq });
        if (((await tx.get("conversations", [conversation]))?.last ?? 0) >= seq) {
          tx.delete("outbox", id);
          settled.push(id);
          continue;
        }
        this.#accepted.set(sendKey(...id), row);
        outbox.push(row);
      }
      tx.put("outbox", row);
    }
    if (outbox.some((row) => row.status === "refused")) {
      const refused = (await tx.list("outbox")).filter((row) => row.status === "refused").sort((a, b) => b.order - a.order);
      for (const row of refused.slice(REFUSED_KEPT)) {
        tx.delete("outbox", [row.outbox, row.n]);
        settled.push([row.outbox, row.n]);
      }
    }
    return { outbox, settled };
  }

  #finish(row: OutboxRow, outcome: Outcome): void {
    const { outbox, n } = row;
    const key = sendKey(outbox, n);
    this.#where.get(key)?.[0].remove(row);
    this.#where.delete(key);
    if ("error" in outcome) this.#events.sent({ outbox, n, conversation: row.conversation, seq: 0, error: outcome.error });
    else this.#events.sent({ outbox, n, conversation: outcome.answer.conversation, seq: outcome.answer.seq, answer: outcome.answer });
  }

  #afterSettling(): void {
    if (!this.#socket || !this.#oldOutboxDone()) return;
    this.#socket = undefined;
    this.#events.reconnect();
  }

  async #put(rows: OutboxRow[]): Promise<void> {
    await this.#store.transaction("plain", async (tx) => {
      for (const row of rows) tx.put("outbox", row);
    });
    this.#events.changed({ outbox: rows });
  }
}
