// All stores do the same: ordered ranges, transactions that count whole or not at all. The file survives being cut short.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "fake-indexeddb/auto";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { indexedDbStore, memoryStore } from "../../src/index.js";
import { fileStore } from "../../src/node.js";
import { directConversationId, sha256 } from "../../src/protocol/addresses.js";
import { openIdentity, takeN } from "../../src/store/identity.js";
import type { Store } from "../../src/store/store.js";

const directory = mkdtempSync(join(tmpdir(), "trunkline-stores-"));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;

const KINDS: [string, () => Store][] = [
  ["memory", memoryStore],
  ["indexeddb", () => indexedDbStore(`test${++count}`)],
  ["file", () => fileStore(join(directory, `store${++count}`))],
];
const entry = (conversation: string, seq: number, text = "") => ({ conversation, epoch: 1, seq, at_ms: 0, sender: "user/a", type: "text", content: { text } });

describe.each(KINDS)("%s", (_, make) => {
  test("a transaction that fails leaves nothing behind", async () => {
    const store = make();
    await store.open();
    await store.transaction("plain", async (tx) => tx.put("entries", entry("g.a", 1, "kept")));
    const failed = store.transaction("durable", async (tx) => {
      tx.put("entries", entry("g.a", 1, "overwritten"));
      tx.put("entries", entry("g.a", 2));
      tx.delete("entries", ["g.a", 1]);
      tx.clear("threads");
      await tx.get("entries", ["g.a", 2]);
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    const left = await store.transaction("read", (tx) => tx.list("entries"));
    expect(left).toEqual([entry("g.a", 1, "kept")]);
    await store.close();
  });

  test("ranges are those of a sorted list", async () => {
    const store = make();
    await store.open();
    const row = fc.record({ conversation: fc.constantFrom("g.a", "g.b", "g.ab"), seq: fc.integer({ min: 1, max: 30 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row),
        fc.record({ from: fc.option(fc.integer({ min: 0, max: 31 }), { nil: undefined }), to: fc.option(fc.integer({ min: 0, max: 31 }), { nil: undefined }), limit: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }), reverse: fc.boolean() }),
        async (rows, range) => {
          const found = await store.transaction("plain", async (tx) => {
            tx.clear("entries");
            for (const { conversation, seq } of rows) tx.put("entries", entry(conversation, seq));
            const given = Object.fromEntries(Object.entries(range).filter(([, value]) => value !== undefined));
            return tx.list("entries", { prefix: ["g.a"], ...given });
          });
          const seqs = [...new Set(rows.filter(({ conversation }) => conversation === "g.a").map(({ seq }) => seq))];
          const wanted = seqs.filter((seq) => seq >= (range.from ?? 0) && seq <= (range.to ?? 99)).sort((a, b) => (range.reverse ? b - a : a - b));
          if (range.from === undefined || range.to === undefined || range.from <= range.to) {
            expect(found.map(({ seq }) => seq)).toEqual(wanted.slice(0, range.limit ?? 99));
          }
        },
      ),
      { numRuns: 60 },
    );
    await store.close();
  });

  test("numbers are never given twice, however many ask at once", async () => {
    const store = make();
    await store.open();
    await openIdentity(store, "", "");
    const taken = await Promise.all(Array.from({ length: 20 }, (_, i) => store.transaction("durable", (tx) => takeN(tx, 1 + (i % 3)))));
    const numbers = taken.flatMap(([, n], i) => Array.from({ length: 1 + (i % 3) }, (_, k) => n + k));
    expect(new Set(numbers).size).toBe(numbers.length);
    await store.close();
  });
});

test("a file holds what was committed, also when its last line was cut short", async () => {
  const path = join(directory, "cut");
  let store = fileStore(path);
  await store.open();
  for (let i = 1; i <= 3; i++) await store.transaction("durable", async (tx) => tx.put("entries", entry("g.a", i, "text\nwith a line")));
  await expect(fileStore(path).open()).rejects.toMatchObject({ slug: "store_unusable" });
  await store.close();
  const whole = readFileSync(path, "utf8");
  for (let cut = whole.length - 1; cut > whole.length - 60; cut -= 7) {
    truncateSync(path, 0);
    appendFileSync(path, whole.slice(0, cut));
    store = fileStore(path);
    await store.open();
    const seqs = (await store.transaction("read", (tx) => tx.list("entries"))).map(({ seq }) => seq);
    expect(seqs).toEqual([1, 2]);
    await store.close();
  }
});

test("the id of a direct conversation is that of the server, from either side", () => {
  const digest = createHash("sha256").update("user/ann\nuser/bob").digest().subarray(0, 16);
  expect(directConversationId("user/bob", "user/ann")).toBe(`d.${digest.toString("base64url")}`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(Buffer.from(sha256(bytes)).toString("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
    }),
  );
});
