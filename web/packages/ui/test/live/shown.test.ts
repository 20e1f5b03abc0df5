import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RoomMessage } from "@trunkline/core";

import { COMBO_MS, GiftBook } from "../../src/live/combos.js";
import { Feed } from "../../src/live/feed.js";
import { Hearts } from "../../src/live/hearts.js";
import { advance, chosen, NO_QUIZ, timeLeft } from "../../src/live/quiz.js";
import { Rates } from "../../src/live/rates.js";

const said = (over: Partial<RoomMessage>): RoomMessage => ({
  type: "danmaku", sender: "user/ann", at_ms: 0, content: { text: "hi" }, seq: 0, count: 1, target: 0, ...over,
});
const given = (seq: number, at_ms: number, quantity = 1, sender = "user/ann", amount = 10): RoomMessage =>
  said({ type: "gift", seq, at_ms, sender, content: { order: `o${seq}`, gift: "rose", quantity, amount } });

describe("gifts", () => {
  it("make a combo while they follow one another, and another one after a pause", () => {
    const book = new GiftBook();
    expect(book.take(given(1, 0))?.count).toBe(1);
    expect(book.take(given(2, COMBO_MS, 3))?.count).toBe(4);
    expect(book.take(given(3, COMBO_MS, 1, "user/bob"))?.count).toBe(1);
    expect(book.take(given(4, 2 * COMBO_MS + 1))?.count).toBe(1);
    expect([book.count, book.amount]).toEqual([6, 60]);
  });

  it("count once however often they come, and sum to what was given", () => {
    const gifts = fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 99 }), after: fc.integer({ min: 0, max: 9_000 }), again: fc.boolean() }));
    fc.assert(
      fc.property(gifts, (list) => {
        const book = new GiftBook();
        let [now, sum] = [0, 0];
        list.forEach(({ quantity, after, again }, index) => {
          now += after;
          sum += quantity;
          const message = given(index + 1, now, quantity);
          expect(book.take(message)?.latest_ms).toBe(now);
          if (again) expect(book.take(message)).toBeUndefined();
        });
        expect(book.count).toBe(sum);
        expect(book.amount).toBe(sum * 10);
      }),
    );
  });

  it("forget runs that are over", () => {
    const book = new GiftBook();
    for (let index = 0; index < 1_000; index += 1) {
      book.take(given(index + 1, index * 1_000, 1, `user/u${index}`));
      book.forget(index * 1_000 - COMBO_MS);
    }
    expect(book.combos.size).toBeLessThan(10);
    expect(book.count).toBe(1_000);
  });
});

describe("the feed", () => {
  it("is bounded, in order, and never loses a reliable line to a flood", () => {
    const batches = fc.array(fc.array(fc.boolean(), { maxLength: 60 }), { maxLength: 20 });
    fc.assert(
      fc.property(batches, (list) => {
        const feed = new Feed(50, 20);
        let seq = 0;
        for (const batch of list) {
          feed.add(batch.map((reliable) => (reliable ? given((seq += 1), seq) : said({}))), "user/me");
          expect(feed.lines.length).toBeLessThanOrEqual(50);
          const reliable = feed.lines.filter((line) => line.message.seq > 0).map((line) => line.message.seq);
          expect(reliable).toEqual([...reliable].sort((a, b) => a - b));
          expect(reliable.slice(-20)).toEqual(Array.from({ length: Math.min(seq, 20) }, (_, i) => seq - Math.min(seq, 20) + 1 + i));
        }
        expect(feed.reliable_seen).toBe(seq);
        expect(new Set(feed.lines.map((line) => line.key)).size).toBe(feed.lines.length);
      }),
    );
  });

  it("takes back what was recalled, also within a tick", () => {
    const feed = new Feed();
    feed.add([given(1, 0), given(2, 0), said({ type: "message.recalled", seq: 3, target: 2 })], "user/me");
    expect(feed.lines.map((line) => line.message.seq)).toEqual([1]);
    feed.add([said({ type: "message.recalled", seq: 4, target: 1 })], "user/me");
    expect(feed.lines).toEqual([]);
  });
});

describe("hearts", () => {
  it("are never more than the picture carries, and all rise to their end", () => {
    const hearts = new Hearts({ per_s: 10, max: 15, rise_ms: 2_000 });
    let most = 0;
    for (let now = 0; now < 20_000; now += 16) {
      if (now < 10_000) hearts.add(5_000);
      hearts.step(now, () => 0.5);
      most = Math.max(most, hearts.flying.length);
    }
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(15);
    expect(hearts.flying).toEqual([]);
  });

  it("are one for one like", () => {
    const hearts = new Hearts();
    hearts.add(1);
    hearts.step(0, () => 0);
    expect(hearts.flying.length).toBe(1);
  });
});

describe("the quiz", () => {
  const asked = said({ type: "quiz.asked", seq: 5, content: { quiz: "q", question: 1, text: "?", options: ["a", "b"], at_ms: 0, closes_at_ms: 10_000 } });
  const closed = said({ type: "quiz.closed", seq: 6, content: { quiz: "q", question: 1, correct: [1], tallies: [3, 7], answered: 10, right: 7, revived: 0, out: 3, left: 7 } });

  it("goes from question to outcome, and counts what was right once", () => {
    let state = advance(NO_QUIZ, asked);
    expect(state.question?.options).toEqual(["a", "b"]);
    state = chosen(state, 1, 1);
    state = advance(advance(state, closed), closed);
    expect([state.outcome?.right, state.right]).toEqual([7, 1]);
    expect(chosen(state, 1, 0).choice).toBe(1);
  });

  it("ignores outcomes of other questions, and anything without content", () => {
    const state = advance(NO_QUIZ, asked);
    expect(advance(state, { ...closed, content: { ...closed.content, question: 2 } })).toBe(state);
    expect(advance(state, said({ type: "quiz.closed", content: null }))).toBe(state);
  });

  it("tells how much time is left", () => {
    expect(timeLeft(asked.content, -5)).toBe(1);
    expect(timeLeft(asked.content, 5_000)).toBe(0.5);
    expect(timeLeft(asked.content, 99_000)).toBe(0);
  });
});

describe("rates", () => {
  const stats = (received: number, over_budget: number) => ({
    conversation: "r", online: 3, peak: 3, connections: 3,
    types: { danmaku: { received, sent: received - over_budget, dropped: { over_budget }, delivered: 2 * received } },
  });

  it("are per second, and begin anew after a restart of the server", () => {
    const rates = new Rates();
    expect(rates.take(stats(100, 10), 0).received_per_s).toBe(0);
    const later = rates.take(stats(300, 60), 2_000);
    expect([later.received_per_s, later.sent_per_s, later.dropped_per_s, later.delivered_per_s]).toEqual([100, 75, 25, 200]);
    expect(later.dropped).toEqual({ over_budget: 60 });
    expect(rates.take(stats(5, 0), 3_000).received_per_s).toBe(0);
  });
});
