/** An event: a calendar leaf, where it is, and who comes. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { textOf } from "../messages/summary.js";
import { cellOf, cellsOf, mapOf, numberOf, type CardHost } from "./host.js";

const ANSWERS = ["yes", "maybe", "no"] as const;

/** The inside of an event. */
export function eventView(host: CardHost): TemplateResult {
  const { summary, localizer } = host;
  const data = { ...host.data, ...mapOf(summary["details"]) };
  const starts = numberOf(data["starts_at_ms"]);
  const ends = numberOf(data["ends_at_ms"]);
  const leaf = localizer.calendar(starts);
  const mine = textOf(mapOf(cellOf(host.card, "rsvp", host.mine))["answer"]);
  const going = cellsOf(host.card, "rsvp").filter((cell) => mapOf(cell.value)["answer"] === "yes");
  const coming = numberOf(summary["yes"]) + numberOf(summary["guests"]);
  const capacity = numberOf(data["capacity"]);
  const left = capacity - coming;
  const sameDay = ends > 0 && new Date(starts).toDateString() === new Date(ends).toDateString();
  const when = ends > 0 ? `${localizer.dateTime(starts)} – ${sameDay ? localizer.time(ends) : localizer.dateTime(ends)}` : localizer.dateTime(starts);

  return html`<div class="event">
      <div class="leaf" aria-hidden="true"><span>${leaf.month}</span><strong>${leaf.day}</strong><span>${leaf.weekday}</span></div>
      <div class="about">
        <h3 dir="auto">${textOf(data["title"])}</h3>
        <p class="line">${icon("clock", "small")}<span>${when}</span></p>
        ${textOf(data["place"]) ? html`<p class="line">${icon("map_pin", "small")}<span dir="auto">${textOf(data["place"])}</span></p>` : nothing}
      </div>
    </div>
    ${textOf(data["description"]) ? html`<p class="prose" dir="auto">${textOf(data["description"])}</p>` : nothing}
    <div class="segments" role="group" aria-label=${textOf(data["title"])}>
      ${ANSWERS.map(
        (answer) =>
          html`<button
            type="button"
            aria-pressed=${String(mine === answer)}
            ?disabled=${!host.open || (answer === "yes" && capacity > 0 && left <= 0 && mine !== "yes")}
            @click=${() => void host.act("rsvp", { answer })}
          >
            ${host.t(`rsvp_${answer}`)}
            <span class="count">${localizer.number(numberOf(summary[answer]))}</span>
          </button>`,
      )}
    </div>
    <div class="foot">
      <span class="faces">${going.slice(0, 6).map((cell) => host.avatar(cell.key))}</span>
      <span class="hint">
        ${host.t("rsvp_going", { count: coming })}${capacity > 0 ? ` · ${left > 0 ? host.t("rsvp_left", { count: left }) : host.t("rsvp_full")}` : ""}
      </span>
    </div>`;
}
