/**
 * What people in a call tell each other besides sound and pictures: a raised hand, a reaction. Pure.
 *
 * They travel as data messages on the topic `tl-call`: JSON, a few dozen bytes. Anybody in the call may send any bytes,
 * so nothing but these is read out of them.
 */

export const TOPIC = "tl-call";
export const REACTIONS = ["👍", "❤️", "😂", "🎉", "👏", "😮"] as const;
const LONGEST = 200;

export type Signal = { kind: "hand"; up: boolean } | { kind: "reaction"; reaction: string };

/** A signal as bytes. */
export function encodeSignal(signal: Signal): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(signal)) as Uint8Array<ArrayBuffer>;
}

/** The signal in a message; undefined for anything else. */
export function decodeSignal(bytes: Uint8Array): Signal | undefined {
  if (bytes.length > LONGEST) return undefined;
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (found === null || typeof found !== "object") return undefined;
  const { kind, up, reaction } = found as Record<string, unknown>;
  if (kind === "hand" && typeof up === "boolean") return { kind, up };
  if (kind === "reaction" && typeof reaction === "string" && (REACTIONS as readonly string[]).includes(reaction)) return { kind, reaction };
  return undefined;
}
