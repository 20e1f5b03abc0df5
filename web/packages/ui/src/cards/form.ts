/** A form: questions of several types, answered together. */

import { html, nothing, type TemplateResult } from "lit";

import { textOf } from "../messages/summary.js";
import { cellOf, listOf, mapOf, numberOf, type CardHost } from "./host.js";

type Question = Readonly<Record<string, unknown>>;

/** A person's answer as the server wants it; undefined when there is none. */
function answerOf(question: Question, value: unknown): unknown {
  switch (question["type"]) {
    case "number": {
      const number = textOf(value).trim() === "" ? NaN : Number(value);
      return Number.isFinite(number) ? number : undefined;
    }
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "choices":
      return Array.isArray(value) && value.length > 0 ? value : undefined;
    default:
      return textOf(value).trim() === "" ? undefined : textOf(value).trim();
  }
}

/** The inside of a form. */
export function formView(host: CardHost): TemplateResult {
  const { data, summary } = host;
  const questions = listOf(data["questions"]).map(mapOf);
  const before = mapOf(cellOf(host.card, "responses", host.mine));
  const answered = Object.keys(before).length > 0;
  const final = data["final"] === true;
  const missing = host.draft.get("missing") as Set<string> | undefined;
  const valueOf = (id: string): unknown => (host.draft.has(id) ? host.draft.get(id) : before[id]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answers: Record<string, unknown> = {};
    const left = new Set<string>();
    for (const question of questions) {
      const id = textOf(question["id"]);
      const answer = answerOf(question, valueOf(id));
      if (answer !== undefined) answers[id] = answer;
      else if (question["required"] === true) left.add(id);
    }
    host.set("missing", left.size > 0 ? left : undefined);
    if (left.size > 0) return;
    if ((await host.act("submit", { answers })) !== undefined) for (const question of questions) host.draft.delete(textOf(question["id"]));
    host.set("missing", undefined);
  };

  const title = textOf(data["title"]);
  const count = numberOf(summary["responses"]);
  return html`<h3 dir="auto">${title}</h3>
    ${textOf(data["description"]) ? html`<p class="prose" dir="auto">${textOf(data["description"])}</p>` : nothing}
    <form class="questions" novalidate @submit=${submit}>
      ${questions.map((question, at) => questionView(host, question, at, valueOf, missing, !host.open || (answered && final)))}
      <div class="foot">
        <span class="hint">${answered ? `${host.t("form_submitted")} · ` : ""}${host.t("form_responses", { count })}</span>
        ${host.open && !(answered && final)
          ? html`<button class="button primary">${host.t(answered ? "form_update" : "form_submit")}</button>`
          : nothing}
      </div>
    </form>`;
}

function questionView(
  host: CardHost, question: Question, at: number, valueOf: (id: string) => unknown, missing: Set<string> | undefined, disabled: boolean,
): TemplateResult {
  const id = textOf(question["id"]);
  const field = `question-${at}`;
  const label = html`${textOf(question["label"])}${question["required"] === true
    ? html`<span class="required" title=${host.t("form_required")}> *<span class="visually-hidden">${host.t("form_required")}</span></span>`
    : nothing}`;
  const value = valueOf(id);
  const wrong = missing?.has(id) ?? false;
  const error = wrong ? html`<p class="field-error" id="${field}-error">${host.t("form_missing")}</p>` : nothing;
  const options = listOf(question["options"]).map(textOf);
  const type = textOf(question["type"]) || "text";
  if (type === "choice" || type === "choices" || type === "boolean") {
    const several = type === "choices";
    const choices = type === "boolean" ? [true, false] : options;
    const chosen = several ? listOf(value) : [value];
    return html`<fieldset class="question" ?disabled=${disabled} aria-describedby=${wrong ? `${field}-error` : nothing}>
      <legend class="label" dir="auto">${label}</legend>
      ${choices.map(
        (choice) =>
          html`<label class="choice">
            <input type=${several ? "checkbox" : "radio"} name=${field} .checked=${chosen.includes(choice)}
              @change=${(event: Event) => {
                const on = (event.target as HTMLInputElement).checked;
                host.set(id, several ? (on ? [...chosen, choice] : chosen.filter((other) => other !== choice)) : choice);
              }} />
            <span dir="auto">${typeof choice === "boolean" ? host.t(choice ? "yes" : "no") : choice}</span>
          </label>`,
      )}
      ${error}
    </fieldset>`;
  }
  const min = question["min"];
  const max = question["max"];
  return html`<div class="question">
    <label class="label" for=${field} dir="auto">${label}</label>
    <input
      class="field"
      id=${field}
      type=${type === "number" ? "number" : type === "date" ? "date" : "text"}
      step="any"
      min=${typeof min === "number" && type === "number" ? min : nothing}
      max=${typeof max === "number" && type === "number" ? max : nothing}
      maxlength=${type === "text" ? 4000 : nothing}
      ?disabled=${disabled}
      aria-invalid=${wrong ? "true" : nothing}
      aria-describedby=${wrong ? `${field}-error` : nothing}
      .value=${textOf(value)}
      @input=${(event: Event) => host.set(id, (event.target as HTMLInputElement).value)}
    />
    ${error}
  </div>`;
}
