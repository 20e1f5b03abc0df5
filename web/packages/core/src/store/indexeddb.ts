// The store of a browser: one IndexedDB database, shared by the tabs of an origin.
// What lives here: requests and transactions. What does not: which tab holds the connection (tabs), what rows mean.

import { clientError } from "../errors.js";
import { KEYS, type Range, type Store, TABLES, type Table, type Tables, type Tx } from "./store.js";

const VERSION = 1;

class IndexedDbStore implements Store {
  #db: IDBDatabase | undefined;

  constructor(readonly sharedName: string) {}

  async open(): Promise<void> {
    const request = indexedDB.open(`trunkline:${this.sharedName}`, VERSION);
    request.onupgradeneeded = () => {
      for (const table of TABLES) request.result.createObjectStore(table, { keyPath: [...KEYS[table]] });
    };
    this.#db = await done(request);
    // A newer version of the page wants to change the database: it waits until the older ones let go.
    this.#db.onversionchange = () => this.#db?.close();
  }

  async close(): Promise<void> {
    this.#db?.close();
    this.#db = undefined;
  }

  async transaction<R>(mode: "read" | "plain" | "durable", body: (tx: Tx) => Promise<R>): Promise<R> {
    if (!this.#db) throw clientError("store_unusable", "the store is closed");
    let transaction: IDBTransaction;
    try {
      transaction = this.#db.transaction(TABLES, mode === "read" ? "readonly" : "readwrite", {
        durability: mode === "durable" ? "strict" : "relaxed",
      });
    } catch (error) {
      throw clientError("store_unusable", String(error));
    }
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    });
    ended.catch(() => {});
    let result: R;
    try {
      result = await body(new IndexedDbTx(transaction));
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has aborted by itself, which is why the body failed.
      }
      throw error instanceof DOMException ? clientError("store_unusable", `${error.name}: ${error.message}`) : error;
    }
    try {
      await ended;
    } catch (error) {
      throw clientError("store_unusable", String(error));
    }
    return result;
  }
}

class IndexedDbTx implements Tx {
  readonly #transaction: IDBTransaction;

  constructor(transaction: IDBTransaction) {
    this.#transaction = transaction;
  }

  get<T extends Table>(table: T, key: (string | number)[]): Promise<Tables[T] | undefined> {
    return done(this.#store(table).get(key));
  }

  list<T extends Table>(table: T, range?: Range): Promise<Tables[T][]> {
    const store = this.#store(table);
    if (!range) return done(store.getAll());
    const { prefix, from, to, limit, reverse } = range;
    if (from! > to!) return Promise.resolve([]); // which would be no range
    // Numbers come before texts, and texts before arrays, in the order of keys.
    const keys = IDBKeyRange.bound([...prefix, from ?? -Infinity], [...prefix, to ?? []]);
    if (!reverse) return done(store.getAll(keys, limit));
    return new Promise((resolve, reject) => {
      const rows: Tables[T][] = [];
      const request = store.openCursor(keys, "prev");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor) rows.push(cursor.value);
        if (cursor && rows.length < (limit ?? Infinity)) cursor.continue();
        else resolve(rows);
      };
    });
  }

  put<T extends Table>(table: T, row: Tables[T]): void {
    this.#store(table).put(row);
  }

  delete(table: Table, key: (string | number)[]): void {
    this.#store(table).delete(key);
  }

  clear(table: Table): void {
    this.#store(table).clear();
  }

  #store(table: Table): IDBObjectStore {
    return this.#transaction.objectStore(table);
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The store `name` of this origin; one per party. Tabs that name the same store share one connection. */
export function indexedDbStore(name: string): Store {
  return new IndexedDbStore(name);
}
