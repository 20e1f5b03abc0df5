/**
 * Addresses and text from people, made safe: which URLs may be followed or loaded, and where links and mentions stand
 * in a text.
 *
 * Text is only ever cut into pieces; every piece is drawn as text. Nothing here makes HTML.
 */

/** Schemes a link may have. */
const LINKS = new Set(["http:", "https:", "mailto:", "tel:"]);
/** Schemes a picture, sound or film may come by. */
const MEDIA = new Set(["http:", "https:", "blob:"]);
// Bytes that URL parsers drop, and that have been used to hide a scheme.
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0020\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function checked(address: unknown, schemes: ReadonlySet<string>): string | undefined {
  if (typeof address !== "string" || address === "" || address.length > 8192 || INVISIBLE.test(address.trim())) return undefined;
  try {
    const url = new URL(address.trim(), document.baseURI);
    return schemes.has(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** The address if a link may lead to it, else undefined. */
export function safeLink(address: unknown): string | undefined {
  return checked(address, LINKS);
}

/** The address if a picture, sound or film may be loaded from it, else undefined. */
export function safeMedia(address: unknown): string | undefined {
  return checked(address, MEDIA);
}

/** A piece of a text. */
export type Piece =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string; party: string };

// Up to white space or a character that never belongs to a link; what ends a sentence is taken off below.
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`\u2018-\u201f\u3000-\u303f\uff00-\uffef]+/gi;

/**
 * Cut a text into text, links and mentions.
 *
 * @param mentions Names that stand in the text behind an `@`, longest first, with the party each means.
 */
export function pieces(text: string, mentions: readonly { name: string; party: string }[] = []): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = trimmed(match[0]);
    const href = safeLink(/^www\./i.test(shown) ? `https://${shown}` : shown);
    if (href === undefined) continue;
    withMentions(text.slice(end, match.index), mentions, found);
    found.push({ kind: "link", text: shown, href });
    end = match.index + shown.length;
  }
  withMentions(text.slice(end), mentions, found);
  return found;
}

function withMentions(text: string, mentions: readonly { name: string; party: string }[], into: Piece[]): void {
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("@", at);
    if (next < 0) break;
    const hit = mentions.find(({ name }) => name !== "" && text.startsWith(name, next + 1));
    plain += text.slice(at, hit === undefined ? next + 1 : next);
    at = next + 1;
    if (hit === undefined) continue;
    if (plain !== "") into.push({ kind: "text", text: plain });
    plain = "";
    at += hit.name.length;
    into.push({ kind: "mention", text: `@${hit.name}`, party: hit.party });
  }
  plain += text.slice(at);
  if (plain !== "") into.push({ kind: "text", text: plain });
}

/** A link without the punctuation after it; brackets stay when they were opened inside. */
function trimmed(link: string): string {
  let shown = link;
  for (;;) {
    const last = shown.at(-1) ?? "";
    const opener = { ")": "(", "]": "[", "}": "{" }[last];
    if (opener !== undefined && shown.split(opener).length < shown.split(last).length) shown = shown.slice(0, -1);
    else if (/[.,;:!?*_~]/.test(last)) shown = shown.slice(0, -1);
    else return shown;
  }
}
