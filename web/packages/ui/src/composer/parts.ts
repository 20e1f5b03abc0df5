/** What the composer shows besides the text: the message being answered or changed, files on their way, a recording. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import type { Localizer } from "../i18n/localizer.js";
import type { Recorder } from "./recorder.js";
import type { Outgoing, Uploads } from "./uploads.js";

/** The message being answered or changed, above the text. */
export function above(title: string, text: string, close: string, end: () => void): TemplateResult {
  return html`<div class="above">
    <span class="mark"></span>
    <div class="what"><strong class="ellipsis">${title}</strong><div class="text ellipsis" dir="auto">${text}</div></div>
    <button type="button" class="icon-button" aria-label=${close} title=${close} @click=${end}>${icon("close")}</button>
  </div>`;
}

/** A recording that goes on, in place of the text. */
export function recordingBar(recorder: Recorder, localizer: Localizer, end: (keep: boolean) => void): TemplateResult {
  const time = localizer.duration(recorder.duration_ms);
  const [cancel, send] = [localizer.text("recording_cancel"), localizer.text("recording_stop")];
  return html`<button type="button" class="icon-button" aria-label=${cancel} title=${cancel} @click=${() => end(false)}>${icon("trash")}</button>
    <div class="recording" role="timer" aria-label=${localizer.text("recording", { duration: time })}>
      <span class="dot"></span><span>${time}</span>
      <span class="level"><span ${styled({ display: "block", "inline-size": `${Math.round(recorder.level * 100)}%` })}></span></span>
    </div>
    <button type="button" class="icon-button primary send" aria-label=${send} title=${send} @click=${() => end(true)}>${icon("send")}</button>`;
}

/** Files on their way, and those that failed. */
export function uploadList(uploads: Uploads, localizer: Localizer, explain: (error: unknown) => string): TemplateResult | typeof nothing {
  if (uploads.list.length === 0) return nothing;
  return html`<div class="uploads">${uploads.list.map((outgoing) => uploadRow(outgoing, uploads, localizer, explain))}</div>`;
}

function uploadRow(outgoing: Outgoing, uploads: Uploads, localizer: Localizer, explain: (error: unknown) => string): TemplateResult {
  const { sent_bytes, size_bytes, state: phase } = outgoing.progress;
  const { name } = outgoing;
  const part = size_bytes > 0 ? sent_bytes / size_bytes : 0;
  const percent = new Intl.NumberFormat(localizer.language, { style: "percent" }).format(part);
  const failed = outgoing.error !== undefined || phase === "failed";
  return html`<div class="upload ${failed ? "failed" : ""}">
    ${icon(failed ? "alert" : "file", "small")}
    <div class="what">
      <div class="ellipsis" dir="auto">${failed ? localizer.text("upload_failed", { name }) : name}</div>
      ${failed
        ? html`<small>${outgoing.error === undefined ? nothing : explain(outgoing.error)}</small>`
        : html`<progress max="1" .value=${part} aria-label=${localizer.text("uploading", { name, percent })}></progress>`}
    </div>
    <span>${failed ? nothing : phase === "waiting" ? localizer.text("upload_waiting") : percent}</span>
    <button type="button" class="icon-button" aria-label=${localizer.text("upload_cancel", { name })} @click=${() => uploads.cancel(outgoing)}>${icon("close", "small")}</button>
  </div>`;
}
