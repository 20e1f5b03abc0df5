import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { featured, largestGrid } from "../../src/call/layout.js";
import { deviceProblem, endProblem } from "../../src/call/problems.js";
import { decodeSignal, encodeSignal, REACTIONS, type Signal } from "../../src/call/signals.js";
import { StatsFollower } from "../../src/call/stats.js";

describe("the grid", () => {
  it("holds every tile inside the space, and no other grid makes them larger", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 40, max: 3_000 }), fc.integer({ min: 40, max: 3_000 }), (count, width, height) => {
        const grid = largestGrid(count, width, height);
        expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
        fc.pre(grid.width_px > 0);
        expect(grid.columns * grid.width_px + 8 * (grid.columns - 1)).toBeLessThanOrEqual(width + 0.001);
        expect(grid.rows * grid.height_px + 8 * (grid.rows - 1)).toBeLessThanOrEqual(height + 0.001);
        for (let columns = 1; columns <= count; columns += 1) {
          const rows = Math.ceil(count / columns);
          const fits = Math.floor(Math.min((width - 8 * (columns - 1)) / columns, ((height - 8 * (rows - 1)) / rows) * (16 / 9)));
          expect(fits).toBeLessThanOrEqual(grid.width_px);
        }
      }),
    );
  });

  it("is one row for two in a wide space, and one column in a tall one", () => {
    expect(largestGrid(2, 1_600, 500).columns).toBe(2);
    expect(largestGrid(2, 400, 900).columns).toBe(1);
    expect(largestGrid(0, 400, 900).rows).toBe(1);
  });
});

describe("who is shown large", () => {
  const tile = (id: string, over = {}) => ({ id, screen: false, local: false, spoke_ms: 0, ...over });
  const [me, ann, bob, screen] = [tile("me", { local: true, spoke_ms: 9 }), tile("ann", { spoke_ms: 5 }), tile("bob", { spoke_ms: 7 }), tile("screen", { screen: true })];

  it("is who was picked, else a screen, else who spoke last, else anybody", () => {
    expect(featured([me, ann, bob, screen], "ann")).toBe(ann);
    expect(featured([me, ann, bob, screen], "gone")).toBe(screen);
    expect(featured([me, ann, bob], "")).toBe(bob);
    expect(featured([me], "")).toBe(me);
    expect(featured([], "")).toBeUndefined();
  });
});

describe("signals", () => {
  const signals = fc.oneof(
    fc.record({ kind: fc.constant("hand" as const), up: fc.boolean() }),
    fc.record({ kind: fc.constant("reaction" as const), reaction: fc.constantFrom(...REACTIONS) }),
  );

  it("come out as they went in", () => {
    fc.assert(fc.property(signals, (signal: Signal) => {
      expect(decodeSignal(encodeSignal(signal))).toEqual(signal);
    }));
  });

  it("are nothing else: any bytes are read, and only signals come out", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.json().map((text) => new TextEncoder().encode(text))), (bytes) => {
        const found = decodeSignal(bytes);
        expect(found === undefined || found.kind === "hand" || found.kind === "reaction").toBe(true);
      }),
    );
    const say = (value: unknown): Signal | undefined => decodeSignal(new TextEncoder().encode(JSON.stringify(value)));
    expect(say({ kind: "reaction", reaction: "<img src=x onerror=alert(1)>" })).toBeUndefined();
    expect(say({ kind: "hand", up: "yes" })).toBeUndefined();
    expect(say(null)).toBeUndefined();
  });
});

describe("problems are words", () => {
  it("for devices", () => {
    const named = (name: string) => Object.assign(new Error("x"), { name });
    expect(deviceProblem(named("NotAllowedError"), "camera", true)).toBe("call_camera_refused");
    expect(deviceProblem(named("NotFoundError"), "camera", true)).toBe("call_camera_missing");
    expect(deviceProblem(named("NotReadableError"), "microphone", true)).toBe("call_microphone_busy");
    expect(deviceProblem(named("Strange"), "microphone", true)).toBe("call_microphone_failed");
    expect(deviceProblem(null, "screen", true)).toBe("call_screen_failed");
    expect(deviceProblem(named("NotAllowedError"), "camera", false)).toBe("call_insecure");
  });

  it("for the end", () => {
    expect(endProblem(1)).toBe("");
    expect(endProblem(2)).toBe("call_ended_elsewhere");
    expect(endProblem(undefined)).toBe("call_ended_lost");
  });
});

describe("statistics", () => {
  const inbound = (packets: number, lost: number) => ({ id: "in", type: "inbound-rtp", packetsReceived: packets, bytesReceived: packets * 100, framesDecoded: packets / 2, packetsLost: lost });
  const pair = { id: "pair", type: "candidate-pair", state: "succeeded", currentRoundTripTime: 0.02 };

  it("are rates between two moments; what several tracks report alike counts once", () => {
    const follower = new StatsFollower();
    expect(follower.take([inbound(100, 0), pair, pair], 1_000).received.packets_per_s).toBe(0);
    const stats = follower.take([inbound(290, 10), inbound(290, 10), pair], 3_000);
    expect(stats.received).toEqual({ packets_per_s: 95, bits_per_s: 76_000, frames_per_s: 47.5 });
    expect(stats.loss).toBe(0.05);
    expect(stats.round_trip_ms).toBe(20);
  });

  it("never go below nothing when a track goes", () => {
    const follower = new StatsFollower();
    follower.take([inbound(1_000, 5)], 0);
    const stats = follower.take([], 1_000);
    expect(stats.received.packets_per_s).toBe(0);
    expect(stats.loss).toBe(0);
  });
});
