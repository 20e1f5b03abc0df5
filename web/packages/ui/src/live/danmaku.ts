/**
 * Draws flying comments and rising hearts over a picture, on one canvas.
 *
 * Each comment is drawn once into a small bitmap when it begins, then only moved; bitmaps are used again, so that an
 * evening of comments takes the memory of a screenful. The loop sleeps while nothing moves. Not here: who gets which
 * place (`lanes.ts`, `hearts.ts`).
 */

import { heartAt, Hearts } from "./hearts.js";
import { Lanes, leftOf, type Flight, type LaneKind } from "./lanes.js";

export interface Comment {
  text: string;
  /** `#rrggbb`; white if empty. */
  colour: string;
  kind: LaneKind;
  mine: boolean;
}

interface Sprite extends Comment {
  bitmap?: HTMLCanvasElement;
}

const FONT_PX = 20;
const LANE_PX = 34;
const PAD_PX = 8;
const CROSS_MS = 7_000;
const LONGEST = 80;
const HIGHEST_PART = 0.7;
/** The upper edge stays free too: who is there, and whose room it is. */
const HEAD_PX = 56;
/** Bitmaps come in widths of so many device pixels, so that another comment can have them. */
const STEP_PX = 64;
const HEARTS = ["#ff5d73", "#ff8fa3", "#ffb454", "#7ee0c9", "#8cc0f5", "#d3a8ee"];
const HEART_PX = 26;
const SPACE = { width_px: 120, height_px: 260 };

/** The layer over one picture. */
export class DanmakuLayer {
  /** Frames drawn, and when the latest was: for measurements. */
  frames = 0;
  /** No movement: comments that would fly are left to the list beside the picture. */
  still = false;
  private shown = true;
  private readonly context: CanvasRenderingContext2D;
  private readonly lanes: Lanes<Sprite>;
  private readonly hearts = new Hearts({ per_s: 7, max: 24, rise_ms: 2_600 });
  private flying: Flight<Sprite>[] = [];
  private readonly spare = new Map<number, HTMLCanvasElement[]>();
  private readonly font: string;
  private scale = 1;
  private width_px = 1;
  private height_px = 1;
  private frame = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    family: string,
  ) {
    this.context = canvas.getContext("2d") as CanvasRenderingContext2D;
    this.font = `600 ${FONT_PX}px ${family}`;
    this.lanes = new Lanes({
      width_px: 1, height_px: 1, lane_px: LANE_PX, gap_px: 24, cross_ms: CROSS_MS, hold_ms: 4_500, wait_ms: 1_200, max_waiting: 60,
    });
  }

  /** Comments that found no place. */
  get crowded_out(): number {
    return this.lanes.crowded_out;
  }

  /** Comments in the picture. */
  get in_flight(): number {
    return this.flying.length;
  }

  /** What flies now, for tests: texts with their boxes. */
  boxes(now_ms = performance.now()): { text: string; left: number; top: number; width: number; height: number }[] {
    return this.flying.map((flight) => ({
      text: flight.item.text,
      left: leftOf(flight, this.width_px, now_ms),
      top: HEAD_PX + flight.top_px,
      width: flight.width_px,
      height: LANE_PX,
    }));
  }

  /** The picture has this size now. */
  resize(width_px: number, height_px: number): void {
    if (width_px === this.width_px && height_px === this.height_px) return;
    this.scale = Math.min(2, globalThis.devicePixelRatio || 1);
    [this.width_px, this.height_px] = [Math.max(1, width_px), Math.max(1, height_px)];
    this.canvas.width = Math.round(this.width_px * this.scale);
    this.canvas.height = Math.round(this.height_px * this.scale);
    for (const flight of this.flying.splice(0)) this.give_back(flight.item);
    // The lowest part stays free for what stands there: faces, gifts, buttons.
    this.lanes.resize(this.width_px, Math.max(LANE_PX, this.height_px * HIGHEST_PART - HEAD_PX));
  }

  /** Show or hide comments; hearts rise anyway. */
  set visible(visible: boolean) {
    this.shown = visible;
    if (visible) return;
    this.lanes.clear();
    for (const flight of this.flying.splice(0)) this.give_back(flight.item);
  }

  get visible(): boolean {
    return this.shown;
  }

  /** A comment came. */
  comment(comment: Comment): void {
    if (!this.shown || document.hidden || (this.still && comment.kind === "scroll")) return;
    const text = comment.text.length > LONGEST ? `${comment.text.slice(0, LONGEST)}…` : comment.text;
    this.context.font = this.font;
    const width_px = Math.ceil(this.context.measureText(text).width) + 2 * PAD_PX;
    this.lanes.add({ item: { ...comment, text }, width_px, kind: comment.kind, first: comment.mine }, performance.now());
    this.wake();
  }

  /** Likes came. */
  like(likes: number): void {
    if (document.hidden || this.still) return;
    this.hearts.add(likes);
    this.wake();
  }

  /** Stop drawing and let go of everything. */
  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.lanes.clear();
    this.flying = [];
    this.spare.clear();
  }

  private wake(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const now_ms = performance.now();
    this.frames += 1;
    this.frame = 0;
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.scale(this.scale, this.scale);
    for (const flight of this.lanes.take(now_ms)) {
      flight.item.bitmap = this.bitmap(flight);
      this.flying.push(flight);
    }
    let kept = 0;
    for (const flight of this.flying) {
      if (now_ms >= flight.ends_ms) {
        this.give_back(flight.item);
        continue;
      }
      this.flying[kept] = flight;
      kept += 1;
      const bitmap = flight.item.bitmap;
      if (bitmap === undefined) continue;
      const left = leftOf(flight, this.width_px, now_ms);
      context.drawImage(bitmap, left, HEAD_PX + flight.top_px, bitmap.width / this.scale, bitmap.height / this.scale);
    }
    this.flying.length = kept;
    this.hearts.step(now_ms, Math.random);
    this.draw_hearts(now_ms);
    if (kept > 0 || this.lanes.waiting_count > 0 || this.hearts.flying.length > 0) this.wake();
  }

  private draw_hearts(now_ms: number): void {
    const { context } = this;
    for (const heart of this.hearts.flying) {
      const at = heartAt(heart, now_ms);
      const size = HEART_PX * at.scale;
      const x = this.width_px - SPACE.width_px + at.x * SPACE.width_px - 12;
      const y = this.height_px - 66 - (1 - at.y) * Math.min(SPACE.height_px, this.height_px * 0.6);
      context.globalAlpha = at.opacity;
      context.fillStyle = HEARTS[Math.floor(heart.seed * HEARTS.length)] ?? "#ff5d73";
      draw_heart(context, x, y, size);
    }
    context.globalAlpha = 1;
  }

  /** The comment as a picture: its text with a dark edge, readable on anything. */
  private bitmap(flight: Flight<Sprite>): HTMLCanvasElement {
    const width = Math.ceil((flight.width_px * this.scale) / STEP_PX) * STEP_PX;
    const bitmap = this.spare.get(width)?.pop() ?? document.createElement("canvas");
    const height = Math.ceil((LANE_PX - 4) * this.scale);
    if (bitmap.width !== width) bitmap.width = width;
    if (bitmap.height !== height) bitmap.height = height;
    const pen = bitmap.getContext("2d") as CanvasRenderingContext2D;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.scale(this.scale, this.scale);
    pen.font = this.font;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const middle = (LANE_PX - 4) / 2;
    if (flight.item.mine) {
      pen.strokeStyle = "rgb(255 255 255 / 0.85)";
      pen.lineWidth = 1.5;
      pen.fillStyle = "rgb(0 0 0 / 0.28)";
      pen.beginPath();
      pen.roundRect(1, 1, flight.width_px - 2, LANE_PX - 6, 8);
      pen.fill();
      pen.stroke();
    }
    pen.strokeStyle = "rgb(0 0 0 / 0.62)";
    pen.lineWidth = 3;
    pen.strokeText(flight.item.text, PAD_PX, middle);
    pen.fillStyle = /^#[0-9a-f]{6}$/i.test(flight.item.colour) ? flight.item.colour : "#ffffff";
    pen.fillText(flight.item.text, PAD_PX, middle);
    return bitmap;
  }

  private give_back(sprite: Sprite): void {
    const bitmap = sprite.bitmap;
    if (bitmap === undefined) return;
    delete sprite.bitmap;
    const rack = this.spare.get(bitmap.width) ?? [];
    if (rack.length < 8) rack.push(bitmap);
    this.spare.set(bitmap.width, rack);
  }
}

function draw_heart(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.beginPath();
  context.moveTo(x, y + size * 0.45);
  context.bezierCurveTo(x - size * 0.78, y - size * 0.05, x - size * 0.5, y - size * 0.62, x, y - size * 0.2);
  context.bezierCurveTo(x + size * 0.5, y - size * 0.62, x + size * 0.78, y - size * 0.05, x, y + size * 0.45);
  context.fill();
}
