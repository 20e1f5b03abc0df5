/** The gifts of the tray, drawn here: a name, a price and a picture each. An app may give a list of its own. */

import { html, svg, type TemplateResult } from "lit";

/** A gift that may be sent. */
export interface GiftKind {
  /** Goes into the message. */
  id: string;
  /** Shown; for the built-in ones a word of the catalogue. */
  name?: string;
  /** Of one, in the app's smallest unit. */
  amount: number;
  /** A picture; for the built-in ones drawn here. */
  picture?: string;
}

export const GIFTS: readonly GiftKind[] = [
  { id: "rose", amount: 1 },
  { id: "heart", amount: 5 },
  { id: "star", amount: 20 },
  { id: "cake", amount: 88 },
  { id: "rocket", amount: 500 },
  { id: "crown", amount: 2000 },
];

const art: Record<string, TemplateResult> = {
  rose: svg`<path d="M24 26v17" stroke="#3f9a5a" stroke-width="3" stroke-linecap="round"/><path d="M24 38c-6 1-9-2-10-6 5-1 9 1 10 6Zm0-3c5 0 8-3 8-7-5 0-8 3-8 7Z" fill="#57b874"/><circle cx="24" cy="16" r="12" fill="#e4425c"/><path d="M14 13c3 8 12 11 20 5-1 7-6 10-11 10-6 0-11-6-9-15Z" fill="#c22c49"/><path d="M24 9c5-1 8 2 8 5-3 4-9 5-12 2-1-3 1-6 4-7Z" fill="#ff8798"/>`,
  heart: svg`<path d="M24 42C8 31 4 23 7 15.5c3-8 13-8 17-1 4-7 14-7 17 1 3 7.5-1 15.5-17 26.5Z" fill="#ff5d73"/><path d="M12 15c1-4 5-5 8-3" stroke="#ffc0c8" stroke-width="3" stroke-linecap="round" fill="none"/>`,
  star: svg`<path d="m24 4 5.9 12.5 13.6 1.8-10 9.5 2.5 13.6L24 34.9l-12 6.5 2.5-13.6-10-9.5 13.6-1.8L24 4Z" fill="#ffc53d"/><path d="m24 4 5.9 12.5L24 24V4Zm19.5 14.3-10 9.5L24 24l19.5-5.7ZM36 41.4l-12-6.5V24l12 17.4Z" fill="#ffdb7d"/>`,
  cake: svg`<path d="M8 24h32v14a3 3 0 0 1-3 3H11a3 3 0 0 1-3-3V24Z" fill="#f7c9a3"/><path d="M8 24a5 5 0 0 1 5-5h22a5 5 0 0 1 5 5v3c-3 4-6 4-8 0-2 4-6 4-8 0-2 4-6 4-8 0-2 4-5 4-8 0v-3Z" fill="#ff86a4"/><path d="M24 10v9" stroke="#7ec8f2" stroke-width="4" stroke-linecap="round"/><path d="M24 2c3 3 3 6 0 7-3-1-3-4 0-7Z" fill="#ffb02e"/><path d="M8 33h32" stroke="#e8a878" stroke-width="3"/>`,
  rocket: svg`<path d="M24 3c8 6 11 15 8 28H16C13 18 16 9 24 3Z" fill="#e8edf4"/><path d="M24 3c8 6 11 15 8 28h-8V3Z" fill="#c9d3e0"/><path d="M16 22c-6 3-8 8-7 14l8-5-1-9Zm16 0c6 3 8 8 7 14l-8-5 1-9Z" fill="#e4425c"/><circle cx="24" cy="17" r="4.5" fill="#3a7bd5"/><path d="M19 32h10c1 6-2 9-5 13-3-4-6-7-5-13Z" fill="#ffb02e"/><path d="M22 32h4c1 3-1 5-2 8-1-3-3-5-2-8Z" fill="#fff0b3"/>`,
  crown: svg`<path d="M6 37 4 14l11 9 9-15 9 15 11-9-2 23H6Z" fill="#ffc53d"/><path d="M24 8l9 15 11-9-2 23H24V8Z" fill="#f0a81f"/><path d="M6 37h36v5H6z" fill="#d98a0b"/><circle cx="24" cy="30" r="3.5" fill="#e4425c"/><circle cx="13" cy="31" r="2.5" fill="#3aa7d5"/><circle cx="35" cy="31" r="2.5" fill="#3aa7d5"/>`,
};

/** The picture of a gift; a box for one that is not known. */
export function giftPicture(gift: GiftKind | string): TemplateResult {
  const kind = typeof gift === "string" ? { id: gift, amount: 0 } : gift;
  if ("picture" in kind && kind.picture) return html`<img class="gift-picture" src=${kind.picture} alt="" />`;
  const drawn = Object.hasOwn(art, kind.id) ? art[kind.id] : undefined;
  return html`<svg class="gift-picture" viewBox="0 0 48 48" aria-hidden="true">${
    drawn ??
    svg`<path d="M8 20h32v22H8z" fill="#b388eb"/><path d="M5 13h38v9H5z" fill="#c9a6f3"/><path d="M21 13h6v29h-6z" fill="#ffc53d"/><path d="M24 13c-9 1-12-8-6-8 4 0 6 4 6 8Zm0 0c9 1 12-8 6-8-4 0-6 4-6 8Z" fill="none" stroke="#ffc53d" stroke-width="3"/>`
  }</svg>`;
}

/** What a gift is called. */
export function giftName(gift: GiftKind | string, word: (key: string) => string): string {
  const kind: Partial<GiftKind> & { id: string } = typeof gift === "string" ? { id: gift } : gift;
  if (kind.name) return kind.name;
  const key = `live_gift_${kind.id}`;
  const known = word(key);
  return known === key ? kind.id : known;
}
