/** A red packet: closed, opened by me, or gone; and who received what. */

import { html, nothing, type TemplateResult } from "lit";

import { textOf } from "../messages/summary.js";
import { cellsOf, listOf, mapOf, numberOf, type CardHost } from "./host.js";

/** The inside of a red packet. */
export function packetView(host: CardHost): TemplateResult {
  const { data, summary, localizer } = host;
  const currency = textOf(data["currency"]) || undefined;
  const claims = cellsOf(host.card, "claims").map((cell) => ({ ...cell, amount: numberOf(mapOf(cell.value)["amount"]) }));
  const mine = claims.find((claim) => claim.key === host.self);
  const shares = numberOf(data["shares"]);
  const left = numberOf(mapOf(summary["left"])["shares"]);
  const to = listOf(data["to"]).map(textOf);
  const mayClaim = host.open && mine === undefined && left > 0 && (to.length === 0 || to.includes(host.self));
  const best = Math.max(0, ...claims.map((claim) => claim.amount));
  const state =
    mine !== undefined ? host.t("red_packet_claimed", { amount: localizer.money(mine.amount, currency) })
    : left <= 0 && claims.length >= shares ? host.t("red_packet_gone")
    : host.card.closed ? host.t("red_packet_expired")
    : to.length > 0 ? host.t("red_packet_for", { names: localizer.list(to.slice(0, 5).map((party) => host.name(party))) })
    : host.t("red_packet");

  return html`<div class="packet ${mayClaim ? "" : "opened"}">
      <p class="greeting" dir="auto">${textOf(data["greeting"]) || host.t("red_packet_default")}</p>
      <p class="state">${state}</p>
      ${mayClaim
        ? html`<button type="button" class="open" @click=${() => void host.act("claim", {})}>${host.t("red_packet_open")}</button>`
        : nothing}
    </div>
    ${claims.length > 0
      ? html`<details class="claims">
          <summary>${host.t("red_packet_details")} · ${host.t("red_packet_left", { left, shares })}</summary>
          <ul>
            ${claims.slice(0, 100).map(
              (claim) =>
                html`<li>
                  ${host.avatar(claim.key)}<span class="what ellipsis">${claim.key === host.self ? host.t("you") : host.name(claim.key)}</span>
                  <span class=${claim.amount === best && claims.length > 1 ? "best" : ""}>${localizer.money(claim.amount, currency)}</span>
                </li>`,
            )}
          </ul>
        </details>`
      : html`<p class="hint packet-foot">${host.t("red_packet_left", { left, shares })}</p>`}`;
}
