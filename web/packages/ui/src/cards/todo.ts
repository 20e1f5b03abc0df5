/** A to-do list: tick, add and remove items together. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import { textOf } from "../messages/summary.js";
import { listOf, mapOf, numberOf, type CardHost } from "./host.js";

/** A name for an item that no other device chooses. */
function itemName(): string {
  return crypto.randomUUID().slice(0, 13);
}

/** The inside of a to-do list. */
export function todoView(host: CardHost): TemplateResult {
  const { data, summary } = host;
  const items = listOf(summary["items"]).map(mapOf);
  const done = numberOf(summary["done"]);
  const text = textOf(host.draft.get("item"));

  const add = (event: Event): void => {
    event.preventDefault();
    if (text.trim() === "") return;
    host.set("item", "");
    void host.act("add", { item: itemName(), text: text.trim() });
  };

  return html`<h3 dir="auto">${textOf(data["title"])}</h3>
    <div class="progress" role="img" aria-label=${host.t("todo_progress", { done, total: items.length })}>
      <span ${styled({ "inline-size": `${items.length > 0 ? Math.round((done / items.length) * 100) : 0}%` })}></span>
    </div>
    <p class="hint">${items.length > 0 ? host.t("todo_progress", { done, total: items.length }) : host.t("todo_empty")}</p>
    <ul class="todo">
      ${repeat(
        items,
        (item) => item["item"],
        (item) => {
          const name = textOf(item["item"]);
          const what = textOf(item["text"]);
          const due = numberOf(item["due_at_ms"]);
          return html`<li class=${item["done"] ? "done" : ""}>
            <label>
              <input type="checkbox" .checked=${item["done"] === true} ?disabled=${!host.open}
                @change=${(event: Event) => void host.act("check", { item: name, done: (event.target as HTMLInputElement).checked })} />
              <span class="what"><span dir="auto">${what}</span>
                ${due > 0 ? html`<small class=${due < Date.now() && !item["done"] ? "late" : ""}>${host.t("due", { when: host.localizer.recent(due) })}</small>` : nothing}
              </span>
            </label>
            ${textOf(item["assignee"]) ? host.avatar(textOf(item["assignee"])) : nothing}
            ${host.open
              ? html`<button type="button" class="icon-button tiny" aria-label=${host.t("todo_remove", { text: what })}
                  @click=${() => void host.act("remove", { item: name })}>${icon("close", "small")}</button>`
              : nothing}
          </li>`;
        },
      )}
    </ul>
    ${host.open
      ? html`<form class="add" @submit=${add}>
          <input class="field" maxlength="500" placeholder=${host.t("todo_new")} aria-label=${host.t("todo_new")} .value=${text}
            @input=${(event: Event) => host.set("item", (event.target as HTMLInputElement).value)} />
          <button class="icon-button" aria-label=${host.t("todo_add")} ?disabled=${text.trim() === ""}>${icon("plus")}</button>
        </form>`
      : nothing}`;
}
