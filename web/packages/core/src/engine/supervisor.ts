// Keeping a connection: tokens, back-off, reactions to how connections end.
// What does not live here: what is done with a connection (engine), and the protocol's rules (protocol).

import type { TokenSource } from "../api.js";
import type { Hello, Welcome } from "../generated/wire.js";
import { drainingDelayMs, reconnectDelayMs } from "../protocol/backoff.js";
import type { Reaction } from "../protocol/closing.js";
import type { Codec } from "../protocol/frames.js";
import type { StateChange } from "./notices.js";
import { LinkSocket, type SocketEvents, type WebSocketClass } from "./socket.js";

export interface Session extends SocketEvents {
  /** The hello for the next connection. */
  hello(token: string): Promise<Hello>;
  lost(): void;
  changed(change: StateChange): void;
}

export interface ConnectOptions {
  url: string;
  token: TokenSource;
  codec: Codec;
  WebSocket: WebSocketClass;
  connect_timeout_ms: number;
}

/** Connects, and connects again, until told to stop by its owner or by the server. */
export class Supervisor {
  state: StateChange = { state: "offline", reason: "", retry_at_ms: 0, close_code: 0 };
  #socket: LinkSocket | undefined;
  #attempt = 0;
  #atOnce = false;
  #drainUntilMs = 0;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #hurry: () => void = () => {};
  #verdict: string | undefined;

  readonly #options: ConnectOptions;
  readonly #session: Session;

  constructor(
    options: ConnectOptions,
    session: Session,
  ) {
    this.#options = options;
    this.#session = session;
  }

  /** Hello was accepted: back-off starts from zero again. */
  welcomed(_welcome: Welcome): void {
    this.#attempt = 0;
    this.#drainUntilMs = 0;
    this.#enter("syncing");
  }

  /** Everything the server had is applied. */
  synced(): void {
    if (this.state.state === "syncing") this.#enter("online");
  }

  /** The server goes away: come back at a random time around the one it named, wherever it is then. */
  draining(reconnectInMs: number): void {
    const delay = drainingDelayMs(reconnectInMs, Math.random());
    this.#drainUntilMs = Date.now() + delay;
    clearTimeout(this.#drainTimer);
    this.#drainTimer = setTimeout(() => this.reconnect(), delay);
  }

  /** Drop the connection, if there is one, and connect again without waiting. */
  reconnect(): void {
    this.#atOnce = true;
    this.#hurry();
    this.#socket?.close();
  }

  /** The network is back: try now if waiting; a connection that stands is left alone. */
  wake(): void {
    if (this.state.state === "offline") this.#hurry();
  }

  /** The token no longer suffices: connect again with a new one. */
  renewToken(): void {
    if (typeof this.#options.token === "string") this.giveUp("the token was rejected, and there is no source of new ones");
    else this.#socket?.close();
  }

  /** Close and do not come back. */
  giveUp(reason: string): void {
    this.#verdict ??= reason;
    this.#hurry();
    this.#socket?.close();
  }

  /** End the connection and come back after the usual wait. */
  drop(): void {
    this.#socket?.close();
  }

  /** Stay connected; resolves when stopped, with the reason in `state`. */
  async run(): Promise<void> {
    while (this.#verdict === undefined) {
      this.#enter("connecting");
      this.#atOnce = false;
      let { reaction, reason, closeCode, leastMs } = await this.#oneConnection();
      if (this.#verdict !== undefined) break;
      if (reaction === "new_token" && typeof this.#options.token === "string") {
        reaction = "stop";
        reason += "; there is no source of new tokens";
      }
      if (reaction === "stop") return this.#enter("stopped", (this.#verdict = reason), 0, closeCode);
      const delay = Math.max(leastMs, this.#nextDelayMs());
      this.#enter("offline", reason, Date.now() + delay, closeCode);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delay);
        this.#hurry = () => {
          clearTimeout(timer);
          resolve();
        };
        if (this.#verdict !== undefined) this.#hurry();
      });
    }
    this.#enter("stopped", this.#verdict);
  }

  async #oneConnection(): Promise<{ reaction: Reaction; reason: string; closeCode: number; leastMs: number }> {
    const { url, token, codec, WebSocket, connect_timeout_ms } = this.#options;
    let socket: LinkSocket;
    try {
      const fresh = typeof token === "string" ? token : await token();
      const hello = await this.#session.hello(fresh);
      socket = new LinkSocket(url, codec, hello, this.#session, WebSocket, connect_timeout_ms);
    } catch (error) {
      return { reaction: "retry", reason: `no token: ${error}`, closeCode: 0, leastMs: 0 };
    }
    this.#socket = socket;
    if (this.#verdict !== undefined) socket.close();
    const { closeCode, reaction, refused } = await socket.ended;
    this.#socket = undefined;
    clearTimeout(this.#drainTimer);
    this.#session.lost();
    if (refused) {
      const reason = `${refused.code} ${refused.name}: ${refused.message}`;
      return { reaction, reason, closeCode: 0, leastMs: refused.retry_ms ?? 0 };
    }
    return { reaction, reason: `the connection ended with code ${closeCode}`, closeCode, leastMs: 0 };
  }

  #nextDelayMs(): number {
    if (this.#atOnce) return 0;
    if (this.#drainUntilMs) {
      const delay = Math.max(0, this.#drainUntilMs - Date.now());
      this.#drainUntilMs = 0;
      return delay;
    }
    return reconnectDelayMs(this.#attempt++, Math.random());
  }

  #enter(state: StateChange["state"], reason = "", retry_at_ms = 0, close_code = 0): void {
    this.state = { state, reason, retry_at_ms, close_code };
    this.#session.changed(this.state);
  }
}
