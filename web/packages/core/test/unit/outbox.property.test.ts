// The outbox against a server that refuses for now, cuts before or after accepting, and forgets to answer; and a client that
// is closed and opened again on the same store in between.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Client, memoryStore } from "../../src/index.js";
import { type Fate, FakeServer } from "../support/fake_link.js";
import { until } from "../support/server.js";

const fate = fc.constantFrom<Fate>("accept", "accept", "busy", "cut before", "cut after", "no answer");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant("send" as const) },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  { weight: 1, arbitrary: fc.constant("pause" as const) },
);

test("every message is accepted once and in order, through cuts, refusals and restarts of the client", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.array(fate, { maxLength: 25 }), async (steps, fates) => {
      const server = new FakeServer();
      server.fates = [...fates];
      const store = memoryStore();
      const open = (): Client =>
        new Client({ url: "http://test", token: () => "t", store, WebSocket: server.WebSocket, options: { request_timeout_ms: 60, lane_window: 4 } });
      let client = open();
      const written: string[] = [];
      for (const one of steps) {
        if (one === "send") {
          const text = `m${written.length}`;
          await client.send("g.x", text).stored;
          written.push(text);
        } else if (one === "restart") {
          await client.close();
          client = open();
          await client.opened;
        } else await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const waiting = async (): Promise<number> => (await store.transaction("read", (tx) => tx.list("outbox"))).length;
      await until(async () => {
        if (client.state.get().state === "offline") client.reconnect(); // instead of waiting for the back-off
        return server.log.length === written.length && (await waiting()) === 0;
      });
      expect(server.log.map(({ content }) => (content as { text: string }).text)).toEqual(written);
      const window = client.messages("g.x", { limit: 100 });
      await until(() => window.get().items.length === written.length);
      expect(window.get().items.map(({ content, status }) => [content.text, status])).toEqual(written.map((text) => [text, "sent"]));
      await client.close();
    }),
    { numRuns: 20 },
  );
});

test("a store that is an old copy of itself gets a new outbox, and loses nothing", async () => {
  const server = new FakeServer();
  const store = memoryStore();
  const open = (): Client => new Client({ url: "http://test", token: () => "t", store, WebSocket: server.WebSocket });
  let client = open();
  await client.send("g.x", "one").sent;
  await client.send("g.x", "two").sent;
  await client.close();
  // As if restored from a copy made before anything was sent.
  await store.transaction("durable", async (tx) => tx.put("meta", { key: "next_n", value: 1 }));
  const old = (await store.transaction("read", (tx) => tx.get("meta", ["outbox"])))!.value;
  client = open();
  await client.online();
  await client.send("g.x", "three").sent;
  expect(server.log.map(({ content }) => (content as { text: string }).text)).toEqual(["one", "two", "three"]);
  expect(server.log[2]!.outbox).not.toBe(old);
  await client.close();
});
