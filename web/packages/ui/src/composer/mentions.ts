/** Mentions in a text being written: finding the one at the caret, putting a name in, and which parties a text names. */

/** Somebody who may be mentioned. `*` is everyone. */
export interface Candidate {
  party: string;
  name: string;
}

/** The beginning of a mention at the caret: where its `@` is and what follows it. */
export interface MentionStart {
  at: number;
  text: string;
}

/** The mention being written at the caret; undefined when there is none. */
export function mentionAt(text: string, caret: number): MentionStart | undefined {
  const at = text.lastIndexOf("@", caret - 1);
  if (at < 0 || caret - at > 40) return undefined;
  const before = text[at - 1];
  if (before !== undefined && /[\p{L}\p{N}_.]/u.test(before) && !/\p{Script=Han}/u.test(before)) return undefined;
  const typed = text.slice(at + 1, caret);
  return /[\n@]/.test(typed) || /\s\S*\s/.test(typed) ? undefined : { at, text: typed };
}

/** Who fits what was typed: beginnings of words first, the names in order, at most eight. */
export function matching(candidates: readonly Candidate[], typed: string): Candidate[] {
  const wanted = typed.toLocaleLowerCase();
  const rank = ({ name, party }: Candidate): number => {
    const lower = name.toLocaleLowerCase();
    if (wanted === "" || lower.startsWith(wanted)) return 0;
    if (lower.split(/[\s._-]/u).some((word) => word.startsWith(wanted))) return 1;
    if (party.toLowerCase().split("/")[1]?.startsWith(wanted)) return 2;
    return lower.includes(wanted) ? 3 : -1;
  };
  return candidates
    .map((candidate) => ({ candidate, rank: rank(candidate) }))
    .filter((ranked) => ranked.rank >= 0)
    .sort((one, other) => one.rank - other.rank)
    .slice(0, 8)
    .map((ranked) => ranked.candidate);
}

/** The text with the mention put in, and where the caret is then. */
export function withMention(text: string, start: MentionStart, caret: number, name: string): { text: string; caret: number } {
  const put = `@${name} `;
  const rest = text.slice(caret).replace(/^ /, "");
  return { text: text.slice(0, start.at) + put + rest, caret: start.at + put.length };
}

/** Which of those that were picked the text still names. */
export function mentioned(text: string, picked: readonly Candidate[]): string[] {
  const found = picked.filter(({ name }) => text.includes(`@${name}`)).map(({ party }) => party);
  return found.includes("*") ? ["*"] : [...new Set(found)];
}
