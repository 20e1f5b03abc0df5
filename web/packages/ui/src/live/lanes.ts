/**
 * Where and when a comment flies: lanes in which no two comments ever touch.
 *
 * A comment crosses the whole width in a fixed time, so a long one is faster than a short one. A lane takes the next
 * comment once the one before has come in entirely and cannot be caught before it is out. What finds no lane waits for
 * a moment and is then left out: readable beats complete (everything reliable is shown elsewhere). Widths come measured.
 * Pure: numbers in, numbers out. Not here: drawing (`danmaku.ts`).
 */

export interface LaneOptions {
  /** Of the picture, in CSS pixels. */
  width_px: number;
  height_px: number;
  /** Height of a lane, text and distance included. */
  lane_px: number;
  /** Least distance between two comments of a lane. */
  gap_px: number;
  /** How long a comment takes from one edge to the other. */
  cross_ms: number;
  /** How long a comment stands at the top or the bottom. */
  hold_ms: number;
  /** How long a comment may wait for a place. */
  wait_ms: number;
  /** How many may wait. */
  max_waiting: number;
}

export type LaneKind = "scroll" | "top" | "bottom";

/** A comment to be placed. */
export interface Arrival<T> {
  item: T;
  width_px: number;
  kind: LaneKind;
  /** Waits in front of the others, and as long as it takes: one's own. */
  first?: boolean;
}

/** A comment with a place. */
export interface Flight<T> {
  item: T;
  width_px: number;
  kind: LaneKind;
  lane: number;
  /** Distance of its upper edge from that of the picture. */
  top_px: number;
  begins_ms: number;
  ends_ms: number;
}

interface Waiting<T> extends Arrival<T> {
  until_ms: number;
}

/** Where a comment's left edge is at a moment, in a picture this wide. */
export function leftOf(flight: Pick<Flight<unknown>, "kind" | "width_px" | "begins_ms" | "ends_ms">, width_px: number, now_ms: number): number {
  if (flight.kind !== "scroll") return Math.max(0, (width_px - flight.width_px) / 2);
  const done = (now_ms - flight.begins_ms) / (flight.ends_ms - flight.begins_ms);
  return width_px - done * (width_px + flight.width_px);
}

/** Places comments. `now_ms` never goes back. */
export class Lanes<T> {
  /** How many comments found no place in time. */
  crowded_out = 0;
  private options: LaneOptions;
  private readonly moving: (Flight<T> | undefined)[] = [];
  private readonly standing: (Flight<T> | undefined)[] = [];
  private waiting: Waiting<T>[] = [];

  constructor(options: LaneOptions) {
    this.options = { ...options };
  }

  /** How many lanes there are. */
  get lanes(): number {
    return Math.max(1, Math.floor(this.options.height_px / this.options.lane_px));
  }

  /** How many comments wait for a place. */
  get waiting_count(): number {
    return this.waiting.length;
  }

  /** The picture changed its size: what flies is forgotten, because its places mean nothing any more. */
  resize(width_px: number, height_px: number): void {
    this.options.width_px = width_px;
    this.options.height_px = height_px;
    this.moving.length = 0;
    this.standing.length = 0;
  }

  /** A comment that wants a place; `take` says when it has one. */
  add(arrival: Arrival<T>, now_ms: number): void {
    const until_ms = arrival.first ? Number.POSITIVE_INFINITY : now_ms + this.options.wait_ms;
    const waiting = { ...arrival, until_ms };
    if (arrival.first) this.waiting.unshift(waiting);
    else if (this.waiting.length < this.options.max_waiting) this.waiting.push(waiting);
    else this.crowded_out += 1;
  }

  /** The comments that begin now, in the order they came. */
  take(now_ms: number): Flight<T>[] {
    const begun: Flight<T>[] = [];
    const later: Waiting<T>[] = [];
    // Nobody is overtaken by a narrower one of the same kind: else only short comments would ever be seen.
    const full = new Set<LaneKind>();
    for (const waiting of this.waiting) {
      const flight = full.has(waiting.kind) ? undefined : this.place(waiting, now_ms);
      if (flight !== undefined) begun.push(flight);
      else full.add(waiting.kind);
      if (flight !== undefined) continue;
      if (now_ms < waiting.until_ms) later.push(waiting);
      else this.crowded_out += 1;
    }
    this.waiting = later;
    return begun;
  }

  /** Nothing flies and nothing waits. */
  clear(): void {
    this.moving.length = 0;
    this.standing.length = 0;
    this.waiting = [];
  }

  private place(arrival: Arrival<T>, now_ms: number): Flight<T> | undefined {
    const { lane_px, cross_ms, hold_ms } = this.options;
    const scroll = arrival.kind === "scroll";
    const width_px = Math.max(1, arrival.width_px);
    for (let index = 0; index < this.lanes; index += 1) {
      const lane = arrival.kind === "bottom" ? this.lanes - 1 - index : index;
      const before = (scroll ? this.moving : this.standing)[lane];
      // Standing comments and flying ones share the picture but not a lane.
      const other = (scroll ? this.standing : this.moving)[lane];
      if (other !== undefined && now_ms < other.ends_ms) continue;
      if (before !== undefined && !(scroll ? this.clears(before, width_px, now_ms) : now_ms >= before.ends_ms)) continue;
      const flight: Flight<T> = {
        item: arrival.item,
        width_px,
        kind: arrival.kind,
        lane,
        top_px: lane * lane_px,
        begins_ms: now_ms,
        ends_ms: now_ms + (scroll ? cross_ms : hold_ms),
      };
      (scroll ? this.moving : this.standing)[lane] = flight;
      return flight;
    }
    return undefined;
  }

  /** Whether a comment this wide, beginning now, stays clear of the one before in its lane all the way. */
  private clears(before: Flight<T>, width_px: number, now_ms: number): boolean {
    const { width_px: across_px, gap_px, cross_ms } = this.options;
    if (now_ms >= before.ends_ms) return true;
    if (leftOf(before, across_px, now_ms) + before.width_px + gap_px > across_px) return false;
    // Distances between two steady movements are smallest at an end: at the beginning, or when the one before is out.
    const head_px = across_px - ((before.ends_ms - now_ms) / cross_ms) * (across_px + width_px);
    return head_px >= gap_px;
  }
}
