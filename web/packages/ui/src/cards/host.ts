/** What the drawing of a kind of card needs from `<tl-card>`, and readings of a card's state. */

import type { TemplateResult } from "lit";
import type { LocalCard, Message } from "@trunkline/core";

import type { Localizer, MessageKey, Values } from "../i18n/localizer.js";

type Fields = Readonly<Record<string, unknown>>;

/** The component around. */
export interface CardHost {
  readonly message: Message;
  readonly card: LocalCard;
  /** What the card was made with. */
  readonly data: Fields;
  readonly summary: Fields;
  /** The party at this screen, and the key of its own cells (an alias on an anonymous poll). */
  readonly self: string;
  readonly mine: string;
  /** Takes actions: not closed, and there is a client. */
  readonly open: boolean;
  /** Who made the card, or runs the group. */
  readonly mayClose: boolean;
  /** What is being typed or chosen in the card, until it is sent. */
  readonly draft: Map<string, unknown>;
  readonly localizer: Localizer;
  t(key: MessageKey | (string & {}), values?: Values): string;
  name(party: string): string;
  /** Act on the card; answers what became of it, undefined when it was refused (the card shows why). */
  act(action: string, value?: Record<string, unknown>): Promise<unknown>;
  /** Change the draft and draw again. */
  set(key: string, value: unknown): void;
  avatar(party: string): TemplateResult;
}

/** Draws the inside of a card. */
export type CardView = (host: CardHost) => TemplateResult;

/** A map, or an empty one for anything else. */
export function mapOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A list, or an empty one for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A number, or 0. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** The cells of a field of the card: key to value, who wrote it and when. */
export function cellsOf(card: LocalCard, field: string): { key: string; at_ms: number; by: string; value: unknown }[] {
  const found = mapOf(card.state?.fields)[field];
  const cells = mapOf(Array.isArray(found) ? found[1] : undefined);
  return Object.entries(cells).flatMap(([key, cell]) =>
    Array.isArray(cell) ? [{ key, at_ms: numberOf(cell[1]), by: String(cell[2] ?? ""), value: cell[3] as unknown }] : [],
  );
}

/** What stands at a key of a field. */
export function cellOf(card: LocalCard, field: string, key: string): unknown {
  return cellsOf(card, field).find((cell) => cell.key === key)?.value;
}
