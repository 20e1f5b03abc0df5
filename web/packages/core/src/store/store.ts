// What the client needs of a local store: a few tables with ordered keys, and transactions over them.
// What lives here: the port. What does not: IndexedDB (indexeddb), memory (memory), a file (node), and what the rows mean.

import type { ConversationView, EntryView, ErrorBody, Profile } from "../generated/wire.js";

/** What is kept of one conversation. */
export interface ConversationRow {
  conversation: string;
  /** The gap rule's position; null: it is not known where the conversation begins. */
  last: number | null;
  /** The lowest seq kept here without a hole up to `last`. */
  floor: number;
  head: number;
  /** How far I read here; the server may not know yet. */
  read_wanted: number;
  removed: boolean;
  view: ConversationView | null;
  /** The text on this device's composer; undefined: what the settings say. */
  draft?: string;
}

/** A message on its way; `(outbox, n)` is its id at the server. */
export interface OutboxRow {
  outbox: string;
  n: number;
  /** Order of writing on this device. */
  order: number;
  conversation: string;
  recipient: string;
  type: string;
  content: any;
  reply_to: number;
  mentions: string[];
  expires_in_ms: number;
  thread: number;
  created_at_ms: number;
  /** `pending`: not known to be accepted. `sent`: accepted, its entry not applied yet. `refused`: never will be. */
  status: "pending" | "sent" | "refused";
  seq: number;
  error?: ErrorBody;
}

export interface ThreadRow {
  conversation: string;
  thread: number;
  following: boolean;
  read: number;
}

/** The tables: their rows, and their keys in order. */
export interface Tables {
  meta: { key: string; value: any };
  conversations: ConversationRow;
  /** Deleted for me: type `placeholder` and no content. */
  entries: EntryView;
  /** Which entries are replies in a thread. */
  replies: { conversation: string; thread: number; seq: number };
  outbox: OutboxRow;
  threads: ThreadRow;
  profiles: Profile;
}

export type Table = keyof Tables;
export type Part = string | number;

export const KEYS: { [T in Table]: readonly (keyof Tables[T] & string)[] } = {
  meta: ["key"],
  conversations: ["conversation"],
  entries: ["conversation", "seq"],
  replies: ["conversation", "thread", "seq"],
  outbox: ["outbox", "n"],
  threads: ["conversation", "thread"],
  profiles: ["party"],
};

export const TABLES = Object.keys(KEYS) as Table[];

/** Rows whose key begins with `prefix` and goes on, in its last part, from `from` to `to` (both included). */
export interface Range {
  prefix: Part[];
  from?: number;
  to?: number;
  limit?: number;
  /** Highest first. */
  reverse?: boolean;
}

/** What happens inside one transaction; nothing else may be awaited there. */
export interface Tx {
  get<T extends Table>(table: T, key: Part[]): Promise<Tables[T] | undefined>;
  /** All rows, or those of a range, ascending unless `reverse`. Rows are copies. */
  list<T extends Table>(table: T, range?: Range): Promise<Tables[T][]>;
  put<T extends Table>(table: T, row: Tables[T]): void;
  delete(table: Table, key: Part[]): void;
  clear(table: Table): void;
}

export interface Store {
  /** Tabs with the same name share the store and the connection; empty: nobody shares it. */
  readonly sharedName: string;
  open(): Promise<void>;
  /**
   * Run the body as one transaction; it is committed when the promise resolves, and rolled back when it rejects.
   * `durable`: on disk, also through a power cut; the only copy of something. `read`: writes nothing.
   */
  transaction<R>(mode: "read" | "plain" | "durable", body: (tx: Tx) => Promise<R>): Promise<R>;
  close(): Promise<void>;
  /** Another client has the store open and cannot share it, or the disk fails: rejected with `store_unusable`. */
}
