import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Heights } from "../../src/messages/heights.js";

const height = fc.integer({ min: 1, max: 400 });
type Step = { kind: "set"; at: number; height: number } | { kind: "extend"; heights: number[] } | { kind: "reset"; heights: number[] };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at: fc.nat(200), height }),
  fc.record({ kind: fc.constant("extend" as const), heights: fc.array(height, { maxLength: 90 }) }),
  fc.record({ kind: fc.constant("reset" as const), heights: fc.array(height, { maxLength: 40 }) }),
);

describe("heights of rows", () => {
  it("agree with a plain list, whatever happened to them", () => {
    fc.assert(
      fc.property(fc.array(height, { maxLength: 120 }), fc.array(step, { maxLength: 30 }), fc.nat(60_000), (first, steps, offset) => {
        const heights = new Heights();
        let plain = [...first];
        heights.reset(plain.length, (at) => plain[at] as number);
        for (const one of steps) {
          if (one.kind === "set") {
            const before = plain[one.at];
            expect(heights.set(one.at, one.height)).toBe(before === undefined ? 0 : one.height - before);
            if (before !== undefined) plain[one.at] = one.height;
          } else if (one.kind === "extend") {
            plain = [...plain, ...one.heights];
            heights.extend(plain.length, (at) => plain[at] as number);
          } else {
            plain = [...one.heights];
            heights.reset(plain.length, (at) => plain[at] as number);
          }
        }
        const sum = (end: number): number => plain.slice(0, end).reduce((total, one) => total + one, 0);
        expect(heights.length).toBe(plain.length);
        expect(heights.total).toBe(sum(plain.length));
        for (let at = 0; at <= plain.length; at++) expect(heights.offset(at)).toBe(sum(at));
        const found = heights.at(offset);
        if (plain.length === 0) expect(found).toBe(0);
        else if (offset >= heights.total) expect(found).toBe(plain.length - 1);
        else {
          expect(sum(found)).toBeLessThanOrEqual(offset);
          expect(sum(found + 1)).toBeGreaterThan(offset);
        }
      }),
    );
  });
});
