/**
 * Draws the rows of a very long list that are in sight, and keeps what the reader looks at where it is while rows
 * come, go and change their height.
 *
 * The list is laid out by the browser: a spacer, the rows in sight, a spacer. What the reader looks at is the *anchor*, the
 * first row in sight and its distance from the top; or the end, when the list is scrolled down. After every change the
 * scroll position is derived from the anchor again. Not here: what a row looks like.
 */

import type { ReactiveController, ReactiveControllerHost } from "lit";

import { Heights } from "./heights.js";

/** How far beyond the edges rows are drawn, in pixels. */
const OVERSCAN_PX = 480;
/** How near the end counts as being there. */
const END_PX = 24;

/** What the virtualiser needs to know of a row. */
export interface Row {
  readonly key: string;
}

/** The rows to draw: from `first` up to, and not including, `end`. */
export interface Range {
  first: number;
  end: number;
}

interface Anchor {
  key: string;
  /** From the top of the view to the top of the row. */
  offset: number;
}

/** A controller for a component that draws a scroller with rows. */
export class Virtual<R extends Row> implements ReactiveController {
  /** Whether the end is in sight and followed. */
  atEnd = true;
  private readonly heights = new Heights();
  private rows: readonly R[] = [];
  private index = new Map<string, number>();
  private readonly measured = new Map<string, number>();
  private anchor: Anchor | undefined;
  private scroller: HTMLElement | undefined;
  private readonly drawn = new Map<Element, string>();
  private observer: ResizeObserver | undefined;
  private viewHeight = 0;
  private width = 0;
  private range: Range = { first: 0, end: 0 };
  /** Rows or anchor changed, and the scroll position has not followed yet. */
  private dirty = true;
  private placedTop = -1;
  private settling = 0;
  private top = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly options: {
      /** What a row is likely to be high. */
      estimate: (row: R, width: number) => number;
      /** The position changed, by the reader or by rows that came. */
      scrolled: () => void;
    },
  ) {
    host.addController(this);
  }

  /** Take the element that scrolls; its rows are given by `track`. */
  attach(scroller: HTMLElement): void {
    if (this.scroller === scroller) return;
    this.detach();
    this.scroller = scroller;
    this.observer = new ResizeObserver((entries) => this.resized(entries));
    this.observer.observe(scroller);
    scroller.addEventListener("scroll", this.onScroll, { passive: true });
    this.viewHeight = scroller.clientHeight;
    this.width = scroller.clientWidth;
    this.anchoring();
  }

  /** Let go of the scroller. */
  detach(): void {
    this.observer?.disconnect();
    this.scroller?.removeEventListener("scroll", this.onScroll);
    this.scroller = undefined;
    this.drawn.clear();
  }

  hostDisconnected(): void {
    this.detach();
  }

  /** Show these rows. Rows that stay keep their place in sight. */
  setRows(rows: readonly R[]): void {
    if (rows === this.rows) return;
    const before = this.rows;
    this.rows = rows;
    const last = before.length - 1;
    const height = (at: number): number => this.heightOf(rows[at] as R);
    const grown = last >= 0 && rows.length >= before.length && rows[0]?.key === before[0]?.key && rows[last]?.key === before[last]?.key;
    if (grown) {
      for (let at = before.length; at < rows.length; at++) this.index.set((rows[at] as R).key, at);
      this.heights.extend(rows.length, height);
    } else {
      this.index = new Map();
      for (let at = 0; at < rows.length; at++) this.index.set((rows[at] as R).key, at);
      this.heights.reset(rows.length, height);
    }
    if (this.anchor !== undefined && !this.index.has(this.anchor.key)) this.anchor = this.nearest(before);
    this.hold();
    this.host.requestUpdate();
  }

  /** The rows to draw now, and the heights of the spacers. */
  window(): Range & { before: number; after: number } {
    const count = this.rows.length;
    const view = this.viewHeight || 800;
    let top: number;
    if (this.atEnd || this.anchor === undefined) top = this.heights.total - view;
    else top = this.heights.offset(this.index.get(this.anchor.key) ?? 0) - this.anchor.offset;
    const first = this.heights.at(Math.max(0, top - OVERSCAN_PX));
    const end = count === 0 ? 0 : Math.min(count, this.heights.at(Math.max(0, top) + view + OVERSCAN_PX) + 1);
    this.range = { first, end };
    const before = this.heights.offset(first);
    return { first, end, before, after: Math.max(0, this.heights.total - this.heights.offset(end)) };
  }

  /** Observe the drawn rows; call after drawing with the row elements in order. */
  track(elements: Iterable<Element>): void {
    let at = this.range.first;
    const kept = new Set<Element>();
    for (const element of elements) {
      const key = this.rows[at++]?.key;
      if (key === undefined) break;
      kept.add(element);
      if (!this.drawn.has(element)) this.observer?.observe(element);
      this.drawn.set(element, key);
    }
    for (const element of [...this.drawn.keys()]) {
      if (kept.has(element)) continue;
      this.observer?.unobserve(element);
      this.drawn.delete(element);
    }
    // Otherwise the browser's own scroll anchoring holds the view until the new rows are measured.
    if (this.dirty) this.place();
    this.dirty = false;
  }

  /** Bring a row into sight, `offset` pixels below the top of the view (a third of it by default). False: no such row. */
  show(key: string, offset = this.viewHeight / 3): boolean {
    if (!this.index.has(key)) return false;
    this.atEnd = false;
    this.anchor = { key, offset };
    this.hold();
    this.host.requestUpdate();
    return true;
  }

  /** Go to the end, and stay there. */
  toEnd(): void {
    this.atEnd = true;
    this.hold();
    this.host.requestUpdate();
  }

  /** The index of a row, -1 if it is not in the list. */
  indexOf(key: string): number {
    return this.index.get(key) ?? -1;
  }

  /** The first and the last row in sight. */
  inSight(): Range {
    const top = this.scroller?.scrollTop ?? 0;
    const first = this.heights.at(top);
    return { first, end: this.rows.length === 0 ? 0 : this.heights.at(top + this.viewHeight - 1) + 1 };
  }

  /** Pixels from the view to the first and behind the last row. */
  distances(): { before: number; after: number } {
    const top = this.scroller?.scrollTop ?? 0;
    return { before: top, after: Math.max(0, this.heights.total - top - this.viewHeight) };
  }

  private heightOf(row: R): number {
    return this.measured.get(row.key) ?? this.options.estimate(row, this.width);
  }

  /** When the anchor is gone: the row nearest to it that is still there. */
  private nearest(before: readonly R[]): Anchor | undefined {
    const key = this.anchor?.key;
    const at = before.findIndex((row) => row.key === key);
    for (let step = 1; at >= 0 && step < before.length; step++) {
      for (const near of [before[at + step], before[at - step]])
        if (near !== undefined && this.index.has(near.key)) return { key: near.key, offset: this.anchor?.offset ?? 0 };
    }
    return undefined;
  }

  private readonly onScroll = (): void => {
    const scroller = this.scroller;
    if (scroller === undefined) return;
    const top = scroller.scrollTop;
    // The event of our own scrolling says nothing about the reader.
    if (Math.abs(top - this.placedTop) < 1) {
      this.placedTop = -1;
      return;
    }
    const upward = top < this.top;
    this.top = top;
    const near = scroller.scrollHeight - top - this.viewHeight <= END_PX;
    // What grew below is no reason to leave the end; only the reader leaves it, upwards.
    if (!near && this.atEnd && !upward) return this.place();
    this.follow(near);
    this.takeAnchor(top);
    this.redraw();
    this.options.scrolled();
  };

  private follow(end: boolean): void {
    if (this.atEnd !== end) this.host.requestUpdate();
    this.atEnd = end;
    this.anchoring();
  }

  /**
   * While the reader scrolls, the browser's scroll anchoring (where it has one) holds the view without interrupting a
   * smooth scroll. At the end, and around changes made here, it would undo what `place` does, and is off.
   */
  private anchoring(): void {
    this.scroller?.style.setProperty("overflow-anchor", this.atEnd || this.settling > 0 ? "none" : "auto");
  }

  private hold(): void {
    this.dirty = true;
    this.settling += 1;
    this.anchoring();
    // Two frames: one that draws and measures the rows, one that the measures lead to.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.settling -= 1;
        this.anchoring();
      }),
    );
  }

  private takeAnchor(top: number): void {
    const at = this.heights.at(top);
    const row = this.rows[at];
    this.anchor = row === undefined ? undefined : { key: row.key, offset: this.heights.offset(at) - top };
  }

  /** Draw again when the rows in sight are not all drawn, or the drawn ones are far from it. */
  private redraw(): void {
    const { first, end } = this.range;
    const next = this.window();
    if (next.first !== first || next.end !== end) this.host.requestUpdate();
  }

  /** Derive the scroll position from the anchor. */
  private place(): void {
    const scroller = this.scroller;
    if (scroller === undefined || this.rows.length === 0) return;
    let top: number;
    if (this.atEnd) top = scroller.scrollHeight - scroller.clientHeight;
    else if (this.anchor === undefined) return;
    else top = this.heights.offset(this.index.get(this.anchor.key) ?? 0) - this.anchor.offset;
    top = Math.max(0, Math.min(top, scroller.scrollHeight - scroller.clientHeight));
    if (Math.abs(scroller.scrollTop - top) < 1) return;
    scroller.scrollTop = top;
    this.placedTop = this.top = scroller.scrollTop;
    if (this.atEnd) this.takeAnchor(scroller.scrollTop);
  }

  private resized(entries: readonly ResizeObserverEntry[]): void {
    const scroller = this.scroller;
    if (scroller === undefined) return;
    let changed = false;
    for (const entry of entries) {
      if (entry.target === scroller) {
        const { clientWidth: width, clientHeight: height } = scroller;
        if (width !== this.width && this.width !== 0) this.rewidth(width);
        changed ||= width !== this.width || height !== this.viewHeight;
        this.width = width;
        this.viewHeight = height;
        continue;
      }
      const key = this.drawn.get(entry.target);
      const at = key === undefined ? undefined : this.index.get(key);
      if (key === undefined || at === undefined) continue;
      const height = entry.borderBoxSize[0]?.blockSize ?? entry.contentRect.height;
      if (height === 0) continue;
      this.measured.set(key, height);
      changed = this.heights.set(at, height) !== 0 || changed;
    }
    if (!changed) return;
    this.host.requestUpdate();
    this.place();
    this.options.scrolled();
  }

  /** Another width: what was measured before is of no use. */
  private rewidth(width: number): void {
    this.width = width;
    const drawn = new Set(this.drawn.values());
    for (const key of [...this.measured.keys()]) if (!drawn.has(key)) this.measured.delete(key);
    this.heights.reset(this.rows.length, (at) => this.heightOf(this.rows[at] as R));
  }
}
