// One WebSocket to the server: drives a link machine with the browser's (or Node's) WebSocket and clock.
// What does not live here: when to connect again (supervisor) and what pushes mean (engine).

import type { LinkFrame } from "../api.js";
import { TrunklineError } from "../errors.js";
import type { ErrorBody, Hello, Welcome } from "../generated/wire.js";
import type { Reaction } from "../protocol/closing.js";
import type { Codec } from "../protocol/frames.js";
import { type LinkEvent, LinkMachine, lostError } from "../protocol/link.js";

export type Answer = (error: ErrorBody | undefined, body: any) => void;
export type WebSocketClass = new (url: string, protocols: string) => WebSocket;

export interface SocketEvents {
  welcomed(socket: LinkSocket, welcome: Welcome): void;
  pushed(event: string, body: any): void;
  /** For panels that show what happens; undefined when nobody looks. */
  frame?: ((frame: LinkFrame) => void) | undefined;
}

/** How a connection ended. */
export interface End {
  closeCode: number;
  reaction: Reaction;
  refused?: ErrorBody;
}

const ABNORMAL = 1006;
const CLOSE_TIMEOUT_MS = 2_000;
const now = (): number => performance.now();

/** A connection from hello to its end. */
export class LinkSocket {
  readonly ended: Promise<End>;
  #end!: (end: End) => void;
  readonly #machine: LinkMachine;
  readonly #answers = new Map<number, { method: string; answer: Answer }>();
  readonly #socket: WebSocket;
  #refused: ErrorBody | undefined;
  #reaction: Reaction | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerDueMs = Infinity;
  readonly #opening: ReturnType<typeof setTimeout>;

  readonly #codec: Codec;
  readonly #events: SocketEvents;

  constructor(
    url: string,
    codec: Codec,
    hello: Hello,
    events: SocketEvents,
    WebSocketClass: WebSocketClass,
    connectTimeoutMs: number,
  ) {
    this.#codec = codec;
    this.#events = events;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#machine = new LinkMachine(codec, hello, now());
    this.#socket = new WebSocketClass(url, codec.subprotocol);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      clearTimeout(this.#opening);
      this.#flush();
    };
    this.#socket.onmessage = ({ data }) => this.#received(typeof data === "string" ? data : new Uint8Array(data));
    this.#socket.onclose = ({ code }) => this.#gone(code);
    this.#socket.onerror = () => {}; // followed by a close
    this.#opening = setTimeout(() => this.abort(), connectTimeoutMs);
  }

  /** Whether requests can be made now. */
  get ready(): boolean {
    return this.#machine.state === "ready" && !this.#machine.full && this.#socket.readyState === 1;
  }

  /** Make a request; `answer` is called once, with the error or the result. */
  ask(method: string, params: unknown, timeoutMs: number, answer: Answer): void {
    if (!this.ready) return answer(lostError(false), undefined);
    const id = this.#machine.request(method, params, now(), timeoutMs);
    this.#answers.set(id, { method, answer });
    this.#flush();
    this.#show("out", "request", method, id, params);
  }

  /** Make a request and wait for its result. */
  call(method: string, params: unknown, timeoutMs: number): Promise<any> {
    return new Promise((resolve, reject) =>
      this.ask(method, params, timeoutMs, (error, body) => (error ? reject(new TrunklineError(error)) : resolve(body))),
    );
  }

  /** End the connection politely, or at once if the server takes too long. */
  close(code = 1000): void {
    this.#socket.close(code);
    setTimeout(() => this.#gone(ABNORMAL), CLOSE_TIMEOUT_MS);
  }

  /** Drop the connection without waiting for anybody. */
  abort(): void {
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#gone(ABNORMAL);
  }

  #received(data: string | Uint8Array): void {
    for (const event of this.#machine.receive(data, now())) {
      if (this.#events.frame) this.#showEvent(event, data.length);
      this.#take(event);
    }
    this.#flush();
  }

  #gone(code: number): void {
    if (this.#machine.state === "closed") return;
    clearTimeout(this.#opening);
    clearTimeout(this.#timer);
    for (const event of this.#machine.closed(code)) this.#take(event);
  }

  #take(event: LinkEvent): void {
    switch (event.type) {
      case "pushed":
        return this.#events.pushed(event.event, event.body);
      case "replied":
      case "failed": {
        const { answer } = this.#answers.get(event.id)!;
        this.#answers.delete(event.id);
        return event.type === "failed" ? answer(event.error, undefined) : answer(undefined, event.body);
      }
      case "welcomed":
        return this.#events.welcomed(this, event.welcome);
      case "refused":
        this.#refused = event.error;
        this.#reaction = event.reaction;
        return this.close();
      case "violated":
        this.#socket.close(event.closeCode, event.detail.slice(0, 100));
        return this.abort();
      case "silent":
        return this.abort();
      case "ended":
        return this.#end({
          closeCode: event.closeCode,
          reaction: this.#reaction ?? event.reaction,
          ...(this.#refused && { refused: this.#refused }),
        });
    }
  }

  #flush(): void {
    if (this.#socket.readyState !== 1) return;
    for (const data of this.#machine.dataToSend()) this.#socket.send(data);
    const due = this.#machine.nextTimeoutMs();
    // An early firing only arms the timer again, so it need not be moved when the time grows.
    if (due === undefined || this.#timerDueMs <= due) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = due;
    this.#timer = setTimeout(() => {
      this.#timerDueMs = Infinity;
      for (const event of this.#machine.tick(now())) this.#take(event);
      this.#flush();
    }, Math.max(0, due - now()) + 1);
  }

  #showEvent(event: LinkEvent, size: number): void {
    if (event.type === "pushed") this.#show("in", "push", event.event, 0, event.body, size);
    else if (event.type === "replied") this.#show("in", "reply", this.#answers.get(event.id)!.method, event.id, event.body, size);
    else if (event.type === "failed") this.#show("in", "error", this.#answers.get(event.id)!.method, event.id, event.error, size);
    else if (event.type === "welcomed") this.#show("in", "reply", "hello", 1, event.welcome, size);
  }

  #show(direction: "in" | "out", kind: string, name: string, id: number, body: unknown, size?: number): void {
    this.#events.frame?.({
      direction,
      kind,
      name,
      id,
      body,
      size_bytes: size ?? this.#codec.encode([1, id, name, body]).length,
      at_ms: Date.now(),
    });
  }
}
