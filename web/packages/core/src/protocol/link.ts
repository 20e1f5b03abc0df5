// The client's side of one connection as a machine: hello, requests and their replies, pushes, heartbeats, the end.
// It takes WebSocket messages and the present time and returns events; what it wants sent is taken with `dataToSend`.
// What does not live here: sockets, positions in conversations (gap), when to reconnect (closing, backoff).

import type { ErrorBody, Hello, Welcome } from "../generated/wire.js";
import { type Reaction, reactionToClose, reactionToError } from "./closing.js";
import { type Codec, FrameError, Kind, decodeFrame } from "./frames.js";

const HELLO_TIMEOUT_MS = 10_000;
const HELLO_ID = 1;
const MALFORMED_FRAME = 4101;

export type LinkEvent =
  | { type: "welcomed"; welcome: Welcome }
  | { type: "refused"; error: ErrorBody; reaction: Reaction }
  | { type: "replied"; id: number; body: unknown }
  | { type: "failed"; id: number; error: ErrorBody }
  | { type: "pushed"; event: string; body: unknown }
  /** The server stopped answering: drop the connection without a closing handshake and reconnect. */
  | { type: "silent" }
  /** The server sent something that is no frame: close with `closeCode` and reconnect. */
  | { type: "violated"; detail: string; closeCode: number }
  /** Over; preceded by a `failed` for every request that was under way. */
  | { type: "ended"; closeCode: number; reaction: Reaction };

/** What a request gets when its connection ends: unknown if it was sent, else certainly not applied. */
export function lostError(sent: boolean, message?: string): ErrorBody {
  return sent
    ? { code: 5003, name: "timed_out", message: message ?? "the connection ended before the answer came", retry: "same_id", applied: null }
    : { code: 4001, name: "busy", message: message ?? "the connection ended before it was sent", retry: "later", applied: false };
}

interface Asked {
  id: number;
  dueMs: number;
  sent: boolean;
  data: string | Uint8Array<ArrayBuffer>;
}

/** One connection, from hello to its end; times are monotonic milliseconds. */
export class LinkMachine {
  state: "greeting" | "ready" | "closed" = "greeting";
  window = 1;
  heartbeatMs = HELLO_TIMEOUT_MS;
  #out: (string | Uint8Array<ArrayBuffer>)[] = [];
  /** Of the request made last; public so that the vectors can set it. */
  lastId = HELLO_ID;
  /** Requests without an answer, in the order of the calls: those sent first, then those kept back. */
  #asked = new Map<number, Asked>();
  #waiting: Asked[] = [];
  #inFlight = 0;
  #heardAtMs: number;
  #pingedAtMs = -1;
  #pings = 0;
  readonly #helloDueMs: number;

  readonly #maxWaiting: number;

  constructor(
    readonly codec: Codec,
    hello: Hello,
    nowMs: number,
    maxWaiting = 1024,
  ) {
    this.#maxWaiting = maxWaiting;
    this.#heardAtMs = nowMs;
    this.#helloDueMs = nowMs + HELLO_TIMEOUT_MS;
    this.#out.push(codec.encode([Kind.request, HELLO_ID, "hello", hello]));
  }

  /** Whether `request` would refuse. */
  get full(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /** What must be sent now, one WebSocket message each. */
  dataToSend(): (string | Uint8Array<ArrayBuffer>)[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Ask for something; requests leave in the order of the calls, at most `window` of them unanswered. */
  request(method: string, params: unknown, nowMs: number, timeoutMs: number): number {
    if (this.state !== "ready" || this.full) throw new Error("no request can be made now");
    const id = (this.lastId = (this.lastId % Number.MAX_SAFE_INTEGER) + 1);
    const asked = { id, dueMs: nowMs + timeoutMs, sent: false, data: this.codec.encode([Kind.request, id, method, params]) };
    this.#asked.set(id, asked);
    this.#waiting.push(asked);
    this.#release();
    return id;
  }

  /** One WebSocket message arrived. */
  receive(data: string | Uint8Array, nowMs: number): LinkEvent[] {
    if (this.state === "closed") return [];
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = -1;
    try {
      return this.#received(data);
    } catch (error) {
      if (error instanceof FrameError) return [{ type: "violated", detail: error.message, closeCode: MALFORMED_FRAME }];
      throw error;
    }
  }

  /** When to call `tick`; undefined once closed. */
  nextTimeoutMs(): number | undefined {
    if (this.state === "closed") return undefined;
    if (this.state === "greeting") return this.#helloDueMs;
    let due = this.#silenceDueMs();
    for (const asked of this.#asked.values()) due = Math.min(due, asked.dueMs);
    return due;
  }

  /** Time has passed: requests may have timed out, and a silent server is pinged, then given up. */
  tick(nowMs: number): LinkEvent[] {
    if (this.state === "closed") return [];
    if (this.state === "greeting") return nowMs >= this.#helloDueMs ? [{ type: "silent" }] : [];
    const events: LinkEvent[] = [];
    for (const asked of [...this.#asked.values()]) {
      if (asked.dueMs > nowMs) continue;
      this.#asked.delete(asked.id);
      if (asked.sent) this.#inFlight--;
      else this.#waiting = this.#waiting.filter((other) => other !== asked);
      const message = asked.sent ? "no answer in time" : "the server's window stayed full";
      events.push({ type: "failed", id: asked.id, error: lostError(asked.sent, message) });
    }
    this.#release();
    if (nowMs >= this.#silenceDueMs()) {
      if (this.#pingedAtMs >= 0) events.push({ type: "silent" });
      else {
        this.#pingedAtMs = nowMs;
        this.#out.push(this.codec.encode([Kind.ping, ++this.#pings]));
      }
    }
    return events;
  }

  /** The WebSocket is gone; 1006 when there was no close frame. */
  closed(closeCode: number): LinkEvent[] {
    if (this.state === "closed") return [];
    this.state = "closed";
    const events: LinkEvent[] = [];
    for (const { id, sent } of this.#asked.values()) events.push({ type: "failed", id, error: lostError(sent) });
    this.#asked.clear();
    this.#waiting = [];
    this.#out = [];
    events.push({ type: "ended", closeCode, reaction: reactionToClose(closeCode) });
    return events;
  }

  #received(data: string | Uint8Array): LinkEvent[] {
    const { kind, subject, body } = decodeFrame(this.codec, data);
    if (kind === Kind.push) {
      // Nothing is pushed before the welcome, so what arrives earlier is not for this session.
      return this.state === "ready" ? [{ type: "pushed", event: subject as string, body }] : [];
    }
    if (kind !== Kind.ok && kind !== Kind.error) return [];
    const id = subject as number;
    const error = kind === Kind.error ? checkedError(body) : undefined;
    if (this.state === "greeting") return [this.#greeted(id, body, error)];
    const asked = this.#asked.get(id);
    if (!asked?.sent) return []; // timed out earlier; its caller has been told that the outcome is unknown
    this.#asked.delete(id);
    this.#inFlight--;
    this.#release();
    return [error ? { type: "failed", id, error } : { type: "replied", id, body }];
  }

  #greeted(id: number, body: unknown, error: ErrorBody | undefined): LinkEvent {
    if (id !== HELLO_ID) throw new FrameError(`an answer to request ${id} before the answer to hello`);
    if (error) return { type: "refused", error, reaction: reactionToError(error.code) };
    const welcome = body as Welcome;
    if (!welcome || typeof welcome.party !== "string" || !Number.isInteger(welcome.epoch)) throw new FrameError("not a welcome");
    this.state = "ready";
    this.window = Math.max(1, welcome.window);
    this.heartbeatMs = Math.max(welcome.heartbeat_ms, 1);
    return { type: "welcomed", welcome };
  }

  #release(): void {
    while (this.#waiting.length && this.#inFlight < this.window) {
      const asked = this.#waiting.shift()!;
      asked.sent = true;
      this.#inFlight++;
      this.#out.push(asked.data);
    }
  }

  #silenceDueMs(): number {
    // Browsers answer the server's pings without telling, so silence of one and a half heartbeats means little: we ask.
    return this.#pingedAtMs >= 0 ? this.#pingedAtMs + 0.5 * this.heartbeatMs : this.#heardAtMs + 1.5 * this.heartbeatMs;
  }
}

function checkedError(body: unknown): ErrorBody {
  const error = body as ErrorBody;
  if (!error || !Number.isInteger(error.code) || typeof error.name !== "string") throw new FrameError("not an error");
  return error;
}
