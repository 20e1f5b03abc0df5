/**
 * The comments beside the picture: the newest few, replaced once per tick however many came.
 *
 * What is reliable (gifts, announcements, quiz results) is kept apart from what is a sample, so that a flood of comments
 * never pushes it out unseen. Pure.
 */

import type { RoomMessage } from "@trunkline/core";

/** A line of the feed. */
export interface Line {
  /** Stable, for keyed lists. */
  key: string;
  message: RoomMessage;
  mine: boolean;
}

/** What belongs into the feed. */
const SHOWN = new Set(["danmaku", "gift", "announcement", "room.joined", "quiz.asked", "quiz.closed", "quiz.ended"]);

/** The newest lines of a room. */
export class Feed {
  /** Replaced, never altered. */
  lines: readonly Line[] = [];
  /** Every reliable line that came, also those no longer shown. */
  reliable_seen = 0;
  private made = 0;

  /**
   * @param max How many lines are kept.
   * @param keep How many of them reliable lines may hold against newer samples.
   */
  constructor(
    private readonly max = 120,
    private readonly keep = 40,
  ) {}

  /** A tick's messages. Returns whether anything changed. */
  add(messages: readonly RoomMessage[], me: string): boolean {
    const fresh: Line[] = [];
    let taken_back = false;
    for (const message of messages) {
      if (message.type === "message.recalled") {
        taken_back = this.drop(message.target, fresh) || taken_back;
        continue;
      }
      if (!isShown(message)) continue;
      if (message.seq > 0) this.reliable_seen += 1;
      this.made += 1;
      fresh.push({ key: message.seq > 0 ? `s${message.seq}` : `n${this.made}`, message, mine: message.sender === me });
    }
    if (fresh.length === 0) return taken_back;
    const all = [...this.lines, ...fresh];
    const over = all.length - this.max;
    this.lines = over <= 0 ? all : this.trimmed(all, over);
    return true;
  }

  private trimmed(all: Line[], over: number): Line[] {
    const reliable = all.filter((line) => line.message.seq > 0);
    const kept = new Set(reliable.slice(-this.keep));
    let left = over;
    return all.filter((line) => {
      if (left === 0 || kept.has(line)) return true;
      left -= 1;
      return false;
    });
  }

  private drop(seq: number, fresh: Line[]): boolean {
    const index = fresh.findIndex((line) => line.message.seq === seq);
    if (index >= 0) fresh.splice(index, 1);
    const without = this.lines.filter((line) => line.message.seq !== seq);
    const changed = without.length !== this.lines.length || index >= 0;
    this.lines = without;
    return changed;
  }
}

function isShown(message: RoomMessage): boolean {
  if (!SHOWN.has(message.type)) return false;
  return message.type !== "danmaku" || typeof message.content?.text === "string";
}
