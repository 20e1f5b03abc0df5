/** An approval: who decides, in which order, and what they decided. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { textOf } from "../messages/summary.js";
import { cellsOf, listOf, mapOf, numberOf, type CardHost } from "./host.js";

/** The inside of an approval. */
export function approvalView(host: CardHost): TemplateResult {
  const { data, summary } = host;
  const approvers = listOf(data["approvers"]).map(textOf);
  const waiting = listOf(summary["waiting_for"]).map(textOf);
  const any = data["mode"] === "any";
  const needed = any ? numberOf(data["needed"]) || 1 : approvers.length;
  const decided = new Map(cellsOf(host.card, "decisions").map((cell) => [cell.key, { ...cell, value: mapOf(cell.value) }]));
  const approved = [...decided.values()].filter((cell) => cell.value["decision"] === "approve").length;
  const comment = textOf(host.draft.get("comment"));
  const mayDecide = host.open && waiting.includes(host.self);

  const decide = async (decision: "approve" | "reject"): Promise<void> => {
    const done = await host.act("decide", comment.trim() ? { decision, comment: comment.trim() } : { decision });
    if (done !== undefined) host.set("comment", "");
  };

  return html`<h3 dir="auto">${textOf(data["title"])}</h3>
    ${textOf(data["description"]) ? html`<p class="prose" dir="auto">${textOf(data["description"])}</p>` : nothing}
    <ol class="steps">
      ${approvers.map((party, at) => {
        const decision = decided.get(party);
        const verdict = textOf(decision?.value["decision"]);
        const state = verdict || (waiting.includes(party) ? "waiting" : "later");
        const name = host.name(party);
        return html`<li class=${state}>
          <span class="mark" aria-hidden="true">${verdict === "approve" ? icon("check", "small") : verdict === "reject" ? icon("close", "small") : any ? "" : at + 1}</span>
          ${host.avatar(party)}
          <span class="what">
            <span>${verdict === "approve" ? host.t("approved_by", { name })
              : verdict === "reject" ? host.t("rejected_by", { name })
              : state === "waiting" ? host.t("approval_waiting", { name }) : host.t("approval_pending", { name })}</span>
            ${textOf(decision?.value["comment"]) ? html`<q dir="auto">${textOf(decision?.value["comment"])}</q>` : nothing}
          </span>
          ${decision === undefined ? nothing : html`<time class="hint">${host.localizer.recent(decision.at_ms)}</time>`}
        </li>`;
      })}
    </ol>
    ${any && needed > 0 ? html`<p class="hint">${host.t("approval_needed", { done: approved, needed })}</p>` : nothing}
    ${mayDecide
      ? html`<input class="field" maxlength="1000" placeholder=${host.t("approval_comment")} aria-label=${host.t("approval_comment")} .value=${comment}
            @input=${(event: Event) => host.set("comment", (event.target as HTMLInputElement).value)} />
          <div class="buttons">
            <button type="button" class="button danger" @click=${() => decide("reject")}>${host.t("reject")}</button>
            <button type="button" class="button primary" @click=${() => decide("approve")}>${host.t("approve")}</button>
          </div>`
      : nothing}`;
}
