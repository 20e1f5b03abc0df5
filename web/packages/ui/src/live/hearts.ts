/**
 * Likes as rising hearts: any number of likes becomes a number of hearts that a picture can carry.
 *
 * Pure: counts and times in, hearts out. Not here: drawing (`danmaku.ts`).
 */

export interface Heart {
  begins_ms: number;
  ends_ms: number;
  /** From 0 to 1: which way it sways, its colour, its size. */
  seed: number;
}

export interface HeartOptions {
  /** Most hearts that begin in a second. */
  per_s: number;
  /** Most hearts in the air. */
  max: number;
  rise_ms: number;
}

/** Turns likes into hearts. */
export class Hearts {
  /** The hearts in the air, oldest first. */
  readonly flying: Heart[] = [];
  private owed = 0;
  private next_ms = 0;

  constructor(private readonly options: HeartOptions = { per_s: 12, max: 40, rise_ms: 2_400 }) {}

  /** Somebody liked; more than a moment's worth of hearts is never owed. */
  add(likes: number): void {
    // 1 like is 1 heart; many are fewer than they are, but more are always more.
    this.owed = Math.min(this.owed + (likes <= 1 ? likes : 1 + Math.log2(likes)), this.options.per_s);
  }

  /** Begin what is owed, end what is over. */
  step(now_ms: number, random: () => number): void {
    while (this.flying.length > 0 && (this.flying[0] as Heart).ends_ms <= now_ms) this.flying.shift();
    while (this.owed >= 1 && now_ms >= this.next_ms && this.flying.length < this.options.max) {
      this.owed -= 1;
      this.next_ms = Math.max(this.next_ms, now_ms - 1_000) + 1_000 / this.options.per_s;
      this.flying.push({ begins_ms: now_ms, ends_ms: now_ms + this.options.rise_ms, seed: random() });
    }
  }
}

/** Where a heart is: both from 0 to 1 of the space it has, with its opacity and scale. */
export function heartAt(heart: Heart, now_ms: number): { x: number; y: number; opacity: number; scale: number } {
  const t = Math.min(1, Math.max(0, (now_ms - heart.begins_ms) / (heart.ends_ms - heart.begins_ms)));
  const sway = Math.sin(t * Math.PI * 2 + heart.seed * 7) * 0.16 * t;
  return {
    x: 0.5 + (heart.seed - 0.5) * 0.9 * Math.sqrt(t) + sway,
    y: 1 - t,
    opacity: t < 0.1 ? t * 10 : t > 0.65 ? (1 - t) / 0.35 : 1,
    scale: (0.55 + heart.seed * 0.45) * Math.min(1, 0.4 + t * 4),
  };
}
