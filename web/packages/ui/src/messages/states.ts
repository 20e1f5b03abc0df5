/** A list without messages: while they are looked for, when there are none, and when they could not be loaded. */

import { html, type TemplateResult } from "lit";

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
