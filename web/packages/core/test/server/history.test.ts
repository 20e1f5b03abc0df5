// Windows over long histories.

import { expect, test } from "vitest";
import type { Message } from "../../src/index.js";
import { peopleOf } from "../support/people.js";
import { until } from "../support/server.js";

const { connect, pair } = peopleOf();
const numbers = (items: readonly Message[]): number[] => items.filter(({ type }) => type === "text").map(({ content }) => Number(content.text));
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a window reads a long history in both directions, and around a message", async () => {
  const { ann, conversation } = await pair();
  const sent = await Promise.all(range(0, 299).map((i) => ann.send(conversation, String(i)).sent));
  // A new device: it holds the newest 40 only.
  const late = connect("user/bob", { device: "late" });
  await late.online();
  const window = late.messages(conversation, { limit: 30, max: 120 });
  await window.ready;
  await until(() => numbers(window.get().items).at(-1) === 299);
  await window.toLatest();
  expect(numbers(window.get().items)).toEqual(range(270, 299));
  expect([window.get().at_start, window.get().at_end]).toEqual([false, true]);
  while (!window.get().at_start) {
    const before = numbers(window.get().items)[0]!;
    await window.loadBefore(50);
    expect(numbers(window.get().items)[0] ?? -1).toBeLessThan(before);
  }
  // It lets go of the far end, and reads it again.
  expect(window.get().items.length).toBeLessThanOrEqual(120);
  expect(window.get().at_end).toBe(false);
  expect(numbers(window.get().items)[0]).toBe(0);
  while (!window.get().at_end) await window.loadAfter(50);
  expect(numbers(window.get().items).at(-1)).toBe(299);
  const shown = numbers(window.get().items);
  expect(shown).toEqual(range(shown[0]!, 299));
  // A jump far back, and changes there.
  expect(await window.loadAround(sent[100]!.seq, 20)).toBe(true);
  expect(numbers(window.get().items)).toContain(100);
  await ann.edit(conversation, sent[100]!.seq, "1000");
  await until(() => numbers(window.get().items).includes(1000));
  await window.toLatest();
  await ann.send(conversation, "300").sent;
  await until(() => numbers(window.get().items).at(-1) === 300);
  expect((await window.find(sent[5]!.seq))?.content.text).toBe("5");
});

test("what was read stays on the device, without the server", async () => {
  const { ann, bob, conversation } = await pair();
  await Promise.all(range(0, 20).map((i) => ann.send(conversation, String(i)).sent));
  const window = bob.messages(conversation, { limit: 50 });
  await until(() => numbers(window.get().items).length === 21);
  expect(window.get().items.at(-1)!.status).toBe("sent");
  await bob.hide(conversation, [window.get().items.at(-1)!.seq]);
  await until(() => numbers(window.get().items).length === 20);
  await bob.hide(conversation, []).catch(() => {});
  const again = bob.messages(conversation, { limit: 50 });
  await again.ready;
  expect(numbers(again.get().items)).toEqual(range(0, 19));
});
