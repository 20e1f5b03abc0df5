// What receiving writes: entries with their positions, views, the start of a new epoch. Each method is one transaction
// and answers what every tab must know of it. What does not live here: what is applied and when (receiver).

import type { ConversationView, EntryView, MemberSettings, SyncResult, ThreadMarks } from "../generated/wire.js";
import { applyEntry, fold, foldReply, followsFrom, isChange, isRemoval, reachableHead, takeBack } from "../protocol/entries.js";
import type { ConversationRow, OutboxRow, Store, ThreadRow, Tx } from "../store/store.js";
import { type Changes, type SendId, sendKey } from "./notices.js";

const MOST_AHEAD = 500;
let later: typeof import("../later.js") | undefined;

export interface HiddenPush {
  conversation: string;
  seqs?: number[];
  up_to?: number;
  unread?: number;
  unread_mentions?: number;
}

export class Applier {
  /** Deleted for me before they arrived here; a restart learns of them by sync. */
  readonly #hiddenAhead = new Map<string, Set<number>>();

  readonly #store: Store;
  readonly #me: () => string;
  readonly #initialHistory: number;
  readonly #accepted: Map<string, OutboxRow>;

  constructor(
    store: Store,
    me: () => string,
    initialHistory: number,
    /** Rows accepted by the server whose entries were not applied yet, by key. */
    accepted: Map<string, OutboxRow>,
  ) {
    this.#store = store;
    this.#me = me;
    this.#initialHistory = initialHistory;
    this.#accepted = accepted;
  }

  /** Store entries, advance positions, settle the sends that made them. */
  async apply(entries: EntryView[]): Promise<Changes> {
    // Before the transaction, in which nothing else may be awaited.
    if (entries.some(({ type }) => type === "message.erased")) later ??= await import("../later.js");
    return this.#store.transaction("plain", async (tx) => {
      const batch = new Batch(tx, this.#me());
      for (const entry of entries) {
        const row = await batch.row(entry.conversation, entry.seq);
        row.last = entry.seq;
        row.head = Math.max(row.head, entry.seq);
        await batch.add(entry, row.view);
        if (entry.outbox && entry.sender === this.#me()) batch.settle([entry.outbox, entry.n ?? 0]);
      }
      for (const row of batch.rows.values()) {
        this.#settleUpTo(batch, row.conversation, row.last!);
        const ahead = this.#hiddenAhead.get(row.conversation);
        if (ahead) {
          this.#hiddenAhead.delete(row.conversation);
          await batch.hide(row.conversation, [...ahead], 0);
          this.#expectHidden(row.conversation, ahead, row.last!);
        }
      }
      return { ...batch.finish(), applied: entries };
    });
  }

  /** Store one page of a sync together with the position it leads to. */
  page(result: SyncResult): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const batch = new Batch(tx, this.#me());
      for (const view of result.conversations ?? []) await this.#putView(batch, view);
      await this.#removeRows(batch, result.removed ?? []);
      if (result.blocked) tx.put("meta", { key: "blocked", value: result.blocked });
      tx.put("meta", { key: "epoch", value: result.epoch });
      tx.put("meta", { key: "pts", value: result.pts });
      return { ...batch.finish(), removed: result.removed ?? [], ...(result.blocked && { blocked: result.blocked }) };
    });
  }

  /** Store a view the server was asked for. */
  view(view: ConversationView): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const batch = new Batch(tx, this.#me());
      await this.#putView(batch, view);
      return batch.finish();
    });
  }

  /** Change a row, if it is there and `change` says that it did. */
  row(conversation: string, change: (row: ConversationRow) => boolean): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const row = await tx.get("conversations", [conversation]);
      if (!row || !change(row)) return {};
      tx.put("conversations", row);
      return { rows: [row] };
    });
  }

  settings(conversation: string, settings: MemberSettings): Promise<Changes> {
    return this.row(conversation, (row) => {
      if (row.view) row.view.settings = settings;
      return !!row.view;
    });
  }

  /** Empty what I deleted for myself; what has not arrived yet is emptied when it does. */
  hide({ conversation, seqs = [], up_to = 0, unread = 0, unread_mentions = 0 }: HiddenPush): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const batch = new Batch(tx, this.#me());
      await batch.hide(conversation, seqs, up_to);
      const row = await tx.get("conversations", [conversation]);
      if (row?.view) {
        Object.assign(row.view, { unread, unread_mentions });
        const last = row.view.last;
        if (last && (seqs.includes(last.seq) || last.seq <= up_to)) row.view.last = null;
        batch.rows.set(conversation, row);
      }
      this.#expectHidden(conversation, seqs, row?.last ?? 0);
      return batch.finish();
    });
  }

  /** Keep older history that was asked for: directly below `floor`, ascending, without a hole. */
  backfill(conversation: string, entries: EntryView[]): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const row = await tx.get("conversations", [conversation]);
      if (!row || !entries.length || entries[entries.length - 1]!.seq !== row.floor - 1) return {};
      for (const entry of entries) putEntry(tx, entry);
      row.floor = entries[0]!.seq;
      tx.put("conversations", row);
      return { rows: [row] };
    });
  }

  /** What the server says of my threads, with the position it leads to. */
  marks({ marks, pts }: ThreadMarks): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const threads: ThreadRow[] = [];
      for (const { conversation, thread, following = false, read = 0 } of marks) {
        threads.push(await mark(tx, conversation, thread, following, read));
      }
      tx.put("meta", { key: "threads_pts", value: pts });
      return { threads };
    });
  }

  /** What I did with a thread, here or on another device; undefined leaves what is there. */
  mark(conversation: string, thread: number, following?: boolean, read = 0): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => ({ threads: [await mark(tx, conversation, thread, following, read)] }));
  }

  /** The party is no longer in these. */
  remove(conversations: string[]): Promise<Changes> {
    return this.#store.transaction("plain", async (tx) => {
      const batch = new Batch(tx, this.#me());
      await this.#removeRows(batch, conversations);
      return { ...batch.finish(), removed: conversations };
    });
  }

  /** Another epoch: nothing local counts any more, except what waits in the outbox. */
  startOver(epoch: number): Promise<void> {
    return this.#store.transaction("durable", async (tx) => {
      for (const table of ["entries", "replies", "conversations", "threads"] as const) tx.clear(table);
      for (const row of await tx.list("outbox")) if (row.status === "sent") tx.delete("outbox", [row.outbox, row.n]);
      this.#accepted.clear();
      for (const [key, value] of Object.entries({ epoch, pts: 0, threads_pts: 0 })) tx.put("meta", { key, value });
    });
  }

  async #putView(batch: Batch, view: ConversationView): Promise<void> {
    const name = view.conversation;
    const row = await batch.row(name, 0);
    if (row.view && !view.last) view.last = row.view.last ?? null;
    row.view = view;
    row.head = reachableHead(view);
    row.removed = false;
    if (row.last === null) {
      row.last = Math.max((view.first_visible_seq ?? 1) - 1, row.head - this.#initialHistory);
      row.floor = row.last + 1;
    } else if (row.last > view.head) {
      // Made before entries that a push brought since.
      const ahead = await batch.tx.list("entries", { prefix: [name], from: view.head + 1, limit: MOST_AHEAD });
      for (const entry of ahead) await batch.changeView(view, entry);
    }
    const { hidden_up_to = 0, hidden_seqs = [] } = view;
    if (hidden_up_to || hidden_seqs.length) {
      await batch.hide(name, hidden_seqs, hidden_up_to);
      this.#expectHidden(name, hidden_seqs, row.last);
      view.hidden_up_to = 0;
      view.hidden_seqs = [];
    }
  }

  async #removeRows(batch: Batch, conversations: string[]): Promise<void> {
    for (const name of conversations) {
      const row = await batch.tx.get("conversations", [name]);
      if (row) batch.rows.set(name, { ...row, removed: true });
      for (const thread of await batch.tx.list("threads", { prefix: [name] })) {
        batch.threads.push(await mark(batch.tx, name, thread.thread, false, 0));
      }
      // What was accepted there will not be shown to this party as an entry any more.
      this.#settleUpTo(batch, name, Infinity);
    }
  }

  #settleUpTo(batch: Batch, conversation: string, last: number): void {
    for (const row of this.#accepted.values()) {
      if (row.conversation === conversation && row.seq <= last) batch.settle([row.outbox, row.n]);
    }
    for (const [outbox, n] of batch.settled) this.#accepted.delete(sendKey(outbox, n));
  }

  #expectHidden(name: string, seqs: Iterable<number>, last: number): void {
    const ahead = [...seqs].filter((seq) => seq > last);
    if (ahead.length) this.#hiddenAhead.set(name, new Set([...(this.#hiddenAhead.get(name) ?? []), ...ahead]));
  }
}

/** One transaction's work: remembers what it changed. */
class Batch {
  readonly rows = new Map<string, ConversationRow>();
  readonly threads: ThreadRow[] = [];
  readonly settled: SendId[] = [];
  readonly #entries = new Map<string, EntryView>();
  readonly #elsewhere: { conversation: string; seq: number }[] = [];

  readonly #me: string;

  constructor(
    readonly tx: Tx,
    me: string,
  ) {
    this.#me = me;
  }

  async row(conversation: string, floor: number): Promise<ConversationRow> {
    let row = this.rows.get(conversation) ?? (await this.tx.get("conversations", [conversation]));
    row ??= { conversation, last: null, floor, head: 0, read_wanted: 0, removed: false, view: null };
    this.rows.set(conversation, row);
    return row;
  }

  settle(id: SendId): void {
    this.tx.delete("outbox", [...id]);
    this.settled.push(id);
  }

  finish(): Changes {
    for (const row of this.rows.values()) this.tx.put("conversations", row);
    const { settled, threads } = this;
    return { rows: [...this.rows.values()], entries: [...this.#entries.values()], elsewhere: this.#elsewhere, settled, threads };
  }

  /** Store an entry with the next position and fold it into what it changes. */
  async add(entry: EntryView, view: ConversationView | null): Promise<void> {
    const { conversation, type } = entry;
    if (entry.thread && !isRemoval(type)) await this.#follow(entry);
    this.#keep({ ...entry });
    if (entry.target && (isChange(type) || type === "message.erased")) await this.#changeTarget(entry);
    if (entry.thread) await this.#change(conversation, entry.thread, (root) => foldReply((root.now ??= {}), entry));
    if (type === "message.erased" && !entry.target) await this.#erase(entry);
    if (view) await this.changeView(view, entry);
  }

  async changeView(view: ConversationView, entry: EntryView): Promise<void> {
    if (isRemoval(entry.type) && entry.seq > view.head && entry.target) {
      const message = await this.#entry(entry.conversation, entry.target);
      if (message) takeBack(view, message, this.#me);
    }
    applyEntry(view, entry, this.#me);
    const last = view.last;
    if (last && entry.target === last.seq) view.last = (await this.#entry(entry.conversation, last.seq)) ?? last;
  }

  /** Deleted for me: entries keep their number and lose their content. */
  async hide(conversation: string, seqs: number[], upTo: number): Promise<void> {
    const found = upTo ? await this.tx.list("entries", { prefix: [conversation], to: upTo }) : [];
    for (const seq of seqs) found.push(...(await this.tx.list("entries", { prefix: [conversation], from: seq, to: seq })));
    for (const { epoch, seq, at_ms } of found) this.#keep({ conversation, epoch, seq, at_ms, sender: "", type: "placeholder" });
    for (const seq of seqs) if (!this.#entries.has(`${conversation}:${seq}`)) this.#elsewhere.push({ conversation, seq });
  }

  async #entry(conversation: string, seq: number): Promise<EntryView | undefined> {
    return this.#entries.get(`${conversation}:${seq}`) ?? this.tx.get("entries", [conversation, seq]);
  }

  #keep(entry: EntryView): void {
    this.#entries.set(`${entry.conversation}:${entry.seq}`, entry);
    putEntry(this.tx, entry);
  }

  async #change(conversation: string, seq: number, alter: (entry: EntryView) => void): Promise<void> {
    const found = await this.#entry(conversation, seq);
    if (!found) this.#elsewhere.push({ conversation, seq });
    else if (found.type !== "placeholder") {
      const changed = structuredClone(found);
      alter(changed);
      this.#keep(changed);
    }
  }

  #changeTarget(entry: EntryView): Promise<void> {
    return this.#change(entry.conversation, entry.target!, (target) => {
      const now = (target.now ??= {});
      if (entry.type === "message.erased") Object.assign(now, { as_of: Math.max(now.as_of ?? 0, entry.seq), erased: true, content: null });
      else fold(now, entry);
      // Taken back means gone from this disk too.
      if (now.recalled || now.expired || (now.erased && target.type !== "card.created")) target.content = null;
      else if (now.edited_seq) target.content = now.content;
    });
  }

  async #follow(reply: EntryView): Promise<void> {
    const { conversation, thread = 0 } = reply;
    const read = followsFrom(reply, await this.#entry(conversation, thread), this.#me);
    if (read < 0 || (await this.tx.get("threads", [conversation, thread]))?.following) return;
    this.threads.push(await mark(this.tx, conversation, thread, true, read));
  }

  /** A party was erased: what it said before loses its content here too. */
  async #erase({ conversation, seq, content }: EntryView): Promise<void> {
    for (const entry of await this.tx.list("entries", { prefix: [conversation], to: seq - 1 })) {
      const left = later!.erased(entry, String(content?.party ?? ""), seq);
      if (left) this.#keep(left);
    }
  }
}

function putEntry(tx: Tx, entry: EntryView): void {
  tx.put("entries", entry);
  if (entry.thread && !entry.target) tx.put("replies", { conversation: entry.conversation, thread: entry.thread, seq: entry.seq });
}

/** A cursor never moves back. */
async function mark(tx: Tx, conversation: string, thread: number, following: boolean | undefined, read: number): Promise<ThreadRow> {
  const before = await tx.get("threads", [conversation, thread]);
  const row = { conversation, thread, following: following ?? before?.following ?? false, read: Math.max(read, before?.read ?? 0) };
  tx.put("threads", row);
  return row;
}
