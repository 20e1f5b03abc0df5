// A store in memory: for pages that keep nothing, for tests, and as the working copy of a file (node).
// What lives here: ordered tables, transactions one after the other with roll-back. What does not: disks.

import { KEYS, type Part, type Range, type Store, TABLES, type Table, type Tables, type Tx } from "./store.js";

/** One write, as a file logs it: `[table, key]` deletes, `[table, key, row]` puts, `[table]` clears. */
export type Write = [table: Table, key?: Part[], row?: unknown];

/** Orders keys as IndexedDB does for the parts in use: numbers by value, texts by code units. */
function compare(a: readonly Part[], b: readonly Part[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return a.length - b.length;
}

/** Rows in the order of their keys. */
class MemoryTable {
  #keys: Part[][] = [];
  #rows = new Map<string, any>();

  get(key: Part[]): any {
    return this.#rows.get(JSON.stringify(key));
  }

  put(key: Part[], row: any): void {
    const id = JSON.stringify(key);
    if (!this.#rows.has(id)) this.#keys.splice(this.#lowest(key), 0, key);
    this.#rows.set(id, row);
  }

  delete(key: Part[]): void {
    if (this.#rows.delete(JSON.stringify(key))) this.#keys.splice(this.#lowest(key), 1);
  }

  list({ prefix = [], from, to, limit = Infinity, reverse = false }: Partial<Range> = {}): any[] {
    const start = this.#lowest(from === undefined ? prefix : [...prefix, from]);
    const end = this.#lowest([...prefix, to === undefined ? Infinity : to + 0.5]);
    const stop = prefix.length || to !== undefined ? end : this.#keys.length;
    const keys = reverse ? this.#keys.slice(Math.max(start, stop - limit), stop).reverse() : this.#keys.slice(start, Math.min(stop, start + limit));
    return keys.map((key) => this.get(key));
  }

  /** Where the first key that is not below `key` is, or would be. */
  #lowest(key: readonly Part[]): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const copy = <T>(value: T): T => (value === undefined ? value : structuredClone(value));

/** A store that ends with the page or process. */
export class MemoryStore implements Store {
  readonly sharedName: string = "";
  #tables = emptyTables();
  #turn: Promise<unknown> = Promise.resolve();

  async open(): Promise<void> {}
  async close(): Promise<void> {
    await this.#turn;
  }

  transaction<R>(mode: "read" | "plain" | "durable", body: (tx: Tx) => Promise<R>): Promise<R> {
    const result = this.#turn.then(() => this.#run(mode === "durable", body));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Called before a transaction counts; throws to have it rolled back. */
  protected async commit(_writes: readonly Write[], _durable: boolean): Promise<void> {}

  /** Every row as a write, for a compact file. */
  protected *snapshot(): Iterable<Write> {
    for (const table of TABLES) for (const row of this.#tables[table].list()) yield [table, keyOf(table, row), row];
  }

  /** Repeat a logged write. */
  protected apply([table, key, row]: Write): void {
    if (!key) this.#tables[table] = new MemoryTable();
    else if (row === undefined) this.#tables[table].delete(key);
    else this.#tables[table].put(key, row);
  }

  async #run<R>(durable: boolean, body: (tx: Tx) => Promise<R>): Promise<R> {
    const writes: Write[] = [];
    const undo: (() => void)[] = [];
    const write = (next: Write): void => {
      const [table, key] = next;
      const before = this.#tables[table];
      const old = key && before.get(key);
      undo.push(() => (key ? this.apply([table, key, old]) : (this.#tables[table] = before)));
      this.apply(next);
      writes.push(next);
    };
    const tx: Tx = {
      get: async (table, key) => copy(this.#tables[table].get(key)),
      list: async (table, range) => copy(this.#tables[table].list(range)),
      put: (table, row) => write([table, keyOf(table, row), copy(row)]),
      delete: (table, key) => write([table, key]),
      clear: (table) => write([table]),
    };
    try {
      const result = await body(tx);
      if (writes.length) await this.commit(writes, durable);
      return result;
    } catch (error) {
      for (const back of undo.reverse()) back();
      throw error;
    }
  }
}

function keyOf<T extends Table>(table: T, row: Tables[T]): Part[] {
  return KEYS[table].map((name) => (row as any)[name]);
}

function emptyTables(): Record<Table, MemoryTable> {
  return Object.fromEntries(TABLES.map((table) => [table, new MemoryTable()])) as Record<Table, MemoryTable>;
}

/** A store in memory; each call makes one. */
export function memoryStore(): Store {
  return new MemoryStore();
}
