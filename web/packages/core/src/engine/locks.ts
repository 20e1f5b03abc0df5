// Locks between tabs where the browser has none: Web Locks need a secure page, and a server in one's own network is often
// reached by plain http. The holder of a lock answers whoever asks for it; when nobody does, it is free. Weaker than Web
// Locks: a tab that was stuck for seconds may find its lock taken, and is told. What does not live here: what is locked.

/** How long a holder has to answer; a tab in the background answers, too. */
const ANSWER_MS = 400;
/** How often a silent holder is asked before it counts as gone. */
const ASKS = 2;
/** How long those who want the same lock have to speak up. */
const CLAIM_MS = 150;
/** How often a held lock is asked about when nobody frees it. */
const RECHECK_MS = 4_000;

type Message = { say: "ask" | "want" | "held" | "freed"; name: string; by: string };

/** The part of `LockManager` that the client needs. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void> | void): Promise<void>;
}

/** Exclusive locks over a BroadcastChannel. A lock that somebody else took as well rejects with an AbortError, like a stolen one. */
export class ChannelLocks implements Locks {
  readonly #id: string;
  readonly #channel: BroadcastChannel;
  readonly #held = new Map<string, (reason: unknown) => void>();
  readonly #listeners = new Set<(message: Message) => void>();

  constructor(id: string, channel = new BroadcastChannel("trunkline:locks")) {
    this.#id = id;
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#received(data);
    // A tab that closes says so; one that crashes is missed when it does not answer.
    globalThis.addEventListener?.("pagehide", () => this.#held.forEach((_, name) => this.#say("freed", name)));
  }

  async request(name: string, { signal }: { signal: AbortSignal }, held: () => Promise<void> | void): Promise<void> {
    let silent = 0;
    while (silent < ASKS || !(await this.#claimed(name, signal))) {
      signal.throwIfAborted();
      this.#say("ask", name);
      if ((await this.#hear(name, ["held", "freed"], ANSWER_MS, signal))?.say !== "held") silent += 1;
      else {
        silent = 0;
        const news = await this.#hear(name, ["freed"], RECHECK_MS, signal);
        if (news) silent = ASKS;
      }
    }
    let lost: (reason: unknown) => void = () => {};
    const stolen = new Promise<void>((_, reject) => (lost = reject));
    this.#held.set(name, lost);
    this.#say("held", name);
    try {
      await Promise.race([held(), stolen]);
    } finally {
      if (this.#held.get(name) === lost) {
        this.#held.delete(name);
        this.#say("freed", name);
      }
    }
  }

  /** Whether nobody with a better right spoke up: a holder, or a smaller id. */
  async #claimed(name: string, signal: AbortSignal): Promise<boolean> {
    this.#say("want", name);
    const until_ms = Date.now() + CLAIM_MS;
    for (let left_ms = CLAIM_MS; left_ms > 0; left_ms = until_ms - Date.now()) {
      const other = await this.#hear(name, ["held", "want"], left_ms, signal);
      if (!other) break;
      if (other.say === "held" || other.by < this.#id) return false;
      this.#say("want", name);
    }
    return !signal.aborted;
  }

  /** The next word of others about a lock; undefined when there is none in time. */
  #hear(name: string, wanted: readonly Message["say"][], wait_ms: number, signal: AbortSignal): Promise<Message | undefined> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        signal.removeEventListener("abort", aborted);
      };
      const listener = (message: Message): void => {
        if (message.name !== name || !wanted.includes(message.say)) return;
        end();
        resolve(message);
      };
      const aborted = (): void => {
        end();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        end();
        resolve(undefined);
      }, wait_ms);
      this.#listeners.add(listener);
      signal.addEventListener("abort", aborted);
    });
  }

  #received(message: Message): void {
    const { say, name, by } = message;
    const lost = this.#held.get(name);
    if (lost && (say === "ask" || say === "want")) this.#say("held", name);
    else if (lost && say === "held") {
      // Two hold it, because one did not answer for long: the smaller id keeps it.
      if (by < this.#id) {
        this.#held.delete(name);
        lost(new DOMException("another tab took the lock", "AbortError"));
      } else this.#say("held", name);
    }
    for (const listener of [...this.#listeners]) listener(message);
  }

  #say(say: Message["say"], name: string): void {
    this.#channel.postMessage({ say, name, by: this.#id } satisfies Message);
  }
}
