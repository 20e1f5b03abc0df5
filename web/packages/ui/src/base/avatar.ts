/** `<tl-avatar>`: a party's or a group's picture, else initials on a disc of its colour; with a dot for who is online. */

import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { TlElement } from "./element.js";
import { icon, type IconName } from "./icons.js";
import { safeMedia } from "./links.js";

/** How many colours there are for names. */
const HUES = 8;

/** The number of the colour of a name: the same everywhere, and stable. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 12)) >>> 0) % HUES;
}

/** One or two letters that stand for a name. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/[\s._\-/]+/u).filter(Boolean);
  const first = [...(words[0] ?? "")];
  // A Chinese, Japanese or Korean name is known by its last character more than by its first.
  if (/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+$/u.test(words[0] ?? ""))
    return first.at(-1) ?? "";
  const second = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return `${first[0] ?? "?"}${second}`.toUpperCase();
}

/** A picture, or initials. Purely visual: the name stands beside it in every component. */
@customElement("tl-avatar")
export class TlAvatar extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    css`
      :host {
        position: relative;
        display: inline-block;
        flex: none;
        inline-size: var(--tl-avatar-size, 40px);
        block-size: var(--tl-avatar-size, 40px);
      }
      .disc {
        display: grid;
        place-items: center;
        inline-size: 100%;
        block-size: 100%;
        border-radius: 50%;
        overflow: hidden;
        font-size: calc(var(--tl-avatar-size, 40px) * 0.36);
        font-weight: var(--tl-weight-bold);
        line-height: 1;
        letter-spacing: 0.01em;
        user-select: none;
      }
      :host([square]) .disc {
        border-radius: calc(var(--tl-avatar-size, 40px) * 0.3);
      }
      img {
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
      }
      .icon {
        inline-size: 55%;
        block-size: 55%;
        fill: none;
        stroke: currentColor;
        stroke-width: 1.75;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      .dot {
        position: absolute;
        inset-block-end: -1px;
        inset-inline-end: -1px;
        inline-size: calc(var(--tl-avatar-size, 40px) * 0.3);
        block-size: calc(var(--tl-avatar-size, 40px) * 0.3);
        min-inline-size: 10px;
        min-block-size: 10px;
        border-radius: 50%;
        border: 2px solid var(--tl-avatar-ring, var(--tl-bg));
        background: var(--tl-online);
      }
      .hue-0 { background: var(--tl-disc-0); color: var(--tl-hue-0); }
      .hue-1 { background: var(--tl-disc-1); color: var(--tl-hue-1); }
      .hue-2 { background: var(--tl-disc-2); color: var(--tl-hue-2); }
      .hue-3 { background: var(--tl-disc-3); color: var(--tl-hue-3); }
      .hue-4 { background: var(--tl-disc-4); color: var(--tl-hue-4); }
      .hue-5 { background: var(--tl-disc-5); color: var(--tl-hue-5); }
      .hue-6 { background: var(--tl-disc-6); color: var(--tl-hue-6); }
      .hue-7 { background: var(--tl-disc-7); color: var(--tl-hue-7); }
    `,
  ];

  /** The name the initials are made of. */
  @property() name = "";
  /** What the colour comes from (a party or conversation); the name by default. */
  @property() seed = "";
  /** The address of a picture. */
  @property() src = "";
  /** An icon instead of initials. */
  @property() symbol: IconName | "" = "";
  /** Show the dot of who is online. */
  @property({ type: Boolean, reflect: true }) online = false;
  /** A rounded square, for groups. */
  @property({ type: Boolean, reflect: true }) square = false;

  @state() private broken = "";

  protected override render(): TemplateResult {
    const src = safeMedia(this.src);
    const shown =
      src !== undefined && this.broken !== src
        ? html`<img src=${src} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer"
            @error=${() => (this.broken = src)} />`
        : this.symbol !== ""
          ? icon(this.symbol)
          : initialsOf(this.name);
    return html`<div class="disc hue-${hueOf(this.seed || this.name)}" aria-hidden="true">${shown}</div>
      ${this.online ? html`<div class="dot" aria-hidden="true"></div>` : ""}`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-avatar": TlAvatar;
  }
}
