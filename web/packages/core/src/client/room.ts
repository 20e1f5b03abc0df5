// A stay in a live room (spec/rooms.md): joined again on every connection, every reliable message once and in order.
// What does not live here: administration (`client.api.room`), drawing.

import type { LocalCard, RoomApi, RoomMessage, RoomState, Unsubscribe } from "../api.js";
import { TrunklineError } from "../errors.js";
import type { CardActed, MessageSent, RoomAttribute, RoomBatch, RoomJoined, RoomSent, RoomStats } from "../generated/wire.js";
import { localCard } from "../protocol/card_views.js";
import { foldCard } from "../protocol/cards.js";
import { newId } from "../store/identity.js";
import { Value } from "./observable.js";

const PAGE = 500;
const RETRY_MS = 1_000;
const BACK_MS = 30_000;
const LIKES_EVERY_MS = 250;
const MOST_LIKES = 100;
const NOT_MEMBER = 3003;

type Ask = (method: string, params: any) => Promise<any>;
type Card = LocalCard & { seq: number; sender: string };

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Room extends Value<RoomState> implements RoomApi {
  recent: readonly RoomMessage[] = [];
  readonly #outbox = `room.${newId()}`;
  #n = 0;
  #lastSeq = 0;
  #highest = 0;
  #epoch = 0;
  #early: RoomBatch[] | undefined = [];
  #working = false;
  #joins = 0;
  #waiters: (() => void)[] = [];
  readonly #onBatch = new Set<(messages: RoomMessage[]) => void>();
  #likes = 0;
  #liking: ReturnType<typeof setTimeout> | undefined;
  readonly #delivery: Record<string, string> = {};

  readonly #askServer: Ask;
  readonly #me: () => string;

  constructor(
    readonly conversation: string,
    askServer: Ask,
    me: () => string,
  ) {
    super({
      view: { conversation, epoch: 0, seq: 0 },
      role: "audience", online: 0, attributes: {}, cards: {}, likes: 0, stats: null, ended: "", connected: false,
    });
    this.#askServer = askServer;
    this.#me = me;
  }

  onMessages(listener: (messages: RoomMessage[]) => void): Unsubscribe {
    const own = (messages: RoomMessage[]): void => listener(messages);
    this.#onBatch.add(own);
    return () => void this.#onBatch.delete(own);
  }

  async send(type: string, content: Record<string, unknown>): Promise<RoomSent> {
    const sent: RoomSent = await this.#ask("room.send", { type, content, ...this.#number() });
    this.#delivery[type] = sent.delivery ?? "reliable";
    return sent;
  }

  danmaku(text: string, options: { colour?: string; lane?: string } = {}): Promise<RoomSent> {
    return this.send("danmaku", { text, ...options });
  }

  like(likes = 1): void {
    this.#likes += likes;
    this.#liking ??= setTimeout(() => {
      this.#liking = undefined;
      const some = Math.min(this.#likes, MOST_LIKES);
      this.#likes = 0;
      this.send("like", { likes: some }).catch(() => {});
    }, LIKES_EVERY_MS);
  }

  give(gift: string, options: { order?: string; quantity?: number; amount?: number; to?: string } = {}): Promise<RoomSent> {
    return this.send("gift", { order: newId(), gift, ...options });
  }

  announce(text: string, options: { link?: string } = {}): Promise<RoomSent> {
    return this.send("announcement", { text, ...options });
  }

  putCard(kind: string, data: Record<string, unknown>, options: { closes_in_ms?: number } = {}): Promise<MessageSent> {
    return this.#ask("card.create", { kind, data, ...options, ...this.#number() });
  }

  act(seq: number, action: string, value: Record<string, unknown> = {}): Promise<CardActed> {
    return this.#ask("card.act", { seq, action, value, ...this.#number() });
  }

  setAttribute(key: string, value: string, options: { version?: number; auto_delete?: boolean } = {}): Promise<RoomAttribute> {
    return this.#ask("room.set_attribute", { key, value, ...options });
  }

  async leave(): Promise<void> {
    if (this.get().ended) return;
    this.end("left");
    await this.#askServer("room.leave", { conversation: this.conversation });
  }

  // ---------------------------------------------------------------- what the client tells it

  /** Ask to come in, or to come back in. */
  async join(): Promise<void> {
    const joined: RoomJoined = await this.#askServer("room.join", { conversation: this.conversation });
    const { room, role, attributes = [], recent } = joined;
    if (!this.#epoch || room.epoch !== this.#epoch) {
      // The first join, or a log that began anew: its positions mean nothing here.
      this.#epoch = room.epoch;
      this.#lastSeq = room.seq;
      this.recent = recent ? messagesOf(recent) : [];
      this.set({ ...this.get(), cards: {} });
      for (const message of this.recent) this.#note(message);
    }
    this.#highest = Math.max(this.#lastSeq, room.seq);
    this.set({
      ...this.get(),
      view: room,
      role,
      online: room.online ?? 0,
      attributes: Object.fromEntries(attributes.map((one) => [one.key, one])),
      connected: true,
    });
    this.#joins++;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const batch of early) this.#take(batch);
    if (this.#lastSeq < this.#highest) this.#catchUp();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** The connection is gone: batches count again when the room was joined anew. */
  lost(): void {
    this.#early = [];
    if (!this.get().ended) this.set({ ...this.get(), connected: false });
  }

  /** There is a connection again. */
  async rejoin(): Promise<void> {
    while (this.#joins && !this.get().ended && !this.get().connected) {
      try {
        return await this.join();
      } catch (error) {
        if (error instanceof TrunklineError && (error.family === 3 || error.slug === "stopped")) return this.end(error.slug);
        await wait(RETRY_MS);
      }
    }
  }

  /** A push about this room. */
  pushed(event: string, body: any): void {
    if (event === "room") this.#early ? this.#early.push(body) : this.#take(body);
    else if (event === "room.out") this.end(body.reason);
    else if (event === "room.stats") this.set({ ...this.get(), stats: body as RoomStats, online: (body as RoomStats).online });
    else if (event === "room.asked") {
      this.#tell([{ type: "room.asked", sender: body.party, at_ms: Date.now(), content: {}, seq: 0, count: 1, target: 0 }]);
    } else if (event === "lagged" && !this.#early) this.#catchUp(true);
  }

  end(reason: string): void {
    if (this.get().ended) return;
    clearTimeout(this.#liking);
    this.set({ ...this.get(), ended: reason, connected: false });
    for (const wake of this.#waiters.splice(0)) wake();
  }

  // ---------------------------------------------------------------- inside

  #number(): { outbox: string; n: number } {
    return { outbox: this.#outbox, n: ++this.#n };
  }

  async #ask(method: string, params: any): Promise<any> {
    for (;;) {
      const joins = this.#joins;
      try {
        return await this.#askServer(method, { conversation: this.conversation, ...params });
      } catch (error) {
        // After a restart of the server the request may be there before this client is in the room again.
        const outside = !this.get().connected || this.#joins !== joins;
        if (!(error instanceof TrunklineError) || error.code !== NOT_MEMBER || !outside || !(await this.#back())) throw error;
      }
    }
  }

  /** Wait until the room is joined again; false when that does not happen. */
  async #back(): Promise<boolean> {
    if (!this.get().connected) await Promise.race([new Promise<void>((resolve) => this.#waiters.push(resolve)), wait(BACK_MS)]);
    return this.get().connected;
  }

  #take(batch: RoomBatch): void {
    const whole = batch.prev <= this.#lastSeq;
    this.#highest = Math.max(this.#highest, batch.seq);
    // What is not stored is told in any case; what is, only behind all before it.
    const messages = messagesOf(batch).filter(({ seq }) => !seq || (whole && seq > this.#lastSeq));
    if (whole) this.#lastSeq = Math.max(this.#lastSeq, batch.seq);
    this.#tell(messages);
    if (!whole) this.#catchUp();
  }

  #tell(messages: RoomMessage[]): void {
    if (!messages.length) return;
    for (const message of messages) this.#note(message);
    for (const listener of [...this.#onBatch]) listener(messages);
  }

  /** What a message changes of the room. */
  #note({ type, sender, content, seq, target, at_ms, count }: RoomMessage): void {
    const state = this.get();
    if (type === "room.attributes_changed") {
      const attributes = { ...state.attributes };
      for (const [key, value, version, owner] of content.set ?? []) attributes[key] = { key, value, version, owner, auto_delete: !seq };
      for (const key of content.removed ?? []) delete attributes[key];
      this.set({ ...state, attributes });
    } else if (type === "like") this.set({ ...state, likes: state.likes + (content.likes ?? count) });
    else if (type === "card.created") this.#putLocal({ ...localCard(cardEntry(seq, sender, at_ms, content, {}), this.#me(), []), seq, sender });
    else if (type === "card.changed") {
      const card = state.cards[target];
      if (!card) return;
      const folded = structuredClone(card.state);
      foldCard(folded, content, seq, at_ms, sender);
      this.#putLocal({ ...localCard(cardEntry(target, card.sender, 0, card, folded), this.#me(), []), seq: target, sender: card.sender });
    } else if (type === "room.parties_changed" && content.parties?.includes(this.#me()) && content.role) {
      this.set({ ...state, role: content.role });
    } else if (typeof content.online === "number") this.set({ ...state, online: content.online });
  }

  #putLocal(card: Card): void {
    this.set({ ...this.get(), cards: { ...this.get().cards, [card.seq]: card } });
  }

  #catchUp(always = false): void {
    if (this.#working) return;
    this.#working = true;
    void this.#pull(always)
      .catch((error) => {
        if (error instanceof TrunklineError && error.family === 3 && error.code !== NOT_MEMBER) this.end(error.slug);
      })
      .finally(() => (this.#working = false));
  }

  /** Ask for the entries after the last one until there are no more. */
  async #pull(always: boolean): Promise<void> {
    while (always || this.#lastSeq < this.#highest) {
      const params = { conversation: this.conversation, after: this.#lastSeq, limit: PAGE };
      const page: RoomBatch = await this.#askServer("room.entries", params);
      const fresh = messagesOf(page).filter(({ seq }) => seq > this.#lastSeq);
      if (fresh.length) this.#lastSeq = fresh.at(-1)!.seq;
      this.#tell(fresh);
      always = !!page.more;
      if (!fresh.length && !always) return; // the server itself has not got that far: the next batch brings it
    }
  }
}

function messagesOf({ at_ms, items = [] }: RoomBatch): RoomMessage[] {
  return items.map(([type, sender, after_ms, content, seq = 0, count = 1, target = 0]) => ({
    type, sender, at_ms: at_ms + after_ms, content: content ?? {}, seq, count, target,
  }));
}

function cardEntry(seq: number, sender: string, at_ms: number, content: any, card: any): any {
  return { conversation: "", epoch: 0, seq, at_ms, sender, type: "card.created", content, now: { card } };
}
