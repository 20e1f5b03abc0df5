/**
 * What the network did in the last second, from WebRTC's own counters. Pure: reports in, rates out.
 */

export interface Flow {
  packets_per_s: number;
  bits_per_s: number;
  frames_per_s: number;
}

export interface CallStats {
  sent: Flow;
  received: Flow;
  /** Of the packets that should have come in the last second, the part that did not. */
  loss: number;
  /** 0 while unknown. */
  round_trip_ms: number;
  /** Frames decoded so far. */
  frames_decoded: number;
}

interface Counts {
  packets: number;
  bytes: number;
  frames: number;
}

interface Totals {
  sent: Counts;
  received: Counts;
  lost: number;
  round_trip_ms: number;
}

type Entry = Record<string, unknown> & { type?: string };

/** Turns counters into rates. */
export class StatsFollower {
  private before: { at_ms: number; totals: Totals } | undefined;

  /** Counters of all tracks at one moment. */
  take(entries: Iterable<Entry>, now_ms: number): CallStats {
    const totals = sum(entries);
    const before = this.before;
    this.before = { at_ms: now_ms, totals };
    const seconds = before === undefined ? 0 : (now_ms - before.at_ms) / 1000;
    const flow = (which: "sent" | "received"): Flow => {
      const rate = (name: keyof Counts): number =>
        before === undefined || seconds <= 0 ? 0 : Math.max(0, (totals[which][name] - before.totals[which][name]) / seconds);
      return { packets_per_s: rate("packets"), bits_per_s: 8 * rate("bytes"), frames_per_s: rate("frames") };
    };
    const received = flow("received");
    const lost = before === undefined || seconds <= 0 ? 0 : Math.max(0, (totals.lost - before.totals.lost) / seconds);
    return {
      sent: flow("sent"),
      received,
      loss: lost === 0 ? 0 : lost / (lost + received.packets_per_s),
      round_trip_ms: totals.round_trip_ms,
      frames_decoded: totals.received.frames,
    };
  }
}

function sum(entries: Iterable<Entry>): Totals {
  const totals: Totals = { sent: counts(), received: counts(), lost: 0, round_trip_ms: 0 };
  const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  // One connection carries all tracks: each track's report names the same pairs, which count once.
  const seen = new Set<unknown>();
  for (const entry of entries) {
    if (entry["id"] !== undefined) {
      if (seen.has(entry["id"])) continue;
      seen.add(entry["id"]);
    }
    if (entry.type === "outbound-rtp") {
      totals.sent.packets += number(entry["packetsSent"]);
      totals.sent.bytes += number(entry["bytesSent"]);
      totals.sent.frames += number(entry["framesEncoded"]);
    } else if (entry.type === "inbound-rtp") {
      totals.received.packets += number(entry["packetsReceived"]);
      totals.received.bytes += number(entry["bytesReceived"]);
      totals.received.frames += number(entry["framesDecoded"]);
      totals.lost += number(entry["packetsLost"]);
    } else if (entry.type === "candidate-pair" && entry["state"] === "succeeded") {
      totals.round_trip_ms = Math.max(totals.round_trip_ms, 1000 * number(entry["currentRoundTripTime"]));
    }
  }
  return totals;
}

function counts(): Counts {
  return { packets: 0, bytes: 0, frames: 0 };
}
