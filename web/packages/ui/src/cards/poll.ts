/** A poll: options as bars; a choice of one votes at once, several are sent together. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import { textOf } from "../messages/summary.js";
import { cellOf, cellsOf, listOf, numberOf, type CardHost } from "./host.js";

/** The inside of a poll. */
export function pollView(host: CardHost): TemplateResult {
  const { data, summary, localizer } = host;
  const options = listOf(data["options"]).map(textOf);
  const votes = listOf(summary["votes"]).map(numberOf);
  const voters = numberOf(summary["voters"]);
  const several = data["multiple"] === true || numberOf(data["max_choices"]) > 1;
  const cast = new Set(listOf(cellOf(host.card, "votes", host.mine)).map(Number));
  const chosen = (host.draft.get("choices") as Set<number> | undefined) ?? cast;
  const changed = chosen !== cast && ![...chosen].every((choice) => cast.has(choice)) || chosen.size !== cast.size;
  const best = Math.max(1, ...votes);

  const choose = (choice: number, on: boolean): void => {
    if (!several) {
      void host.act("vote", { choices: on ? [choice] : [] });
      return;
    }
    const next = new Set(chosen);
    if (on) next.add(choice);
    else next.delete(choice);
    host.set("choices", next);
  };
  const send = async (): Promise<void> => {
    await host.act("vote", { choices: [...chosen].sort((one, other) => one - other) });
    host.set("choices", undefined);
  };
  const notes = [
    data["anonymous"] === true ? host.t("poll_anonymous_note") : "",
    several ? host.t("poll_multiple_note") : "",
  ].filter(Boolean);

  return html`<h3 dir="auto">${textOf(data["question"])}</h3>
    ${notes.length > 0 ? html`<p class="hint">${notes.join(" · ")}</p>` : nothing}
    <fieldset class="options" ?disabled=${!host.open}>
      <legend class="visually-hidden">${textOf(data["question"])}</legend>
      ${options.map((option, at) => {
        const count = votes[at] ?? 0;
        const share = voters > 0 ? count / voters : 0;
        const percent = new Intl.NumberFormat(localizer.language, { style: "percent" }).format(share);
        const who = data["anonymous"] === true ? [] : cellsOf(host.card, "votes").filter((cell) => listOf(cell.value).includes(at)).slice(0, 3);
        return html`<label class="option ${chosen.has(at) ? "chosen" : ""} ${count === best && count > 0 ? "best" : ""}">
          <span class="fill" ${styled({ "inline-size": `${Math.round(share * 100)}%` })}></span>
          <input
            type=${several ? "checkbox" : "radio"}
            name="poll"
            .checked=${chosen.has(at)}
            aria-label=${host.t("poll_option_votes", { option, count, percent })}
            @click=${(event: Event) => !several && chosen.has(at) && host.open && (event.preventDefault(), choose(at, false))}
            @change=${(event: Event) => choose(at, (event.target as HTMLInputElement).checked)}
          />
          <span class="what" dir="auto">${option}</span>
          <span class="who">${who.map((cell) => host.avatar(cell.key))}</span>
          <span class="share">${voters > 0 ? percent : ""}</span>
          ${!host.open && chosen.has(at) ? icon("check", "small") : nothing}
        </label>`;
      })}
    </fieldset>
    <div class="foot">
      <span class="hint">${voters > 0 ? host.t("poll_votes", { count: voters }) : host.t("poll_no_votes")}</span>
      ${several && host.open
        ? html`<button type="button" class="button primary" ?disabled=${!changed} @click=${send}>${host.t("send")}</button>`
        : nothing}
    </div>`;
}
