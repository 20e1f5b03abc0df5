/**
 * Gifts as a room shows them: runs of one gift from one giver to one receiver (combos), and sums.
 *
 * A run ends when 5 seconds pass between two of its gifts, measured by the entries, so that every device counts the
 * same. Pure. Not here: how a run looks (`gifts.ts`).
 */

import type { RoomMessage } from "@trunkline/core";

/** Most milliseconds between two gifts of a combo, as in spec/rooms.md. */
export const COMBO_MS = 5_000;

export interface Combo {
  key: string;
  giver: string;
  gift: string;
  to: string;
  /** By quantity. */
  count: number;
  amount: number;
  began_ms: number;
  latest_ms: number;
}

/** The sums a room's gifts come to, as far as this device saw them. */
export class GiftBook {
  readonly combos = new Map<string, Combo>();
  count = 0;
  amount = 0;
  private last = 0;

  /** Count a gift; entries come in order, and one that was counted is not counted again. */
  take(message: RoomMessage): Combo | undefined {
    if (message.type !== "gift" || message.seq <= this.last) return undefined;
    this.last = message.seq;
    const { gift = "", quantity = 1, amount = 0, to = "" } = (message.content ?? {}) as Record<string, never>;
    const value = amount * quantity;
    this.count += quantity;
    this.amount += value;
    const key = JSON.stringify([message.sender, gift, to]);
    const before = this.combos.get(key);
    const goes_on = before !== undefined && message.at_ms - before.latest_ms <= COMBO_MS;
    const combo: Combo = goes_on
      ? { ...before, count: before.count + quantity, amount: before.amount + value, latest_ms: message.at_ms }
      : { key, giver: message.sender, gift, to, count: quantity, amount: value, began_ms: message.at_ms, latest_ms: message.at_ms };
    // Last touched comes last: what is oldest is found in front.
    this.combos.delete(key);
    this.combos.set(key, combo);
    return combo;
  }

  /** Forget runs that ended before a moment, so that a long show does not fill memory. */
  forget(before_ms: number): void {
    for (const [key, combo] of this.combos) {
      if (combo.latest_ms >= before_ms) break;
      this.combos.delete(key);
    }
  }
}
