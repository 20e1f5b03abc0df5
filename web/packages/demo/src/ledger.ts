/**
 * What the side panel shows of a connection: what was sent, what came back and how soon, which entries arrived.
 *
 * Pure: frames, entries and outcomes in; lines and figures out. Many alike in a row are one line with a number.
 */

import type { EntryView, LinkFrame, SendOutcome } from "@trunkline/core";

export type LineKind = "out" | "in" | "ack" | "entry" | "error" | "note";

export interface LedgerLine {
  id: number;
  kind: LineKind;
  /** A method, an event, or a type of entry. */
  name: string;
  /** What a person wants to know of it: a seq, a duration. */
  detail: string;
  at_ms: number;
  /** How many alike this line stands for. */
  count: number;
  bytes: number;
}

export interface Figures {
  round_trip_ms: number;
  acks: number;
  entries: number;
  bytes_in: number;
  bytes_out: number;
}

const KEPT = 150;
const PENDING = 500;
/** Not worth a line: they come all the time and say nothing new. */
const QUIET = new Set(["ping", "pong"]);

/** Follows a connection. */
export class Ledger {
  /** Newest first; replaced, never altered. */
  lines: readonly LedgerLine[] = [];
  figures: Figures = { round_trip_ms: 0, acks: 0, entries: 0, bytes_in: 0, bytes_out: 0 };
  private readonly asked = new Map<number, { name: string; at_ms: number }>();
  private made = 0;

  /** A frame of the link. */
  frame(frame: LinkFrame): void {
    const { kind, name, id, at_ms, size_bytes } = frame;
    if (frame.direction === "out") this.figures = { ...this.figures, bytes_out: this.figures.bytes_out + size_bytes };
    else this.figures = { ...this.figures, bytes_in: this.figures.bytes_in + size_bytes };
    if (QUIET.has(kind)) return;
    if (kind === "request" && frame.direction === "out") {
      if (this.asked.size >= PENDING) this.asked.delete(this.asked.keys().next().value as number);
      this.asked.set(id, { name, at_ms });
      this.line("out", name, "", at_ms, size_bytes);
      return;
    }
    if (kind === "push") {
      this.line("in", name, "", at_ms, size_bytes);
      return;
    }
    const asked = this.asked.get(id);
    this.asked.delete(id);
    const took_ms = asked === undefined ? 0 : Math.max(0, at_ms - asked.at_ms);
    if (asked !== undefined) this.figures = { ...this.figures, round_trip_ms: took_ms };
    const body = (frame.body ?? {}) as { seq?: unknown; message?: unknown; name?: unknown };
    const about = name || asked?.name || "";
    const time = `${took_ms < 10 ? took_ms.toFixed(1) : Math.round(took_ms)} ms`;
    if (kind === "error") this.line("error", about, `${String(body.name ?? body.message ?? "")} · ${time}`, at_ms, size_bytes);
    else if (typeof body.seq === "number" && body.seq > 0) this.line("ack", about, `seq ${body.seq} · ${time}`, at_ms, size_bytes);
    else this.line("ack", about, time, at_ms, size_bytes);
  }

  /** An entry was applied on this device. */
  entry(entry: EntryView, sender: string): void {
    this.figures = { ...this.figures, entries: this.figures.entries + 1 };
    this.line("entry", entry.type, `seq ${entry.seq} · ${sender}`, Date.now(), 0);
  }

  /** A message of this device was accepted or refused. */
  sent(outcome: SendOutcome): void {
    if (outcome.seq > 0) this.figures = { ...this.figures, acks: this.figures.acks + 1 };
  }

  /** Something else happened. */
  note(name: string, detail: string): void {
    this.line("note", name, detail, Date.now(), 0);
  }

  clear(): void {
    this.lines = [];
  }

  private line(kind: LineKind, name: string, detail: string, at_ms: number, bytes: number): void {
    const newest = this.lines[0];
    if (newest !== undefined && newest.kind === kind && newest.name === name && (kind === "in" || newest.detail === detail)) {
      this.lines = [{ ...newest, at_ms, detail, count: newest.count + 1, bytes: newest.bytes + bytes }, ...this.lines.slice(1)];
      return;
    }
    this.made += 1;
    this.lines = [{ id: this.made, kind, name, detail, at_ms, count: 1, bytes }, ...this.lines.slice(0, KEPT - 1)];
  }
}
