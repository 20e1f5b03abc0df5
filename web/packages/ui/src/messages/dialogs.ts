/** What the dialog of the message list shows: who has read a message, a merged forward, a picture. */

import { html, nothing, type TemplateResult } from "lit";
import type { Message, Profile, Receipt } from "@trunkline/core";

import type { Localizer } from "../i18n/localizer.js";
import { forwardedMessages } from "./content.js";
import type { MessageActionDetail } from "./message.js";
import { contentOf, textOf } from "./summary.js";

/** What is open. */
export type ListDialog =
  | { kind: "readers"; receipt: Receipt | undefined; message: Message }
  | { kind: "forwarded"; message: Message }
  | { kind: "image"; address: string; alt: string };

/** What the dialogs need of the list. */
export interface DialogHost {
  localizer: Localizer;
  profileOf: (party: string) => Profile;
  /** Show another forward, one that was inside. */
  open: (message: Message) => void;
}

/** The heading of the dialog. */
export function dialogHeading(dialog: ListDialog | undefined, localizer: Localizer): string {
  if (dialog === undefined) return "";
  if (dialog.kind === "readers") return localizer.text("read_by_title");
  if (dialog.kind === "image") return dialog.alt;
  return textOf(contentOf(dialog.message)["title"]) || localizer.text("forwarded");
}

/** The inside of the dialog. */
export function dialogBody(dialog: ListDialog | undefined, host: DialogHost): TemplateResult | typeof nothing {
  if (dialog === undefined) return nothing;
  if (dialog.kind === "image") return html`<img class="full" src=${dialog.address} alt=${dialog.alt} referrerpolicy="no-referrer" />`;
  if (dialog.kind === "forwarded") return forwarded(dialog.message, host);
  const { receipt } = dialog;
  if (receipt === undefined) return html`<div class="edge"><div class="spinner"></div></div>`;
  const { read, audience, delivered, readers } = receipt;
  return html`<p class="hint">${host.localizer.text("read_of", { read, audience, delivered })}</p>
    <ul class="people">
      ${readers.map((party) => {
        const profile = host.profileOf(party);
        return html`<li>
          <tl-avatar name=${profile.name ?? ""} seed=${party} .src=${profile.avatar ?? ""}></tl-avatar><span class="ellipsis" dir="auto">${profile.name}</span>
        </li>`;
      })}
    </ul>
    ${readers.length === 0 ? html`<p>${host.localizer.text("nobody_read")}</p>` : nothing}`;
}

function forwarded(outer: Message, host: DialogHost): TemplateResult {
  return html`<div class="forwarded">
    ${forwardedMessages(outer).map(
      (message, at, all) => html`<tl-message plain .message=${message} .first=${all[at - 1]?.sender !== message.sender} .last=${all[at + 1]?.sender !== message.sender}
        @tl-message-action=${(event: CustomEvent<MessageActionDetail>) => {
          event.stopPropagation();
          if (event.detail.action === "forwarded") host.open(event.detail.message);
        }}></tl-message>`,
    )}
  </div>`;
}
