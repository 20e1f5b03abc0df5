// What stays on this device of what a party said and did when the party is erased; the same on servers.
// Amounts of a red packet and who got them stay, or sums would no longer be exact; so does why and when a card closed.
// A module of its own, loaded when an erasure arrives: it is rare. Not here: applying entries (engine/applier).

import type { CardState, EntryView, Op } from "../generated/wire.js";
import { own, put } from "./cards.js";

/** Structure, which others need to understand the log; everything else an erased party wrote is content. */
const STRUCTURE = new Set(
  ("conversation.created conversation.updated conversation.dismissed members.added members.removed member.changed " +
    "conversation.transferred community.changed message.recalled message.expired message.reacted message.pinned message.erased").split(" "),
);

const KEPT: Record<string, string[]> = { red_packet: ["closed", "claims", "refund"], approval: ["closed", "outcome"] };
const PACKET_DATA = ["amount", "shares", "split", "currency", "to"];
const kept = (kind: string): string[] => own(KEPT, kind) ?? ["closed"];

function pick(from: any, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
}

/** What stays of the content of a `card.created` or `card.changed` entry when its sender is erased; null for nothing. */
function redacted(type: string, content: any): Record<string, unknown> | null {
  const kind = String(content.kind ?? "");
  if (type === "card.changed") {
    const ops = (content.ops ?? []).filter((op: Op) => kept(kind).includes(op[0]));
    return ops.length ? { kind, action: content.action ?? "", ops, ...pick(content, ["event", "closes"]) } : null;
  }
  const data = kind === "red_packet" && content.data ? { data: pick(content.data, PACKET_DATA) } : {};
  return { kind, ...pick(content, ["closes_at_ms"]), ...data };
}

/** Drop what a party wrote from the state of a card. */
function withoutParty(state: CardState, kind: string, party: string): void {
  for (const [name, [merge, cells = {}]] of Object.entries(state.fields ?? {})) {
    if (kept(kind).includes(name)) continue;
    for (const [key, cell] of Object.entries(cells)) {
      if (cell[3] != null && (party === key || party === cell[2])) put(cells, key, [cell[0], cell[1], cell[2], merge === "counter" ? 0 : null]);
    }
  }
}

/** What becomes of an entry before an erasure of `party` at `seq`; undefined: it stays as it is. */
export function erased(entry: EntryView, party: string, seq: number): EntryView | undefined {
  const { type, content, now } = entry;
  const card = type === "card.created" && now?.card;
  if (card) withoutParty(card, String(content?.kind ?? ""), party);
  if (entry.sender !== party || STRUCTURE.has(type)) return card ? entry : undefined;
  const as_of = Math.max(now?.as_of ?? 0, seq);
  if (type === "message.edited") return { ...entry, content: { content: null } };
  if (type === "card.changed" && content) return { ...entry, content: redacted(type, content) };
  if (type === "card.created" && content) return { ...entry, content: redacted(type, content), now: { ...now, as_of, erased: true } };
  return { ...entry, content: null, now: { ...now, as_of, erased: true, content: null } };
}
