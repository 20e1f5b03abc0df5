// The gap rule under any network: entries arrive in any order, any number of times, or not at all, and each is applied once
// and in order; what is missing is asked for.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Action, Position } from "../../src/protocol/gap.js";

interface E {
  epoch: number;
  seq: number;
}

const entry = (seq: number): E => ({ epoch: 1, seq });

/** A log that grows, a network that loses and reorders, and a client that asks. */
class World {
  now = 0;
  head = 0;
  readonly applied: number[] = [];
  open: number | undefined;
  locating = false;
  readonly position: Position<E>;

  constructor(
    readonly start: number | null,
    readonly firstVisible: number,
    maxHeld: number,
  ) {
    this.head = firstVisible - 1;
    this.position = new Position<E>(1, start, maxHeld);
  }

  take(actions: Action<E>[]): void {
    for (const action of actions) {
      if (action.type === "apply") this.applied.push(...action.entries.map(({ seq }) => seq));
      else if (action.type === "pull") {
        expect(this.open).toBeUndefined();
        this.open = action.fromSeq;
      } else if (action.type === "locate") this.locating = true;
      else if (action.type === "resync") throw new Error("nothing began a new epoch");
    }
  }

  answer(page: number): void {
    if (this.locating) {
      this.locating = false;
      this.take(this.position.locate(this.firstVisible, this.now));
      this.take(this.position.head(this.head, this.now));
    }
    if (this.open === undefined) return;
    const from = this.open;
    this.open = undefined;
    const to = Math.min(this.head, from + page - 1);
    const entries = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => entry(from + i));
    this.take(this.position.history(1, entries, this.now, this.head, to < this.head));
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("grow" as const), by: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("push" as const), back: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ kind: fc.constant("answer" as const), page: fc.integer({ min: 1, max: 4 }) }),
  fc.constant({ kind: "fail" as const }),
  fc.constant({ kind: "reconnect" as const }),
  fc.record({ kind: fc.constant("head" as const), pushed: fc.boolean() }),
);

test("every entry is applied once, in order, and nothing is missing in the end", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { maxLength: 60 }),
      (known, firstVisible, maxHeld, steps) => {
        const world = new World(known ? firstVisible - 1 : null, firstVisible, maxHeld);
        const { position } = world;
        for (const one of steps) {
          if (one.kind === "grow") world.head += one.by;
          else if (one.kind === "push" && world.head - one.back >= firstVisible) world.take(position.push(entry(world.head - one.back), world.now));
          else if (one.kind === "wait") {
            world.now += one.ms;
            world.take(position.tick(world.now));
          } else if (one.kind === "answer") world.answer(one.page);
          else if (one.kind === "fail" && world.open !== undefined) {
            world.open = undefined;
            position.pullFailed(world.now);
          } else if (one.kind === "reconnect") {
            world.open = undefined;
            world.locating = false;
            world.take(position.reconnected(world.now));
          } else if (one.kind === "head" && world.head >= firstVisible) world.take(position.head(world.head, world.now, one.pushed));
        }
        // The network is well again: a connection, a sync, and answers.
        world.open = undefined;
        world.take(position.reconnected(world.now));
        world.locating = true;
        for (let i = 0; i < 200 && !(position.complete && position.last === world.head); i++) {
          world.answer(3);
          world.now += 40_000;
          world.take(position.tick(world.now));
        }
        const wanted = Array.from({ length: world.head - firstVisible + 1 }, (_, i) => firstVisible + i);
        expect(world.applied).toEqual(wanted);
        expect(position.last).toBe(world.head);
      },
    ),
    { numRuns: 500 },
  );
});

test("an entry of another epoch ends the machine, whatever came before", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (seqs) => {
      const position = new Position<E>(1, 0);
      for (const seq of seqs) position.push(entry(seq), 0);
      expect(position.push({ epoch: 2, seq: 1 }, 0)).toEqual([{ type: "resync", epoch: 2 }]);
      expect(position.push(entry(21), 0)).toEqual([]);
      expect(position.nextTimeoutMs()).toBeNull();
    }),
  );
});
