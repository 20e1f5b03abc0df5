// The folds of messages and cards do not depend on the order or number of times that changes are applied.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CardState, EntryView, Op, Overlay } from "../../src/generated/wire.js";
import { localCard } from "../../src/protocol/card_views.js";
import { applyOps, joinCards } from "../../src/protocol/cards.js";
import { fold, foldReply } from "../../src/protocol/entries.js";
import { erased } from "../../src/protocol/erasure.js";

const MERGES = ["set", "first", "last", "counter"] as const;
const key = fc.constantFrom("", "user/a", "user/b", "__proto__", "constructor");
/** A field has one merge everywhere, as kinds of cards see to. */
const op = fc.record({ merge: fc.integer({ min: 0, max: 3 }), key, value: fc.integer({ min: 0, max: 9 }) });
const entries = fc
  .uniqueArray(fc.record({ seq: fc.integer({ min: 1, max: 40 }), ops: fc.array(op, { maxLength: 3 }) }), { selector: ({ seq }) => seq })
  .map((all) =>
    all.map(({ seq, ops }) => {
      const cells = new Map(ops.map((one) => [`${one.merge} ${one.key}`, one]));
      // An entry writes a cell at most once.
      const written = [...cells.values()].map((one): Op => [`field${one.merge}`, MERGES[one.merge]!, one.key, one.value]);
      return { seq, ops: written };
    }),
  );

const folded = (all: { seq: number; ops: Op[] }[]): CardState => {
  const state: CardState = {};
  for (const { seq, ops } of all) applyOps(state, ops, seq, seq * 10, "user/a");
  return state;
};
/** Own properties only, so that nothing inherited makes states look alike. */
const plain = (state: CardState): unknown => JSON.parse(JSON.stringify(state.fields ?? {}));

describe("cards", () => {
  test("any order and any number of times lead to the same state", () => {
    fc.assert(
      fc.property(entries, fc.infiniteStream(fc.nat()), (all, rolls) => {
        const wanted = plain(folded(all));
        const shuffled = [...all, ...all].map((one) => ({ one, roll: rolls.next().value! })).sort((a, b) => a.roll - b.roll);
        expect(plain(folded(shuffled.map(({ one }) => one)))).toEqual(wanted);
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });

  test("joining states is what folding both sides' entries is", () => {
    fc.assert(
      fc.property(entries, fc.nat(), (all, cut) => {
        const at = all.length ? cut % all.length : 0;
        const [one, other] = [folded(all.slice(0, at)), folded(all.slice(at))];
        expect(plain(joinCards(one, other))).toEqual(plain(folded(all)));
        expect(plain(joinCards(other, one))).toEqual(plain(folded(all)));
        expect(plain(joinCards(one, one))).toEqual(plain(one));
      }),
    );
  });

  test("what is foreseen of an action is what its entry leads to", () => {
    const data = { question: "?", options: ["a", "b", "c"] };
    fc.assert(
      fc.property(fc.array(fc.subarray([0, 1, 2]), { minLength: 1, maxLength: 5 }), (votes) => {
        const entry: EntryView = { conversation: "g.x", epoch: 1, seq: 1, at_ms: 0, sender: "user/a", type: "card.created", content: { kind: "poll", data } };
        const actions = votes.map((choices, i) => ({ action: "vote", value: { choices }, at_ms: i }));
        const foreseen = localCard(entry, "user/me", actions);
        const state: CardState = {};
        votes.forEach((choices, i) => applyOps(state, [["votes", "last", "user/me", choices]], 2 + i, i, "user/me"));
        const real = localCard({ ...entry, now: { card: state } }, "user/me", []);
        expect(foreseen.summary).toEqual(real.summary);
        expect([foreseen.on_their_way, real.on_their_way]).toEqual([votes.length, 0]);
      }),
    );
  });
});

describe("messages", () => {
  const change = (seq: number): fc.Arbitrary<EntryView> => {
    const base = { conversation: "g.x", epoch: 1, seq, at_ms: seq * 10, target: 1 };
    const sender = fc.constantFrom("user/a", "user/b");
    return fc.oneof(
      fc.record({ sender, key: fc.constantFrom("👍", "__proto__", "constructor", "toString"), on: fc.boolean() }).map(({ sender, ...content }) => ({ ...base, sender, type: "message.reacted", content })),
      fc.record({ sender, on: fc.boolean() }).map(({ sender, on }) => ({ ...base, sender, type: "message.pinned", content: { on } })),
      fc.record({ sender, text: fc.string() }).map(({ sender, text }) => ({ ...base, sender, type: "message.edited", content: { content: { text } } })),
      sender.map((sender) => ({ ...base, sender, type: "message.recalled", content: {} })),
    );
  };
  const log = fc.integer({ min: 0, max: 12 }).chain((length) => fc.tuple(...Array.from({ length }, (_, i) => change(2 + i))));

  test("changes that are contained in an overlay change it no more, wherever the overlay was cut", () => {
    fc.assert(
      fc.property(log, fc.nat(), (changes, cut) => {
        const whole: Overlay = {};
        for (const one of changes) fold(whole, one);
        const part: Overlay = {};
        for (const one of changes.slice(0, changes.length ? cut % changes.length : 0)) fold(part, one);
        for (const one of [...changes, ...changes]) fold(part, one); // history has some, the pushes have all
        expect(part).toEqual(whole);
        if (changes.some(({ type }) => type === "message.recalled")) expect([whole.recalled, whole.content]).toEqual([true, null]);
      }),
    );
  });

  test("reactions are what each party said last of each key", () => {
    fc.assert(
      fc.property(log, (changes) => {
        const now: Overlay = {};
        for (const one of changes) fold(now, one);
        if (now.recalled) return;
        const last = new Map<string, boolean>();
        for (const { type, sender, content } of changes) if (type === "message.reacted") last.set(`${content.key} ${sender}`, content.on);
        const wanted = [...last].filter(([, on]) => on).map(([said]) => said).sort();
        const found = Object.entries(now.reactions ?? {}).flatMap(([key, parties]) => parties.map((party) => `${key} ${party}`));
        expect(found.sort()).toEqual(wanted);
      }),
    );
  });

  test("replies count once each, and those taken back no more", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 10 }), (kinds) => {
        const now: Overlay = {};
        let count = 0;
        kinds.forEach((reply, i) => {
          const entry = { conversation: "g.x", epoch: 1, seq: 2 + i, at_ms: i, sender: "user/a", type: reply ? "text" : "message.recalled", thread: 1 };
          count += reply ? 1 : -1;
          foldReply(now, entry);
          foldReply(now, entry);
        });
        expect(now.replies ?? 0).toBe(count);
      }),
    );
  });
});

test("an erasure takes what the party said, and leaves who got how much of a red packet", () => {
  const said: EntryView = { conversation: "g.x", epoch: 1, seq: 2, at_ms: 0, sender: "user/a", type: "text", content: { text: "secret" } };
  expect(erased(said, "user/a", 9)).toMatchObject({ content: null, now: { erased: true, as_of: 9 } });
  expect(erased(said, "user/b", 9)).toBeUndefined();
  const joined: EntryView = { ...said, type: "members.added", content: { parties: ["user/c"] } };
  expect(erased(joined, "user/a", 9)).toBeUndefined();
  const packet: EntryView = {
    ...said, type: "card.created", content: { kind: "red_packet", text: "secret", data: { amount: 10, shares: 2, wish: "secret" } },
    now: { card: { fields: { claims: ["first", { "user/b": [3, 0, "user/b", { amount: 4 }] }] } } },
  };
  const left = erased(packet, "user/a", 9)!;
  expect(JSON.stringify(left)).not.toContain("secret");
  expect(left.content.data).toEqual({ amount: 10, shares: 2 });
  expect(erased(packet, "user/b", 9)?.now?.card?.fields?.claims).toEqual(["first", { "user/b": [3, 0, "user/b", { amount: 4 }] }]);
});
