/**
 * What a room's counters did in the last second: in, out, and dropped by reason.
 *
 * Pure: snapshots of `room.stats` in, rates out.
 */

import type { RoomStats } from "@trunkline/core";

export interface RoomRates {
  received_per_s: number;
  sent_per_s: number;
  delivered_per_s: number;
  refused_per_s: number;
  dropped_per_s: number;
  /** Dropped so far, by reason. */
  dropped: Readonly<Record<string, number>>;
  refused: Readonly<Record<string, number>>;
}

interface Totals {
  received: number;
  sent: number;
  delivered: number;
  dropped: Record<string, number>;
  refused: Record<string, number>;
}

const KEPT_MS = 5_000;

/** Follows the counters. */
export class Rates {
  private readonly seen: { at_ms: number; totals: Totals }[] = [];

  /** The rates over the last seconds, this snapshot included. */
  take(stats: RoomStats, now_ms: number): RoomRates {
    const totals = sum(stats);
    const newest = this.seen.at(-1);
    // Counters begin anew with a restart of the server: so do the rates.
    if (newest !== undefined && totals.received < newest.totals.received) this.seen.length = 0;
    this.seen.push({ at_ms: now_ms, totals });
    while (this.seen.length > 2 && now_ms - (this.seen[1] as { at_ms: number }).at_ms >= KEPT_MS) this.seen.shift();
    const first = this.seen[0] as { at_ms: number; totals: Totals };
    const seconds = Math.max(0.001, (now_ms - first.at_ms) / 1000);
    const rate = (of: (totals: Totals) => number): number =>
      this.seen.length < 2 ? 0 : Math.max(0, (of(totals) - of(first.totals)) / seconds);
    return {
      received_per_s: rate((t) => t.received),
      sent_per_s: rate((t) => t.sent),
      delivered_per_s: rate((t) => t.delivered),
      refused_per_s: rate((t) => total(t.refused)),
      dropped_per_s: rate((t) => total(t.dropped)),
      dropped: totals.dropped,
      refused: totals.refused,
    };
  }
}

function sum(stats: RoomStats): Totals {
  const totals: Totals = { received: 0, sent: 0, delivered: 0, dropped: {}, refused: {} };
  for (const counts of Object.values(stats.types ?? {})) {
    totals.received += counts.received ?? 0;
    totals.sent += counts.sent ?? 0;
    totals.delivered += counts.delivered ?? 0;
    add(totals.dropped, counts.dropped);
    add(totals.refused, counts.refused);
  }
  return totals;
}

function add(into: Record<string, number>, counts: Record<string, number> | undefined): void {
  for (const [reason, count] of Object.entries(counts ?? {})) into[reason] = (into[reason] ?? 0) + count;
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
