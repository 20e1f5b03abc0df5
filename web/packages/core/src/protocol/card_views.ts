// What a person sees of a card: its summary by kind, and what an action will become if the server accepts it.
// Pure and total: what is not understood, or only the server can know, counts for nothing. Not here: merging (cards).

import type { LocalCard } from "../api.js";
import type { CardState, EntryView, Op } from "../generated/wire.js";
import { applyOps, cellsOf, closedBy, membersOf, own, totalOf, valueOf } from "./cards.js";

/** Above every seq of a log. */
const FIRST_FORESEEN_SEQ = Number.MAX_SAFE_INTEGER + 1;

/** An action of this device that has not come back yet. */
export interface CardAction {
  action: string;
  value: any;
  at_ms: number;
}

type Foresees = (data: any, state: CardState, party: string, value: any) => Op[];

const has = (value: any, names: string): string[] => names.split(" ").filter((name) => name in value);
const last = (field: string, key: string, value: unknown): Op => [field, "last", key, value];

const FORESEEN: Record<string, Foresees> = {
  "poll.vote": (data, _, party, { choices }) =>
    data.anonymous ? [] : [last("votes", party, [...new Set<number>(choices)].sort((a, b) => a - b))],
  "event.rsvp": (_d, _s, party, { answer, guests = 0, note = "" }) => [last("rsvp", party, { answer, guests, note })],
  "event.update": (_d, _s, _p, value) =>
    has(value, "title starts_at_ms ends_at_ms place description").map((name) => last("details", name, value[name])),
  "live_location.update": (_d, _s, party, value) => {
    const names = has(value, "latitude longitude accuracy_m heading_deg speed_mps");
    const given = names.filter((name) => value[name] || /tude$/.test(name));
    return [last("positions", party, Object.fromEntries(given.map((name) => [name, value[name]])))];
  },
  "todo.add": (_d, _s, _p, value) => [
    ["items", "set", value.item, true],
    ...has(value, "text assignee due_at_ms").filter((name) => value[name]).map((name) => last(name, value.item, value[name])),
  ],
  "todo.edit": (_d, _s, _p, value) => has(value, "text assignee due_at_ms").map((name) => last(name, value.item, value[name])),
  "todo.check": (_d, _s, _p, { item, done = true }) => [last("done", item, done)],
  "todo.remove": (_d, _s, _p, { item }) => [["items", "set", item, false]],
  "approval.decide": (_d, _s, party, { decision, comment = "" }) => [["decisions", "first", party, { decision, comment }]],
  "form.submit": (data, _, party, { answers }) => [["responses", data.final ? "first" : "last", party, answers]],
  "custom.apply": (data, state, party, { ops }) =>
    ops.map(({ field, key = "", value }: any): Op => {
      const { merge, keys = "party" } = data.fields[field];
      const at = keys === "one" ? "" : keys === "any" ? key : party;
      return [field, merge, at, merge === "counter" ? value + (valueOf(state, field, at) ?? 0) : value];
    }),
};

function foresee(kind: string, data: any, state: CardState, party: string, { action, value }: CardAction): Op[] {
  if (action === "close") return kind === "red_packet" ? [] : [["closed", "first", "", "closed"]];
  try {
    return FORESEEN[`${kind}.${action}`]?.(data, state, party, value) ?? [];
  } catch {
    return [];
  }
}

type Summary = (data: any, state: CardState) => Record<string, unknown>;
const values = (state: CardState, field: string): any[] => Object.values(cellsOf(state, field)).map((cell) => cell[3]);
const byKey = (state: CardState, field: string): [string, any][] => Object.entries(cellsOf(state, field)).map(([key, cell]) => [key, cell[3]]);

const SUMMARIES: Record<string, Summary> = {
  poll(data, state) {
    const votes: number[] = (data.options ?? []).map(() => 0);
    let voters = 0;
    for (const choices of values(state, "votes")) {
      if (choices?.length) voters++;
      for (const choice of choices ?? []) if (choice < votes.length) votes[choice]!++;
    }
    return { votes, voters };
  },
  event(_, state) {
    const summary: Record<string, any> = { yes: 0, no: 0, maybe: 0, guests: 0 };
    for (const rsvp of values(state, "rsvp")) {
      if (!rsvp) continue;
      summary[rsvp.answer]++;
      if (rsvp.answer === "yes") summary.guests += rsvp.guests;
    }
    return { ...summary, details: Object.fromEntries(byKey(state, "details").filter(([, value]) => value !== null)) };
  },
  live_location: (_, state) => ({ positions: Object.fromEntries(byKey(state, "positions").filter(([, value]) => value)) }),
  todo(data, state) {
    const present = cellsOf(state, "items");
    const initial = new Map<string, any>((data.items ?? []).map((item: any, i: number) => [item.item || String(i + 1), item]));
    const names = [...initial.keys()].filter((name) => own(present, name)?.[3] ?? true);
    const added = Object.entries(present).filter(([name, cell]) => cell[3] && !initial.has(name));
    added.sort(([a, one], [b, other]) => one[0] - other[0] || (a < b ? -1 : 1));
    const items = [...names, ...added.map(([name]) => name)].map((name) => {
      const item: Record<string, any> = { text: "", done: false, ...initial.get(name), item: name };
      for (const field of ["text", "assignee", "due_at_ms", "done"]) {
        const cell = own(cellsOf(state, field), name);
        if (cell && (cell[3] !== null || field === "assignee")) item[field] = cell[3];
      }
      return { ...item, done: !!item.done };
    });
    return { items, done: items.filter((item) => item.done).length };
  },
  approval(data, state) {
    const decisions = Object.fromEntries(byKey(state, "decisions").filter(([, v]) => v).map(([party, v]) => [party, v.decision]));
    let waiting = (data.approvers ?? []).filter((party: string) => !(party in decisions));
    if (closedBy(state)) waiting = [];
    else if ((data.mode ?? "ordered") === "ordered") waiting = waiting.slice(0, 1);
    return { decisions, outcome: valueOf(state, "outcome") ?? "", waiting_for: waiting };
  },
  form(data, state) {
    const responses = values(state, "responses").filter(Boolean);
    const counts: Record<string, Record<string, number>> = {};
    for (const { id, type } of data.questions ?? []) {
      if (!["choice", "choices", "boolean"].includes(type)) continue;
      const count: Record<string, number> = (counts[id] = {});
      for (const one of responses.map((response) => response[id]).filter((answer) => answer != null).flat()) {
        count[String(one)] = (count[String(one)] ?? 0) + 1;
      }
    }
    return { responses: responses.length, counts };
  },
  red_packet(data, state) {
    const claims = Object.fromEntries(byKey(state, "claims").map(([party, claim]) => [party, claim.amount as number]));
    const refund = valueOf(state, "refund");
    const claimed = Object.values(claims).reduce((sum, amount) => sum + amount, 0);
    const refunded = refund ? refund.amount : 0;
    const shares = refund ? 0 : (data.shares ?? 0) - Object.keys(claims).length;
    return { claims, claimed, refunded, left: { amount: (data.amount ?? 0) - claimed - refunded, shares } };
  },
  custom(_, state) {
    const summary: Record<string, unknown> = {};
    for (const [name, [merge]] of Object.entries(state.fields ?? {})) {
      if (name === "closed") continue;
      summary[name] =
        merge === "set" ? membersOf(state, name) : merge === "counter" ? totalOf(state, name) : Object.fromEntries(byKey(state, name));
    }
    return summary;
  },
};

/** The summary of a card; empty for kinds without one. */
export function summarize(kind: string, data: any, state: CardState): Record<string, any> {
  return data && typeof data === "object" && Object.hasOwn(SUMMARIES, kind) ? SUMMARIES[kind]!(data, state) : {};
}

/** A card as this device shows it: `actions` are on their way, oldest first. */
export function localCard(entry: EntryView, party: string, actions: readonly CardAction[]): LocalCard {
  const kind = String(entry.content?.kind ?? "");
  const data = entry.content?.data;
  const state: CardState = entry.now?.card ?? {};
  let shown = state;
  if (actions.length) {
    shown = structuredClone(state);
    actions.forEach((action, i) => {
      const ops = foresee(kind, data, shown, party, action);
      // Distinct and above all: the sums of such large seqs would round, so the step is that of doubles there.
      applyOps(shown, ops, FIRST_FORESEEN_SEQ + 2 * i, action.at_ms, party);
    });
  }
  return {
    kind,
    data,
    state: shown,
    summary: summarize(kind, data, shown),
    closed: closedBy(shown),
    on_their_way: actions.length,
    partial: !!state.partial,
  };
}
