// The messages of one conversation that are not known to be accepted.
// What does not live here: sending them (sender).

import type { OutboxRow } from "../store/store.js";
import { sendKey } from "./notices.js";

export const CARD_CREATED = "card.created";
export const CARD_CHANGED = "card.changed";

/** Unaccepted messages, oldest first: flying, then again, then queue. */
export class Lane {
  queue: OutboxRow[] = [];
  flying = new Map<string, OutboxRow>();
  again: OutboxRow[] = [];
  attempt = 0;
  waitMs = 0;
  resting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly key: string,
    public window: number,
  ) {}

  get empty(): boolean {
    return !(this.queue.length || this.flying.size || this.again.length);
  }

  /** Number of the newest message on its way, which the next one must not overtake; 0 for none. */
  get lastSent(): number {
    let n = 0;
    for (const row of this.flying.values()) if (row.type !== CARD_CHANGED) n = row.n;
    return n;
  }

  /** A message was accepted: the way is free again, for a little more at a time. */
  accepted(most: number): void {
    this.attempt = 0;
    this.window = Math.min(most, this.window + 1 / this.window);
  }

  /** The server cannot take more now: half as much at a time, once for everything that is on its way. */
  setBack(): void {
    if (this.again.length) return;
    this.attempt++;
    this.window = Math.max(1, this.window / 2);
  }

  /** What must be sent again comes first, in its old order. */
  merge(): void {
    this.queue = [...this.again.sort((a, b) => a.order - b.order), ...this.queue];
    this.again = [];
  }

  /** Forget a message, wherever it is. */
  remove(row: OutboxRow): void {
    if (this.flying.delete(sendKey(row.outbox, row.n))) return;
    const other = (one: OutboxRow): boolean => one !== row;
    this.again = this.again.filter(other);
    this.queue = this.queue.filter(other);
  }
}

/** The method and parameters that a row asks for; all but `after` are the same at every attempt. */
export function requestOf(row: OutboxRow, after: number): [method: string, params: Record<string, unknown>] {
  const { type, content, n, conversation, recipient, reply_to, mentions, expires_in_ms, thread } = row;
  const params: Record<string, unknown> = { n, ...(recipient ? { to: recipient } : { conversation }) };
  if (after && type !== CARD_CHANGED) params.after = after; // an action stands for itself
  if (reply_to) params.reply_to = reply_to;
  if (mentions.length) params.mentions = mentions;
  if (expires_in_ms) params.expires_in_ms = expires_in_ms;
  if (thread) params.thread = thread;
  if (type === CARD_CREATED) return ["card.create", { ...params, ...content, outbox: row.outbox }];
  if (type === CARD_CHANGED) return ["card.act", { ...params, ...content, outbox: row.outbox }];
  return ["message.send", { ...params, type, content }];
}
