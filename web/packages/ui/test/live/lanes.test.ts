import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Lanes, leftOf, type Flight, type LaneKind, type LaneOptions } from "../../src/live/lanes.js";

const OPTIONS: LaneOptions = {
  width_px: 800, height_px: 200, lane_px: 32, gap_px: 12, cross_ms: 6_000, hold_ms: 4_000, wait_ms: 1_500, max_waiting: 50,
};

const kinds = fc.constantFrom<LaneKind>("scroll", "scroll", "scroll", "top", "bottom");
const arrivals = fc.array(
  fc.record({
    after_ms: fc.integer({ min: 0, max: 400 }),
    width_px: fc.integer({ min: 1, max: 1_600 }),
    kind: kinds,
    first: fc.boolean(),
  }),
  { minLength: 2, maxLength: 80 },
);
const sizes = fc.record({ width_px: fc.integer({ min: 50, max: 2_000 }), height_px: fc.integer({ min: 10, max: 600 }) });

/** Everything that flew, with a step whenever something arrived and often in between. */
function fly(options: LaneOptions, list: readonly { after_ms: number; width_px: number; kind: LaneKind; first: boolean }[]) {
  const lanes = new Lanes<number>(options);
  const flights: Flight<number>[] = [];
  let now_ms = 0;
  list.forEach(({ after_ms, ...arrival }, item) => {
    for (const end = now_ms + after_ms; now_ms < end; now_ms = Math.min(end, now_ms + 90)) flights.push(...lanes.take(now_ms));
    lanes.add({ ...arrival, item }, now_ms);
  });
  for (const end = now_ms + 400_000; now_ms < end && lanes.waiting_count > 0; now_ms += 90) flights.push(...lanes.take(now_ms));
  return { lanes, flights };
}

describe("lanes", () => {
  it("never let two comments touch", () => {
    fc.assert(
      fc.property(sizes, arrivals, (size, list) => {
        const options = { ...OPTIONS, ...size };
        const { flights } = fly(options, list);
        for (const [index, one] of flights.entries()) {
          for (const other of flights.slice(index + 1)) {
            if (one.lane !== other.lane) continue;
            const [from_ms, to_ms] = [Math.max(one.begins_ms, other.begins_ms), Math.min(one.ends_ms, other.ends_ms)];
            for (let step = 0; step <= 20 && from_ms < to_ms; step += 1) {
              const now_ms = from_ms + ((to_ms - from_ms) * step) / 20 - (step === 20 ? 1e-6 : 0);
              const [a, b] = [leftOf(one, options.width_px, now_ms), leftOf(other, options.width_px, now_ms)];
              const apart = Math.max(a - (b + other.width_px), b - (a + one.width_px));
              expect(apart).toBeGreaterThanOrEqual(options.gap_px - 0.01);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("stay inside the picture, and lose nothing without saying so", () => {
    fc.assert(
      fc.property(sizes, arrivals, (size, list) => {
        const options = { ...OPTIONS, ...size };
        const { lanes, flights } = fly(options, list);
        expect(flights.length + lanes.crowded_out + lanes.waiting_count).toBe(list.length);
        expect(new Set(flights.map((flight) => flight.item)).size).toBe(flights.length);
        for (const flight of flights) {
          expect(flight.lane).toBeGreaterThanOrEqual(0);
          expect(flight.top_px + options.lane_px <= Math.max(options.height_px, options.lane_px)).toBe(true);
        }
      }),
    );
  });

  it("show one's own comments, however crowded it is", () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const { flights } = fly(OPTIONS, list);
        const shown = new Set(flights.map((flight) => flight.item));
        list.forEach((arrival, item) => {
          if (arrival.first) expect(shown.has(item)).toBe(true);
        });
      }),
    );
  });

  it("cross from edge to edge", () => {
    const flight = { kind: "scroll" as const, width_px: 100, begins_ms: 0, ends_ms: 1_000 };
    expect(leftOf(flight, 800, 0)).toBe(800);
    expect(leftOf(flight, 800, 1_000)).toBe(-100);
    expect(leftOf({ ...flight, kind: "top" }, 800, 500)).toBe(350);
  });

  it("fill from the top, and from the bottom upwards", () => {
    const lanes = new Lanes<string>(OPTIONS);
    for (const kind of ["top", "top", "bottom", "scroll"] as const) lanes.add({ item: kind, width_px: 50, kind }, 0);
    expect(lanes.take(0).map((flight) => flight.lane)).toEqual([0, 1, 5, 2]);
  });

  it("take a short comment behind a long one only when it cannot reach it, and a long one behind a short one later", () => {
    const one = { ...OPTIONS, height_px: 32 };
    const began = (first_px: number, second_px: number): number => {
      const lanes = new Lanes<number>({ ...one, wait_ms: 60_000 });
      lanes.add({ item: 0, width_px: first_px, kind: "scroll" }, 0);
      lanes.take(0);
      lanes.add({ item: 1, width_px: second_px, kind: "scroll" }, 0);
      for (let now_ms = 0; ; now_ms += 1) {
        const [flight] = lanes.take(now_ms);
        if (flight !== undefined) return flight.begins_ms;
      }
    };
    expect(began(50, 700)).toBeGreaterThan(began(50, 50));
    expect(began(700, 50)).toBeLessThan(6_000);
  });

  it("never keep more waiting than they were told", () => {
    const lanes = new Lanes<number>({ ...OPTIONS, height_px: 32 });
    for (let item = 0; item < 10_000; item += 1) {
      lanes.add({ item, width_px: 400, kind: "scroll" }, item);
      lanes.take(item);
      expect(lanes.waiting_count).toBeLessThanOrEqual(50);
    }
    expect(lanes.crowded_out).toBeGreaterThan(9_000);
  });
});
