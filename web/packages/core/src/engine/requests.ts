// Calls: one request and its result, over whatever connection there is.
// What does not live here: sends of messages, which are durable (sender), and what single methods are for.

import type { Tuning } from "../api.js";
import { TrunklineError, clientError } from "../errors.js";
import { retryDelayMs } from "../protocol/backoff.js";
import type { LinkSocket } from "./socket.js";

/** Repeating one of these after an unknown outcome could do something twice, or answer with a refusal that misleads. */
const ONCE =
  /^(group\.(?!update)|(room|community|channel)\.create|(category|channel|usergroup)\.delete|(usergroup|typing)\.set$|member\.change|room\.(close|recall|kick|admit|leave|.+_attribute))/;

/** Whether a call may be repeated when its outcome is unknown. Sends are safe by their number. */
export function repeatable(method: string, params: any): boolean {
  return /^((message|room)\.send|card\.(create|act))$/.test(method) ? !!params.n : !ONCE.test(method);
}

/** Makes calls, waiting for a connection when there is none. */
export class Requests {
  #socket: LinkSocket | undefined;
  #waiters = new Set<() => void>();
  #stopped: string | undefined;

  readonly #tuning: Tuning;

  constructor(tuning: Tuning) {
    this.#tuning = tuning;
  }

  /** A connection is up. */
  start(socket: LinkSocket): void {
    this.#socket = socket;
    this.#wake();
  }

  lost(): void {
    this.#socket = undefined;
  }

  /** There will be no connection any more. */
  stop(reason: string): void {
    this.#socket = undefined;
    this.#stopped = reason;
    this.#wake();
  }

  /** Make a call; a refusal with "later" is repeated until the time is up, an unknown outcome where that is harmless. */
  async call(method: string, params: any, timeoutMs = this.#tuning.call_timeout_ms): Promise<any> {
    const until = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      const socket = await this.#connected(until);
      const left = Math.max(10, until - performance.now());
      try {
        return await socket.call(method, params, Math.min(left, this.#tuning.request_timeout_ms));
      } catch (error) {
        if (!(error instanceof TrunklineError)) throw error;
        const again = error.retry === "later" || (error.retry === "same_id" && repeatable(method, params));
        const wait = retryDelayMs(error.retry_ms, attempt, Math.random());
        if (!again || performance.now() + wait >= until) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async #connected(until: number): Promise<LinkSocket> {
    for (;;) {
      if (this.#stopped !== undefined) throw clientError("stopped", this.#stopped);
      if (this.#socket) return this.#socket;
      const left = until - performance.now();
      if (left <= 0) {
        throw new TrunklineError({ code: 4001, name: "not_connected", message: "no connection in time", retry: "later", applied: false });
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiters.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
