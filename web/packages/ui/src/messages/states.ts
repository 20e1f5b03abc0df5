/** A list without messages (looked for, none, failed), and the buttons that lead to what is out of sight. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import type { Localizer } from "../i18n/localizer.js";

/** How wide the grey bubbles are, in percent. */
const WIDTHS = [62, 44, 76, 38, 55];

/** Grey bubbles, while nothing is known. */
export function skeleton(localizer: Localizer): TemplateResult {
  return html`<div class="skeletons" role="presentation">
    ${WIDTHS.map((width, at) => html`<div class="skeleton ${at % 3 === 2 ? "own" : ""}" ${styled({ "inline-size": `${width}%` })}></div>`)}
    <span class="visually-hidden">${localizer.text("loading")}</span>
  </div>`;
}

/** Nothing was said yet. */
export function nothingYet(localizer: Localizer, inThread: boolean): TemplateResult {
  return html`<div class="empty">
    ${icon(inThread ? "thread" : "chat")}
    <h2>${localizer.text(inThread ? "no_replies" : "no_messages")}</h2>
    <p>${localizer.text(inThread ? "no_replies_hint" : "no_messages_hint")}</p>
  </div>`;
}

/** Loading failed: why, and a button to try again. */
export function failure(localizer: Localizer, why: string, retry: () => void): TemplateResult {
  return html`<div class="empty" role="alert">
    ${icon("alert")}
    <h2>${localizer.text("messages_failed")}</h2>
    <p>${why}</p>
    <button type="button" class="button" @click=${retry}>${localizer.text("retry")}</button>
  </div>`;
}

/** Ways to what is out of sight. */
export interface Jumps {
  /** How many unread messages begin above; 0: none. */
  above: number;
  toUnread: () => void;
  /** Whether the newest message is out of sight. */
  away: boolean;
  /** New ones below. */
  below: number;
  toEnd: () => void;
}

/** Buttons to the first unread and to the newest message. */
export function jumpButtons(localizer: Localizer, { above, toUnread, away, below, toEnd }: Jumps): TemplateResult | typeof nothing {
  if (above === 0 && !away) return nothing;
  const newest = localizer.text("jump_to_newest");
  return html`<div class="jumps">
    ${above > 0
      ? html`<button type="button" class="jump unread" @click=${toUnread}>${icon("up", "small")}${localizer.text("jump_to_unread", { count: above })}</button>`
      : html`<span></span>`}
    ${away
      ? html`<button type="button" class="jump" aria-label=${below > 0 ? `${newest}, ${localizer.text("new_below", { count: below })}` : newest} title=${newest} @click=${toEnd}>
          ${below > 0 ? html`<span class="count">${localizer.compact(below)}</span>` : nothing}${icon("down")}
        </button>`
      : nothing}
  </div>`;
}
