// A small server of the link inside the test, behind a WebSocket class: it accepts, refuses, forgets to answer and cuts, as a
// script of rolls says. It knows hello, sync, message.send (numbers, `after`), history.get and cursor.move; nothing is on disk.

interface Entry {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
  sender: string;
  type: string;
  content: unknown;
  outbox: string;
  n: number;
}

/** What may happen to a send. */
export type Fate = "accept" | "busy" | "cut before" | "cut after" | "no answer";

export class FakeServer {
  readonly log: Entry[] = [];
  readonly #accepted = new Map<string, Entry>();
  readonly #connections = new Set<FakeSocket>();
  /** What happens to the sends to come; then all are accepted. */
  fates: Fate[] = [];

  constructor(readonly conversation = "g.x") {}

  /** The class to give to a client. */
  get WebSocket(): new (url: string, protocols: string) => WebSocket {
    const server = this;
    return class extends FakeSocket {
      constructor() {
        super(server);
        server.#connections.add(this);
      }
    } as unknown as new (url: string, protocols: string) => WebSocket;
  }

  answer(socket: FakeSocket, [, id, method, params]: [number, number, string, any]): void {
    const ok = (result: unknown): void => socket.say([2, id, result]);
    const refuse = (code: number, name: string, retry: string): void =>
      socket.say([3, id, { code, name, message: name, retry, applied: false, retry_ms: 1 }]);
    if (method === "hello") {
      socket.outbox = params.outbox;
      const n = Math.max(0, ...[...this.#accepted.values()].filter(({ outbox }) => outbox === params.outbox).map(({ n }) => n));
      const more = { session: "s", session_epoch: 1, epoch: 1, pts: 0, server_time_ms: 0, heartbeat_ms: 30_000, window: 8, max_frame_bytes: 1 << 18 };
      return ok({ party: "user/me", device: params.device, outbox_n: n, ...more });
    }
    if (method === "sync") {
      const view = { conversation: this.conversation, kind: "group", epoch: 1, head: this.log.length };
      return ok({ epoch: 1, pts: 1 + this.log.length, conversations: [view] });
    }
    if (method === "history.get") {
      const entries = this.log.slice(params.from_seq - 1, params.from_seq - 1 + params.limit);
      return ok({ conversation: this.conversation, epoch: 1, head: this.log.length, entries, more: false });
    }
    if (method !== "message.send") return ok({});
    const fate = this.fates.shift() ?? "accept";
    if (fate === "cut before") return socket.cut();
    if (fate === "busy") return refuse(4001, "busy", "later");
    const entry = this.#take(socket.outbox, params);
    if (!entry) return refuse(3008, "out_of_order", "never");
    if (fate === "cut after") return socket.cut();
    if (fate !== "no answer") ok({ conversation: entry.conversation, epoch: 1, seq: entry.seq, at_ms: entry.at_ms });
  }

  #take(outbox: string, { n, after, content, conversation, type = "text" }: any): Entry | undefined {
    const key = `${outbox}:${n}`;
    const known = this.#accepted.get(key);
    if (known) return known;
    if (after && !this.#accepted.has(`${outbox}:${after}`)) return undefined;
    const entry: Entry = { conversation, epoch: 1, seq: this.log.length + 1, at_ms: 1, sender: "user/me", type, content, outbox, n };
    this.log.push(entry);
    this.#accepted.set(key, entry);
    for (const socket of this.#connections) socket.say([4, "entry", entry]);
    return entry;
  }

  gone(socket: FakeSocket): void {
    this.#connections.delete(socket);
  }
}

class FakeSocket {
  readyState = 0;
  binaryType = "arraybuffer";
  outbox = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly server: FakeServer) {
    setTimeout(() => {
      if (this.readyState) return;
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(data: string): void {
    const frame = JSON.parse(data);
    if (frame[0] === 5) this.say([6, frame[1]]);
    else if (frame[0] === 1) queueMicrotask(() => this.readyState === 1 && this.server.answer(this, frame));
  }

  say(frame: unknown): void {
    const data = JSON.stringify(frame);
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data }));
  }

  cut(code = 1006): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.server.gone(this);
    setTimeout(() => this.onclose?.({ code }));
  }

  close(code = 1000): void {
    this.cut(code);
  }
}
