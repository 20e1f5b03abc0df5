// Several tabs over one connection: the tab that holds the store's Web Lock is the leader and runs the engine; the others
// ask it over a BroadcastChannel. The store is shared, so a tab writes its messages to the outbox itself and reads history
// itself; only the connection is the leader's. When the leader goes, the lock passes to another tab, which takes over
// from the store. Pages without Web Locks (plain http, other than loopback) agree over a channel (`locks.ts`). What does not
// live here: the engine, and what tabs make of notices (client).

import { TrunklineError, clientError } from "../errors.js";
import type { ErrorBody } from "../generated/wire.js";
import { newId } from "../store/identity.js";
import type { OutboxRow } from "../store/store.js";
import type { Engine } from "./engine.js";
import type { Locks } from "./locks.js";
import type { Notice } from "./notices.js";
import { repeatable } from "./requests.js";

/** What any tab may have the leader do without an answer. */
export type Command =
  | { do: "send"; rows: OutboxRow[] }
  | { do: "read"; conversation: string; seq: number }
  | { do: "keep"; what: "history" | "view" | "mark" | "hidden"; args: any[] }
  | { do: "reconnect" }
  | { do: "wake" }
  | { do: "sync" };

type Message =
  | { to: "all"; notice: Notice }
  /** A tab leads now: its state; what was asked of another leader is asked again. */
  | { to: "all"; leader: string; state: Notice[] }
  | { to: "leader"; from: string; ask: number; method: string; params: any }
  | { to: "leader"; from: string; command: Command }
  | { to: "leader"; from: string; hello: true }
  | { to: string; answer: number; error?: ErrorBody; body?: any };

interface Asked {
  method: string;
  params: any;
  leader: string;
  resolve: (body: any) => void;
  reject: (error: unknown) => void;
}

export interface TabEvents {
  /** From the leader, which may be this tab. */
  notice(notice: Notice): void;
  /** This tab leads from now on. */
  leading(engine: Engine): void;
  /** Another tab leads; what it told before may have been missed. */
  following(): void;
}

export class Tabs {
  readonly id = newId();
  readonly #channel: BroadcastChannel | undefined;
  readonly #locks: Promise<Locks> | undefined;
  #engine: Engine | undefined;
  #leader = "";
  #nextAsk = 1;
  readonly #asked = new Map<number, Asked>();
  readonly #known = new Set<string>();
  readonly #abort = new AbortController();
  #release: (() => void) | undefined;
  #leadership: Promise<unknown> | undefined;
  #closed = false;

  readonly #name: string;
  readonly #open: () => Promise<Engine>;
  readonly #events: TabEvents;

  constructor(
    name: string,
    open: () => Promise<Engine>,
    events: TabEvents,
  ) {
    this.#name = name;
    this.#open = open;
    this.#events = events;
    // Where there are no pages, nobody shares a store.
    if (!name || !globalThis.BroadcastChannel || !(globalThis.navigator?.locks || globalThis.document)) return;
    this.#locks = navigator.locks ? Promise.resolve(navigator.locks) : import("./locks.js").then(({ ChannelLocks }) => new ChannelLocks(this.id));
    this.#channel = new BroadcastChannel(`trunkline:${name}`);
    this.#channel.onmessage = ({ data }) => this.#received(data);
  }

  /** Lead as soon as nobody else does; follow until then. */
  start(): void {
    if (!this.#channel) {
      this.#leadership = this.#lead();
      return;
    }
    // While this lock is held, this tab lives.
    this.#lock(`tab:${this.id}`, () => this.#untilClosed()).catch(() => {});
    this.#leadership = this.#candidate();
    this.#post({ to: "leader", from: this.id, hello: true });
  }

  /** Wait for the leadership; a leader that lost it (only without Web Locks) waits again. */
  #candidate(): Promise<void> {
    return this.#lock(this.#name, async () => {
      if (this.#closed) return;
      await this.#lead();
      await this.#untilClosed();
      await this.#engine?.stop();
    }).catch(async () => {
      const engine = this.#engine;
      if (this.#closed || !engine) return;
      this.#engine = undefined;
      this.#leader = "";
      await engine.stop();
      this.#post({ to: "leader", from: this.id, hello: true });
      return this.#candidate();
    });
  }

  async #lock(name: string, held: () => Promise<void> | void): Promise<void> {
    await (await this.#locks!).request(`trunkline:${name}`, { signal: this.#abort.signal }, held);
  }

  get leads(): boolean {
    return this.#engine !== undefined;
  }

  /** A call over the connection, wherever it is. */
  ask(method: string, params: any): Promise<any> {
    if (this.#closed) return Promise.reject(clientError("stopped", "the client is closed"));
    if (this.#engine) return this.#engine.interests.ask(this.id, method, params);
    return new Promise((resolve, reject) => {
      const ask = this.#nextAsk++;
      this.#asked.set(ask, { method, params, leader: this.#leader, resolve, reject });
      if (this.#leader) this.#post({ to: "leader", from: this.id, ask, method, params });
    });
  }

  /** Have the leader do something; lost with the leader, so only for what the store says too. */
  command(command: Command): void {
    if (this.#engine) this.#run(command);
    else this.#post({ to: "leader", from: this.id, command });
  }

  /** Tell every tab, this one included. */
  notify(notice: Notice): void {
    this.#post({ to: "all", notice });
    this.#events.notice(notice);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject } of this.#asked.values()) reject(clientError("stopped", "the client is closed"));
    this.#asked.clear();
    this.#release?.();
    if (!this.#channel) await this.#leadership?.then(() => this.#engine?.stop());
    else {
      if (!this.#engine) this.#abort.abort();
      await this.#leadership;
      this.#abort.abort(); // waits for the ends of other tabs
    }
    this.#channel?.close();
  }

  async #lead(): Promise<void> {
    let engine: Engine;
    try {
      engine = await this.#open();
    } catch (error) {
      return this.#events.notice({ type: "state", change: { state: "stopped", reason: String(error), retry_at_ms: 0, close_code: 0 } });
    }
    if (this.#closed) return;
    this.#engine = engine;
    this.#leader = this.id;
    this.#events.leading(engine);
    engine.start();
    this.#announce();
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const one of asked) this.#again(one, () => this.ask(one.method, one.params).then(one.resolve, one.reject));
  }

  #announce(): void {
    this.#post({ to: "all", leader: this.id, state: [{ type: "state", change: this.#engine!.state }] });
  }

  #untilClosed(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#release;
      this.#release = () => {
        before?.();
        resolve();
      };
      if (this.#closed) resolve();
    });
  }

  /** Something was asked of a leader that is gone: once more where that is harmless, else its outcome is unknown. */
  #again({ method, params, leader, reject }: Asked, repeat: () => void): void {
    if (!leader || repeatable(method, params)) return repeat();
    const message = "the tab with the connection was closed before the answer came";
    reject(new TrunklineError({ code: 5003, name: "timed_out", message, retry: "same_id" } as ErrorBody));
  }

  #received(message: Message): void {
    if (this.#closed) return;
    if (message.to === "all") {
      if ("notice" in message) this.#events.notice(message.notice);
      else if ("leader" in message) this.#follow(message);
    } else if (message.to === "leader") {
      if (this.#engine) this.#serve(message as Extract<Message, { from: string }>);
    } else if (message.to === this.id && "answer" in message) {
      const asked = this.#asked.get(message.answer);
      this.#asked.delete(message.answer);
      if (message.error) asked?.reject(new TrunklineError(message.error));
      else asked?.resolve(message.body);
    }
  }

  #follow({ leader, state }: { leader: string; state: Notice[] }): void {
    if (leader !== this.#leader) {
      this.#leader = leader;
      this.#events.following();
      for (const [ask, one] of [...this.#asked]) {
        this.#again(one, () => {
          one.leader = leader;
          this.#post({ to: "leader", from: this.id, ask, method: one.method, params: one.params });
        });
        if (one.leader !== leader) this.#asked.delete(ask);
      }
    }
    for (const notice of state) this.#events.notice(notice);
  }

  #serve(message: Extract<Message, { from: string }>): void {
    const { from } = message;
    this.#know(from);
    if ("hello" in message) this.#announce();
    else if ("command" in message) this.#run(message.command);
    else {
      const { ask, method, params } = message;
      this.#engine!.interests.ask(from, method, params).then(
        (body) => this.#post({ to: from, answer: ask, body }),
        (error) => {
          const known = error instanceof TrunklineError ? error : clientError("stopped", String(error));
          this.#post({ to: from, answer: ask, error: known.toJSON() });
        },
      );
    }
  }

  #run(command: Command): void {
    const engine = this.#engine!;
    if (command.do === "send") engine.send(command.rows);
    else if (command.do === "read") engine.marks.read(command.conversation, command.seq);
    else if (command.do === "reconnect") engine.reconnect();
    else if (command.do === "wake") engine.wake();
    else if (command.do === "sync") engine.sync();
    else {
      const keep = engine.keep[command.what] as (...args: any[]) => Promise<void>;
      keep(...command.args).catch((error) => this.notify({ type: "warning", message: String(error) }));
    }
  }

  /** Wait for the end of a tab, by the lock it holds. */
  #know(tab: string): void {
    if (this.#known.has(tab)) return;
    this.#known.add(tab);
    this.#lock(`tab:${tab}`, () => {
      this.#known.delete(tab);
      this.#engine?.interests.gone(tab);
    }).catch(() => {});
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}
