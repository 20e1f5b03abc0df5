// Who a store belongs to, and the numbers of its outbox.
// What lives here: ids and their durable counter. What does not: messages (outbox rows).

import type { Store, Tx } from "./store.js";

/** A random id, such as an outbox's: it names the storage, so it is made with it and never copied. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface Identity {
  party: string;
  device: string;
  outbox: string;
  epoch: number;
  pts: number;
  threads_pts: number;
  blocked: string[];
}

/** Read the identity of a store, making what is missing. */
export function openIdentity(store: Store, device: string, party: string): Promise<Identity> {
  return store.transaction("durable", async (tx) => {
    const get = async (key: string, otherwise: any): Promise<any> => (await tx.get("meta", [key]))?.value ?? otherwise;
    const keep = async (key: string, made: string, wanted = ""): Promise<string> => {
      const found = await get(key, "");
      const value = wanted || found || made;
      if (value && value !== found) tx.put("meta", { key, value });
      return value;
    };
    return {
      party: await keep("party", party),
      device: await keep("device", `web-${newId().slice(0, 16)}`, device),
      outbox: await keep("outbox", newId()),
      epoch: await get("epoch", 0),
      pts: await get("pts", 0),
      threads_pts: await get("threads_pts", 0),
      blocked: await get("blocked", []),
    };
  });
}

/** The outbox and the first of `count` numbers never used before in it; inside a transaction of any tab. */
export async function takeN(tx: Tx, count = 1): Promise<[outbox: string, n: number]> {
  const outbox: string = (await tx.get("meta", ["outbox"]))!.value;
  const n: number = (await tx.get("meta", ["next_n"]))?.value ?? 1;
  tx.put("meta", { key: "next_n", value: n + count });
  return [outbox, n];
}

/** The next place in the order of writing. */
export async function takeOrder(tx: Tx): Promise<number> {
  const order: number = (await tx.get("meta", ["next_order"]))?.value ?? 1;
  tx.put("meta", { key: "next_order", value: order + 1 });
  return order;
}
