// What this tab knows of the store: conversations, the outbox, threads. Read once, then kept up to date by notices.
// What does not live here: histories, which windows read from the store as they need them.

import type { Conversation } from "../api.js";
import type { EntryView } from "../generated/wire.js";
import { type Changes, sendKey } from "../engine/notices.js";
import type { ConversationRow, OutboxRow, Store, ThreadRow } from "../store/store.js";
import { directConversationId, isParty } from "../protocol/addresses.js";
import { CARD_CHANGED } from "../engine/lane.js";
import { Computed, Value } from "./observable.js";

const VIEW = {
  unread: 0, unread_mentions: 0, read: 0, delivered: 0, peer_read: 0, peer_delivered: 0, role: "", peer: "", name: "", avatar: "",
  member_count: 0, muted_all: false, muted_until_ms: 0, first_visible_seq: 1, left_seq: 0, dismissed: false, active_at_ms: 0, community: "", join: "",
  who_invites: "", history_before_join: false,
};
const SETTINGS = { pinned: false, order: 0, mute: false, dnd_until_ms: 0, draft: "", hidden: false, notify: "" };

export class Model {
  party = "";
  device = "";
  readonly rows = new Map<string, ConversationRow>();
  readonly outbox = new Map<string, OutboxRow>();
  readonly blocked = new Value<readonly string[]>([]);
  readonly listed = new Computed<readonly Conversation[]>(() => this.#list());
  readonly unread = new Computed<number>(() => this.listed.get().reduce((sum, one) => sum + (one.settings.mute ? 0 : one.unread), 0));
  readonly followed = new Computed<readonly ThreadRow[]>(() => [...this.#threads.values()].filter((thread) => thread.following));
  readonly #threads = new Map<string, ThreadRow>();
  readonly #shown = new Map<string, Conversation>();
  readonly #ones = new Map<string, Computed<Conversation | undefined>>();

  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Read the store as it is now. */
  async load(): Promise<void> {
    await this.#store.transaction("read", async (tx) => {
      const meta = Object.fromEntries((await tx.list("meta")).map(({ key, value }) => [key, value]));
      const [rows, outbox, threads] = [await tx.list("conversations"), await tx.list("outbox"), await tx.list("threads")];
      this.party = meta.party ?? this.party;
      this.device = meta.device ?? this.device;
      this.rows.clear();
      this.outbox.clear();
      this.#threads.clear();
      this.#shown.clear();
      this.take({ rows, outbox, threads, blocked: meta.blocked ?? [] });
    });
    this.listed.stale();
    this.unread.stale();
    for (const one of this.#ones.values()) one.stale();
  }

  /** A transaction of some tab. */
  take({ rows = [], removed = [], outbox = [], settled = [], threads = [], blocked }: Changes): void {
    const touched = new Set<string>(removed);
    for (const row of rows) {
      this.rows.set(row.conversation, row);
      touched.add(row.conversation);
    }
    for (const row of outbox) {
      this.outbox.set(sendKey(row.outbox, row.n), row);
      touched.add(this.#conversationOfRow(row));
    }
    for (const [id, n] of settled) {
      const row = this.outbox.get(sendKey(id, n));
      if (row) touched.add(this.#conversationOfRow(row));
      this.outbox.delete(sendKey(id, n));
    }
    for (const row of threads) this.#threads.set(`${row.conversation}:${row.thread}`, row);
    if (threads.length) this.followed.stale();
    if (blocked) this.blocked.set(blocked);
    if (!touched.size) return;
    for (const name of touched) this.#shown.delete(name);
    for (const [address, one] of this.#ones) if (touched.has(this.#idOf(address))) one.stale();
    this.listed.stale();
    this.unread.stale();
  }

  /** Now it is known who this is, and with it the ids of conversations with parties. */
  identify(party: string, device: string): void {
    this.device = device;
    if (party === this.party) return;
    this.party = party;
    for (const one of this.#ones.values()) one.stale();
  }

  one(address: string): Computed<Conversation | undefined> {
    let one = this.#ones.get(address);
    if (!one) this.#ones.set(address, (one = new Computed(() => this.#show(this.#idOf(address)))));
    return one;
  }

  /** The conversation that an address means; "" while it is not known who this is. */
  #idOf(address: string): string {
    if (!isParty(address)) return address;
    return this.party && directConversationId(this.party, address);
  }

  /** Messages of mine that a view shows after the history, and actions on cards, in the order of writing. */
  unsettled(conversation: string): OutboxRow[] {
    const rows = [...this.outbox.values()].filter((row) => this.#conversationOfRow(row) === conversation);
    return rows.sort((a, b) => a.order - b.order);
  }

  #conversationOfRow(row: OutboxRow): string {
    return row.conversation || this.#idOf(row.recipient);
  }

  #list(): Conversation[] {
    const found: Conversation[] = [];
    for (const [name, row] of this.rows) {
      const one = row.removed ? undefined : this.#show(name);
      if (one && !one.settings.hidden) found.push(one);
    }
    return found.sort(
      (a, b) =>
        Number(b.settings.pinned) - Number(a.settings.pinned) ||
        a.settings.order - b.settings.order ||
        b.active_at_ms - a.active_at_ms ||
        (a.conversation < b.conversation ? -1 : 1),
    );
  }

  #show(name: string): Conversation | undefined {
    const known = this.#shown.get(name);
    if (known) return known;
    const row = this.rows.get(name);
    if (!row?.view || row.removed) return undefined;
    const { view } = row;
    const settings = { ...SETTINGS, ...view.settings };
    const waiting = this.outbox.size ? this.unsettled(name).filter(({ type }) => type !== CARD_CHANGED) : [];
    const shown: Conversation = {
      ...VIEW,
      custom: {},
      ...view,
      last: (view.last as EntryView | undefined) ?? null,
      settings,
      pending: waiting.filter(({ status }) => status === "pending").length,
      failed: waiting.filter(({ status }) => status === "refused").length,
      draft: row.draft ?? settings.draft,
      silent: settings.mute || settings.dnd_until_ms > Date.now(),
    };
    this.#shown.set(name, shown);
    return shown;
  }
}
