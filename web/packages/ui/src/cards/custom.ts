/** Cards of an app: what is generally known of them; an app draws its own with `registerRenderer("card:NAME", ...)`. */

import { html, nothing, type TemplateResult } from "lit";

import { rendererOf } from "../messages/renderers.js";
import { contentOf, textOf } from "../messages/summary.js";
import { mapOf, type CardHost } from "./host.js";

const PARTY = /^(user|device|bot|guest)\/[A-Za-z0-9._~@+-]{1,64}$/;

/** A value in a line. */
function shown(value: unknown, host: CardHost, depth = 0): string {
  if (typeof value === "boolean") return host.t(value ? "card_value_yes" : "card_value_no");
  if (typeof value === "number") return host.localizer.number(value);
  if (typeof value === "string") return PARTY.test(value) ? host.name(value) : value;
  if (depth > 1) return "…";
  if (Array.isArray(value)) return value.slice(0, 8).map((item) => shown(item, host, depth + 1)).join(", ");
  const map = mapOf(value);
  return Object.entries(map).slice(0, 6).map(([key, item]) => `${PARTY.test(key) ? host.name(key) : key}: ${shown(item, host, depth + 1)}`).join(" · ");
}

/** The inside of an app's card: title, data and fields, in general terms. */
export function customView(host: CardHost): TemplateResult {
  const { data, summary, message } = host;
  const renderer = rendererOf(`card:${textOf(data["name"])}`);
  if (renderer !== undefined) return renderer(data, message);
  const facts = Object.entries(mapOf(data["data"])).slice(0, 12);
  const fields = Object.entries(summary).slice(0, 12);
  return html`<h3 dir="auto">${textOf(data["title"]) || textOf(data["name"]) || textOf(contentOf(message)["text"]) || host.t("app_card")}</h3>
    ${facts.length + fields.length > 0
      ? html`<dl class="facts">
          ${[...facts, ...fields].map(([key, value]) => html`<div><dt dir="auto">${key}</dt><dd dir="auto">${shown(value, host) || "–"}</dd></div>`)}
        </dl>`
      : nothing}`;
}

/** The inside of a card of a kind this version does not know: the text its maker gave for that case. */
export function unknownView(host: CardHost): TemplateResult {
  const text = textOf(contentOf(host.message)["text"]);
  return html`<p class="prose" dir="auto">${text}</p>
    <p class="hint">${host.t("card_unknown", { kind: host.card.kind })}</p>`;
}
