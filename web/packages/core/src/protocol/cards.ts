// The shared state of cards: the four merges and the fold from entries (spec/cards.md).
// Every cell remembers the seq that wrote it: `first` keeps the lowest, `set`, `last` and `counter` the highest, so the
// fold does not depend on the order or number of times entries are applied. Not here: summaries (card_views).

import type { CardState, Cell, Field, Op } from "../generated/wire.js";

/** Whether `next` replaces `old`. */
function wins(merge: string, next: Cell, old: Cell): boolean {
  return merge === "first" ? next[0] < old[0] : next[0] > old[0];
}

/** Apply the operations of one entry. */
export function applyOps(state: CardState, ops: readonly Op[], seq: number, atMs: number, by: string): void {
  for (const [name, merge, key, value] of ops) {
    const field = fieldOf(state, name, merge);
    const cells = (field[1] ??= {});
    const cell: Cell = [seq, atMs, by, value ?? null];
    const old = own(cells, key);
    if (!old || wins(field[0], cell, old)) put(cells, key, cell);
  }
}

/** Apply a `card.changed` entry; one whose content was erased, or that is not understood, changes nothing. */
export function foldCard(state: CardState, content: any, seq: number, atMs: number, by: string): void {
  const ops: unknown = content?.ops;
  if (Array.isArray(ops) && ops.every(isOp)) applyOps(state, ops as Op[], seq, atMs, by);
}

function isOp(op: unknown): boolean {
  return (
    Array.isArray(op) && typeof op[0] === "string" && /^(set|first|last|counter)$/.test(op[1]) && typeof op[2] === "string"
  );
}

/** The state of who has seen what either has seen. */
export function joinCards(one: CardState, other: CardState): CardState {
  const joined: CardState = structuredClone(one);
  for (const [name, [merge, cells = {}]] of Object.entries(other.fields ?? {})) {
    const into = (fieldOf(joined, name, merge)[1] ??= {});
    for (const [key, cell] of Object.entries(cells)) {
      const old = own(into, key);
      if (!old || wins(merge, cell, old)) put(into, key, cell);
    }
  }
  if (!(one.partial && other.partial)) delete joined.partial;
  return joined;
}

function fieldOf(state: CardState, name: string, merge: Op[1]): Field {
  const fields = (state.fields ??= {});
  const found = own(fields, name);
  if (found) return found;
  const made: Field = [merge, {}];
  put(fields, name, made);
  return made;
}

/** What is at a key that people chose: never something inherited. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The like for writing; plain assignment to `__proto__` would change the object's kind. */
export function put<T>(record: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The cells of a field; empty when nothing was written. */
export function cellsOf(state: CardState, field: string): Record<string, Cell> {
  return own(state.fields ?? {}, field)?.[1] ?? {};
}

/** What stands at a key, or null. */
export function valueOf(state: CardState, field: string, key = ""): any {
  return own(cellsOf(state, field), key)?.[3] ?? null;
}

/** The elements of a `set`, sorted. */
export function membersOf(state: CardState, field: string): string[] {
  return Object.entries(cellsOf(state, field))
    .filter(([, cell]) => cell[3])
    .map(([key]) => key)
    .sort();
}

/** The value of a `counter`. */
export function totalOf(state: CardState, field: string): number {
  return Object.values(cellsOf(state, field)).reduce((sum, cell) => sum + cell[3], 0);
}

/** Why the card takes no more actions; empty while it does. */
export function closedBy(state: CardState): string {
  return valueOf(state, "closed") ?? "";
}
