/** A client over fixed data, for pages that show components without a server. Nothing is sent; what is typed appears at once. */

import type { ClientApi, ClientState, Conversation, Message, MessageWindow, Observable, Profile, WindowState } from "@trunkline/core";
import { ME, members, profiles } from "./data.js";

/** A value that can be set. */
export class Value<T> implements Observable<T> {
  private readonly listeners = new Set<(value: T) => void>();
  constructor(private value: T) {}
  get(): T {
    return this.value;
  }
  set(value: T): void {
    this.value = value;
    queueMicrotask(() => this.listeners.forEach((listener) => listener(value)));
  }
  subscribe(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** What the gallery shows. */
export interface Fixture {
  client: ClientApi;
  messages: Map<string, Value<WindowState>>;
  conversations: Value<readonly Conversation[]>;
  state: Value<ClientState>;
}

const never = new Promise<never>(() => undefined);

/** Make a client that answers from these data. */
export function fixture(conversations: readonly Conversation[], logs: Record<string, readonly Message[]>): Fixture {
  const list = new Value<readonly Conversation[]>(conversations);
  const state = new Value<ClientState>({ state: "online", reason: "", retry_at_ms: 0, close_code: 0, leader: true });
  const windows = new Map<string, Value<WindowState>>();
  const idOf = (to: string): string => conversations.find((about) => about.peer === to)?.conversation ?? to;
  const windowOf = (id: string): Value<WindowState> => {
    let found = windows.get(id);
    if (found === undefined) windows.set(id, (found = new Value<WindowState>({ items: logs[id] ?? [], at_start: true, at_end: true, loading: "" })));
    return found;
  };
  const people = new Map<string, Value<Profile>>();
  const online = new Set(["user/bo", "user/carla", "user/eve"]);
  const fixed = <T,>(value: T): Value<T> => new Value(value);
  let count = 0;
  const add = (to: string, type: string, content: unknown, options: Partial<Message> = {}) => {
    const id = idOf(to);
    const window = windowOf(id);
    const message = { conversation: id, epoch: 1, seq: 500 + ++count, at_ms: Date.now(), sender: ME, type, content, key: `new${count}`, mine: true, status: "sent", message: true, gone: "", ...options } as Message;
    window.set({ ...window.get(), items: [...window.get().items, message] });
    return { stored: Promise.resolve({ key: message.key, outbox: "o", n: count }), sent: never };
  };
  const change = (id: string, seq: number, with_: (message: Message) => Partial<Message>) => {
    const window = windowOf(id);
    window.set({ ...window.get(), items: window.get().items.map((item) => (item.seq === seq ? { ...item, ...with_(item) } : item)) });
    return Promise.resolve({ conversation: id, epoch: 1, seq, at_ms: Date.now() });
  };
  const client = {
    state,
    party: ME,
    device: "gallery",
    opened: Promise.resolve(),
    online: () => Promise.resolve(),
    reconnect: () => undefined,
    close: () => Promise.resolve(),
    on: () => () => undefined,
    conversationOf: idOf,
    conversations: Object.assign(list, {
      one: (to: string) => {
        const value = new Value(list.get().find((about) => about.conversation === idOf(to)));
        list.subscribe((all) => value.set(all.find((about) => about.conversation === idOf(to))));
        return value;
      },
      unread: fixed(0),
      markRead: () => undefined,
      configure: (id: string, settings: object) => {
        list.set(list.get().map((about) => (about.conversation === id ? { ...about, settings: { ...about.settings, ...settings } } : about)));
        return Promise.resolve();
      },
      setDraft: () => undefined,
      fetch: (id: string) => Promise.resolve(list.get().find((about) => about.conversation === id)),
    }),
    messages: (to: string, options: { thread?: number } = {}): MessageWindow => {
      const id = idOf(to);
      const value = windowOf(options.thread ? `${id}#${options.thread}` : id);
      return Object.assign(Object.create(value) as Value<WindowState>, {
        get: () => value.get(),
        subscribe: (listener: (view: WindowState) => void) => value.subscribe(listener),
        conversation: id,
        ready: Promise.resolve(),
        loadBefore: () => Promise.resolve(),
        loadAfter: () => Promise.resolve(),
        loadAround: () => Promise.resolve(true),
        toLatest: () => Promise.resolve(),
        find: (seq: number) => Promise.resolve(windowOf(id).get().items.find((item) => item.seq === seq)),
        close: () => undefined,
      }) as unknown as MessageWindow;
    },
    send: (to: string, content: string | object, options: { type?: string } = {}) => add(to, options.type ?? "text", typeof content === "string" ? { text: content } : content, options as Partial<Message>),
    resend: (message: Message) => add(message.conversation, message.type, message.content),
    discard: () => Promise.resolve(),
    edit: (id: string, seq: number, content: object) => change(id, seq, (item) => ({ now: { ...item.now, as_of: 999, edited_seq: 999, content } })),
    recall: (id: string, seq: number) => change(id, seq, () => ({ gone: "recalled" })),
    hide: () => Promise.resolve(),
    react: (id: string, seq: number, key: string, on = true) =>
      change(id, seq, (item) => {
        const reactions = { ...(item.now?.reactions ?? {}) };
        reactions[key] = [...(reactions[key] ?? []).filter((party) => party !== ME), ...(on ? [ME] : [])];
        return { now: { ...item.now, as_of: 999, reactions } };
      }),
    pin: () => Promise.resolve(),
    pins: (id: string) => Promise.resolve(windowOf(id).get().items.filter((item) => item.now?.pinned)),
    forward: () => Promise.resolve({ sent: [] }),
    receipt: (conversation: string, seq: number) => Promise.resolve({ conversation, seq, audience: 3, delivered: 3, read: 2, readers: ["user/bo", "user/carla"] }),
    search: (text: string) => {
      const hits = [...windows.values(), ...Object.keys(logs).map(windowOf)].flatMap((value) => value.get().items)
        .filter((item, at, all) => all.indexOf(item) === at && item.type === "text" && String((item.content as { text?: string } | null)?.text).toLowerCase().includes(text.toLowerCase()))
        .slice(-20).reverse()
        .map((entry) => {
          const whole = String((entry.content as { text: string }).text);
          const start = [...whole.slice(0, whole.toLowerCase().indexOf(text.toLowerCase()))].length;
          return { entry, text: whole, highlights: [{ start, end: start + [...text].length }] };
        });
      return Promise.resolve({ hits });
    },
    threads: {
      followed: fixed([]),
      list: () => Promise.resolve({ threads: [] }),
      get: (conversation: string, thread: number) => Promise.resolve({ conversation, thread, epoch: 1, root: undefined, following: true }),
      follow: (_: string, __: number, on = true) => Promise.resolve({ following: on }),
      markRead: () => Promise.resolve({}),
    },
    cards: {
      create: (to: string, kind: string, data: object) => add(to, "card.created", { kind, text: kind, data }),
      act: () => Promise.resolve({ conversation: "", epoch: 1, seq: 1, at_ms: 1 }),
      get: () => Promise.resolve({ mine: "a1" }),
      list: () => Promise.resolve({ cards: [] }),
    },
    profile: (party: string) => {
      let found = people.get(party);
      if (found === undefined) people.set(party, (found = new Value<Profile>(profiles[party] ?? { party, name: party.split("/")[1] ?? party })));
      return found;
    },
    presence: (party: string) => fixed({ party, online: online.has(party), devices: [], last_seen_ms: Date.now() - 7_200_000 }),
    typing: (id: string) => fixed(id === "d.ann.carla" ? ["user/carla"] : []),
    setTyping: () => undefined,
    blocked: fixed([]),
    upload: (file: File) => {
      const value = new Value({ sent_bytes: Math.round(file.size * 0.62), size_bytes: file.size, state: "sending" as const });
      return Object.assign(value, { done: never, pause: () => undefined, resume: () => undefined, abort: () => Promise.resolve() });
    },
    fileUrl: () => Promise.resolve(""),
    api: {
      member: { list: ({ conversation }: { conversation: string }) => Promise.resolve({ conversation, count: members.length, members }), change: () => Promise.resolve({}) },
      group: new Proxy({}, { get: () => () => Promise.resolve({ changed: [] }) }),
      profile: { set: () => Promise.resolve({}) },
      block: { set: () => Promise.resolve({ blocked: [] }) },
    },
  };
  return { client: client as unknown as ClientApi, messages: windows, conversations: list, state };
}
