// The server is killed under load, again and again: nothing is lost, doubled or reordered, and both sides see the same.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, memoryStore } from "../../src/index.js";
import { msgpackCodec } from "../../src/msgpack.js";
import { WebSocket, fileStore } from "../../src/node.js";
import { type App, Server, mint, until } from "../support/server.js";

const server = new Server();
const directory = mkdtempSync(join(tmpdir(), "trunkline-store-"));
let app: App;

beforeAll(async () => {
  await server.start();
  app = await server.app();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

test("messages of two writers through kills of the server, and of a writer, arrive once and in order", async () => {
  const connect = (party: string, more = {}): Client => new Client({ url: server.url, token: () => mint(app, party), store: memoryStore(), WebSocket, ...more });
  const path = join(directory, "ann");
  let ann = connect("user/ann", { store: fileStore(path), codec: msgpackCodec });
  const bob = connect("user/bob");
  const reader = connect("user/carl");
  await Promise.all([ann.online(), bob.online(), reader.online()]);
  const { conversation } = await ann.api.group.create({ id: "g.crash", name: "crash", members: ["user/bob", "user/carl"] });
  await until(() => [ann, bob, reader].every((one) => one.conversations.one(conversation).get()));

  // What every device did and saw, in the form of the checker that judges the Python SDK (tests/web/test_core.py).
  const history: object[] = [];
  const event = (ev: string, fields: object): void => void history.push({ ev, ...fields, t: Number(process.hrtime.bigint()) });
  const watch = (dev: string, client: Client): void =>
    void client.on("entry", ({ conversation: conv, seq, epoch, type, content }) => {
      if (conv === conversation) event("recv", { dev, conv, seq, id: type === "text" ? content.text : null, epoch });
    });
  const seen = { conversation, epoch: 0 };
  for (const [dev, client] of [["user/ann:1", ann], ["user/bob:1", bob], ["user/carl:1", reader]] as const) {
    const { entries } = await client.call("history.get", { conversation });
    for (const { seq, epoch } of entries) event("recv", { dev, conv: conversation, seq, id: null, epoch });
    seen.epoch = entries[0]!.epoch;
    watch(dev, client);
  }
  const written: Record<string, string[]> = { "user/ann": [], "user/bob": [] };
  const stored: Promise<unknown>[] = [];
  let writing = true;
  const write = async (who: string, client: () => Client): Promise<void> => {
    for (let i = 0; writing; i++) {
      const text = `${who},${i}`;
      event("invoke", { dev: `${who}:1`, conv: conversation, id: text });
      const handle = client().send(conversation, text);
      handle.sent.then(
        ({ seq, epoch }) => event("ok", { id: text, seq, epoch: epoch || seen.epoch }),
        () => event("unknown", { id: text }), // this run of the client ended
      );
      const kept = handle.stored.then(() => written[who]!.push(text), () => {});
      stored.push(kept);
      await kept;
      await new Promise((resolve) => setTimeout(resolve, 2));
      // A server takes a while to start; what waits stays small enough to be told apart from hanging.
      while (writing && (client().conversations.one(conversation).get()?.pending ?? 0) > 40) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const writers = [write("user/ann", () => ann), write("user/bob", () => bob)];
  for (let round = 0; round < 2; round++) {
    const before = written["user/ann"]!.length + written["user/bob"]!.length;
    await until(() => written["user/ann"]!.length + written["user/bob"]!.length > before + 60);
    await server.kill();
    await until(() => [ann, bob].every((one) => one.conversations.one(conversation).get()!.pending > 5));
    if (round === 1) {
      // This writer goes as well, with what it has written; another run takes over its file.
      await ann.close();
      ann = connect("user/ann", { store: fileStore(path), codec: msgpackCodec });
      watch("user/ann:1", ann);
      await ann.opened;
    }
    await server.start();
    for (const one of [ann, bob, reader]) one.reconnect();
  }
  writing = false;
  await Promise.all(writers);
  await Promise.all(stored);
  const total = written["user/ann"]!.length + written["user/bob"]!.length;
  expect(total).toBeGreaterThan(120);

  const texts = async (client: Client): Promise<string[]> => {
    const window = client.messages(conversation, { limit: 2 * total, max: 3 * total });
    await window.ready;
    const shown = window.get().items.filter(({ type }) => type === "text").map(({ content, status }) => `${content.text}${status === "sent" ? "" : "?"}`);
    window.close();
    return shown;
  };
  await until(async () => (await Promise.all([ann, bob, reader].map(texts))).every((shown) => shown.length === total && !shown.some((text) => text.endsWith("?"))), 40_000);
  const log = await texts(reader);
  for (const [who, mine] of Object.entries(written)) expect(log.filter((text) => text.startsWith(who))).toEqual(mine);
  expect(await texts(ann)).toEqual(log);
  expect(await texts(bob)).toEqual(log);
  const { entries } = await reader.call("history.get", { conversation, limit: 500 });
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
  // A count on its way may be older than entries that overtook it; the one that follows them is not.
  await until(() => reader.conversations.one(conversation).get()!.unread === total);
  if (process.env.TRUNKLINE_HISTORY) {
    const log = entries.map(({ seq, type, content }) => [seq, type === "text" ? content.text : null]);
    writeFileSync(process.env.TRUNKLINE_HISTORY, [{ conversation, epoch: seen.epoch, log }, ...history].map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
  await Promise.all([ann.close(), bob.close(), reader.close()]);
});
