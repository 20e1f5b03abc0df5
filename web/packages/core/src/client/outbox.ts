// Writing messages to the outbox, from any tab, and telling whoever waits what became of them.
// What does not live here: sending them (engine/sender), which only the leader does.

import type { Address, SendHandle, SendOptions } from "../api.js";
import { TrunklineError, clientError } from "../errors.js";
import type { ErrorBody, MessageSent } from "../generated/wire.js";
import { sendKey } from "../engine/notices.js";
import type { Tabs } from "../engine/tabs.js";
import { directConversationId, isParty } from "../protocol/addresses.js";
import { takeN, takeOrder } from "../store/identity.js";
import type { OutboxRow, Store } from "../store/store.js";
import type { Model } from "./model.js";

const MOST_SEARCHED = 500;

type Stored = { key: string; outbox: string; n: number };

interface Waiting {
  conversation: string;
  resolve: (sent: any) => void;
  reject: (error: unknown) => void;
}

interface Fresh {
  row: Omit<OutboxRow, "outbox" | "n" | "order">;
  stored: (stored: Stored) => void;
  waiting: Waiting;
  fail: (error: unknown) => void;
}

export interface OutboxHost {
  store: Store;
  model: Model;
  tabs: Tabs;
  opened: () => Promise<void>;
  max: number;
}

export class Outbox {
  #fresh: Fresh[] = [];
  #writing: Promise<void> | undefined;
  readonly #waiting = new Map<string, Waiting>();
  #stopped = "";

  readonly #host: OutboxHost;

  constructor(host: OutboxHost) {
    this.#host = host;
  }

  /** Take a message into the outbox; those of one turn are written together, in the order of the calls. */
  send(to: Address, content: any, options: SendOptions): SendHandle {
    const { type = "text", reply_to = 0, mentions = [], expires_in_ms = 0, thread = 0 } = options;
    let fresh!: Fresh;
    const sent = new Promise<MessageSent>((resolve, reject) => {
      fresh = { waiting: { conversation: "", resolve, reject } } as Fresh;
    });
    const stored = new Promise<Stored>((resolve, reject) => {
      fresh.stored = resolve;
      fresh.fail = (error) => {
        reject(error);
        fresh.waiting.reject(error);
      };
    });
    // Nobody has to wait for a handle; an outcome nobody asked for is no error of the page.
    sent.catch(() => {});
    stored.catch(() => {});
    fresh.row = {
      conversation: isParty(to) ? "" : to, recipient: isParty(to) ? to : "", type, content: structuredClone(content), reply_to,
      mentions: [...mentions], expires_in_ms, thread, created_at_ms: Date.now(), status: "pending", seq: 0,
    };
    if (this.#stopped) fresh.fail(clientError("stopped", this.#stopped));
    else if (this.#host.model.outbox.size + this.#fresh.length >= this.#host.max) {
      fresh.fail(clientError("outbox_full", `${this.#host.max} messages wait already`));
    } else {
      this.#fresh.push(fresh);
      this.#writing ??= this.#write();
    }
    return { stored, sent };
  }

  async discard(outbox: string, n: number): Promise<void> {
    const gone = await this.#host.store.transaction("plain", async (tx) => {
      const row = await tx.get("outbox", [outbox, n]);
      if (row?.status === "refused") tx.delete("outbox", [outbox, n]);
      return row?.status === "refused";
    });
    if (gone) this.#host.tabs.notify({ type: "changed", changes: { settled: [[outbox, n]] } });
  }

  /** The leader knows an outcome. */
  settled(outcome: { outbox: string; n: number; error?: ErrorBody; answer?: MessageSent }): void {
    const key = sendKey(outcome.outbox, outcome.n);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (outcome.error) waiting?.reject(new TrunklineError(outcome.error));
    else waiting?.resolve(outcome.answer);
  }

  /** Outcomes may have been told to nobody: look in the store. */
  async look(): Promise<void> {
    if (!this.#waiting.size) return;
    for (const [key, waiting] of [...this.#waiting]) {
      const row = this.#host.model.outbox.get(key);
      if (row?.status === "pending") continue;
      this.#waiting.delete(key);
      if (row?.error) waiting.reject(new TrunklineError(row.error));
      else waiting.resolve(await this.#position(key, waiting.conversation));
    }
  }

  stop(reason: string): void {
    this.#stopped = reason;
    for (const { reject } of this.#waiting.values()) reject(clientError("stopped", reason));
    this.#waiting.clear();
  }

  async #write(): Promise<void> {
    const { store, model, tabs, opened } = this.#host;
    try {
      await opened();
    } catch (error) {
      for (const { fail } of this.#fresh.splice(0)) fail(error);
      this.#writing = undefined;
      return;
    }
    while (this.#fresh.length) {
      const fresh = this.#fresh.splice(0);
      try {
        const rows = await store.transaction("durable", async (tx) => {
          const made: OutboxRow[] = [];
          for (const { row } of fresh) {
            if (row.recipient && model.party) row.conversation = directConversationId(model.party, row.recipient);
            const [outbox, n] = await takeN(tx);
            const whole: OutboxRow = { ...row, outbox, n, order: await takeOrder(tx) };
            tx.put("outbox", whole);
            made.push(whole);
          }
          return made;
        });
        rows.forEach(({ outbox, n, conversation }, i) => {
          const { waiting, stored } = fresh[i]!;
          this.#waiting.set(sendKey(outbox, n), Object.assign(waiting, { conversation }));
          stored({ key: sendKey(outbox, n), outbox, n });
        });
        tabs.notify({ type: "changed", changes: { outbox: rows } });
        tabs.command({ do: "send", rows });
      } catch (error) {
        for (const { fail } of fresh) fail(error);
      }
    }
    this.#writing = undefined; // in the same turn in which there was nothing more
  }

  /** Where an accepted message went, from the history of this device. */
  async #position(key: string, conversation: string): Promise<MessageSent> {
    const row = this.#host.model.outbox.get(key);
    if (row) return { conversation: row.conversation, epoch: 0, seq: row.seq, at_ms: row.created_at_ms };
    const range = { prefix: [conversation], limit: MOST_SEARCHED, reverse: true };
    const entries = await this.#host.store.transaction("read", (tx) => tx.list("entries", range));
    const found = entries.find(({ outbox, n }) => outbox && sendKey(outbox, n ?? 0) === key);
    const { epoch = 0, seq = 0, at_ms = 0 } = found ?? {};
    return { conversation, epoch, seq, at_ms };
  }
}
