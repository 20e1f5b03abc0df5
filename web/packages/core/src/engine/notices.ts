// What the engine (the tab that holds the connection) tells every tab, and the numbers it works by.
// What lives here: shapes and defaults. What does not: how they travel (tabs), what tabs do with them (client).

import type { ConnectionState, SendOutcome, Tuning } from "../api.js";
import type { EntryView, ErrorBody, MessageSent } from "../generated/wire.js";
import type { ConversationRow, OutboxRow, ThreadRow } from "../store/store.js";

/** Id of a send. */
export type SendId = readonly [outbox: string, n: number];

/** As one text: the key of a message of this device. */
export const sendKey = (outbox: string, n: number): string => `${outbox}:${n}`;

export interface StateChange {
  state: ConnectionState;
  reason: string;
  retry_at_ms: number;
  close_code: number;
}

/** What one transaction did; rows and entries are whole, as they are in the store now. */
export interface Changes {
  rows?: ConversationRow[];
  /** The party is no longer in these. */
  removed?: string[];
  /** In order, as they arrived. */
  applied?: EntryView[];
  /** New entries and those that others changed, as stored. */
  entries?: EntryView[];
  /** Entries that were changed and are not on this device. */
  elsewhere?: { conversation: string; seq: number }[];
  outbox?: OutboxRow[];
  /** Rows that left the outbox. */
  settled?: SendId[];
  threads?: ThreadRow[];
  blocked?: string[];
  profile?: { party: string; name: string };
}

export type Notice =
  | { type: "state"; change: StateChange }
  /** Hello was accepted: what belongs to a connection is asked for again. */
  | { type: "welcomed"; party: string; device: string }
  | { type: "lost" }
  | { type: "changed"; changes: Changes }
  | { type: "sent"; outcome: Omit<SendOutcome, "error"> & { error?: ErrorBody; answer?: MessageSent } }
  /** Everything in the store may be different: read it again. */
  | { type: "reload" }
  | { type: "resync"; reason: string; history_dropped: boolean }
  | { type: "push"; event: string; body: any }
  | { type: "warning"; message: string };

export const TUNING: Tuning = {
  connect_timeout_ms: 10_000,
  request_timeout_ms: 15_000,
  call_timeout_ms: 30_000,
  max_outbox: 10_000,
  lane_window: 16,
  deliver_every_ms: 200,
  auto_delivered: true,
  initial_history: 40,
  sync_page: 200,
  history_page: 200,
  parallel_pulls: 4,
  draft_after_ms: 1_500,
};
