// A store in a file, for Node: `@trunkline/core/node`.
// What lives here: a log of transactions, one line each, compacted when it is opened. What does not: browsers.

import { type FileHandle, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { WebSocket as WebSocketOfNode } from "ws";
import { clientError } from "./errors.js";
import { MemoryStore, type Write } from "./store/memory.js";
import type { Store } from "./store/store.js";

class FileStore extends MemoryStore {
  #file: FileHandle | undefined;
  #size = 0;

  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override async open(): Promise<void> {
    await this.#lock();
    try {
      // A line that a crash cut short was never acknowledged; it is the last one and is dropped.
      const text = await readFile(this.#path, "utf8").catch(() => "");
      for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
        if (line) for (const write of JSON.parse(line) as Write[]) this.apply(write);
      }
      const compact = `${this.#path}.new`;
      const lines = [...this.snapshot()].map((write) => `${JSON.stringify([write])}\n`);
      const fresh = await open(compact, "w");
      await fresh.writeFile(lines.join(""));
      await fresh.sync();
      await fresh.close();
      await rename(compact, this.#path);
      this.#file = await open(this.#path, "a");
      this.#size = (await this.#file.stat()).size;
    } catch (error) {
      await rm(`${this.#path}.lock`, { force: true });
      throw clientError("store_unusable", `cannot use the store ${this.#path}: ${error}`);
    }
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#file?.close();
    this.#file = undefined;
    await rm(`${this.#path}.lock`, { force: true });
  }

  protected override async commit(writes: readonly Write[], durable: boolean): Promise<void> {
    if (!this.#file) throw clientError("store_unusable", "the store is closed");
    const line = `${JSON.stringify(writes)}\n`;
    try {
      await this.#file.appendFile(line);
      if (durable) await this.#file.datasync();
      this.#size += Buffer.byteLength(line);
    } catch (error) {
      // What was written of the line would be in the way of the next one.
      await this.#file.truncate(this.#size).catch(() => {});
      throw clientError("store_unusable", `cannot write the store ${this.#path}: ${error}`);
    }
  }

  /** One process at a time: two on one outbox would send under the same ids. */
  async #lock(): Promise<void> {
    const lock = `${this.#path}.lock`;
    const owner = Number(await readFile(lock, "utf8").catch(() => "0"));
    if (owner && owner !== process.pid && alive(owner)) {
      throw clientError("store_unusable", `the store ${this.#path} is open in process ${owner}`);
    }
    if (owner !== process.pid) await rm(lock, { force: true });
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
    } catch {
      throw clientError("store_unusable", `the store ${this.#path} is open elsewhere: give every client a store of its own`);
    }
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A store in the file `path` (made if missing; its folder must exist); one client at a time may use it. */
export function fileStore(path: string): Store {
  return new FileStore(path);
}

/** A WebSocket for Node 20, which has none: `new Client({..., WebSocket})`. */
export const WebSocket = WebSocketOfNode as unknown as new (url: string, protocols: string) => globalThis.WebSocket;
