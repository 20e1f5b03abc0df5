/** `<tl-emoji-picker>`: find an emoji by group or by words; in a popover or in place. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { TlElement } from "../base/element.js";
import { placeBeside } from "../base/menu.js";
import { rove } from "../base/roving.js";
import { buttonStyles, fieldStyles } from "../theme/base.js";
import { EMOJI } from "./emoji-data.js";

const COLUMNS = 8;
const RECENT = "tl-recent-emoji";
const USUAL = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "🔥"];

interface Emoji {
  key: string;
  words: string;
}

const groups: readonly (readonly [string, readonly Emoji[]])[] = Object.entries(EMOJI).map(([group, list]) => [
  group,
  list.split("|").map((entry) => {
    const at = entry.indexOf(" ");
    return { key: entry.slice(0, at), words: entry.slice(at + 1) };
  }),
]);

function recent(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    const kept = Array.isArray(found) ? found.filter((key): key is string => typeof key === "string" && key.length <= 32) : [];
    return [...new Set([...kept, ...USUAL])].slice(0, COLUMNS);
  } catch {
    return USUAL;
  }
}

/** Picks an emoji. Fires `tl-emoji` with the emoji; with `popup`, `pick(anchor)` opens it and answers the choice. */
@customElement("tl-emoji-picker")
export class TlEmojiPicker extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    css`
      :host([popup]) {
        display: contents;
      }
      .picker {
        display: flex;
        flex-direction: column;
        inline-size: 328px;
        max-inline-size: calc(100vw - 16px);
        block-size: 340px;
        max-block-size: calc(100vh - 16px);
        margin: 0;
        padding: var(--tl-space-2);
        border: 1px solid var(--tl-line);
        border-radius: var(--tl-radius-3);
        background: var(--tl-raised);
        color: var(--tl-text);
        box-shadow: var(--tl-shadow-2);
      }
      .picker[popover] {
        position: fixed;
        inset: auto;
      }
      .picker[popover]:not(:popover-open) {
        display: none;
      }
      .picker:popover-open {
        animation: appear var(--tl-fast) var(--tl-ease);
      }
      @keyframes appear {
        from {
          opacity: 0;
          transform: translateY(4px);
        }
      }
      .groups {
        flex: 1;
        margin-block-start: var(--tl-space-2);
        padding-inline: 2px;
      }
      h3 {
        padding: var(--tl-space-2) var(--tl-space-1) 2px;
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(${COLUMNS}, 1fr);
      }
      .grid button {
        display: grid;
        place-items: center;
        aspect-ratio: 1;
        border-radius: var(--tl-radius-1);
        font-family: var(--tl-font-emoji);
        font-size: 1.375rem;
        line-height: 1;
        content-visibility: auto;
      }
      .grid button:hover,
      .grid button:focus-visible {
        background: var(--tl-surface-2);
      }
      .none {
        padding: var(--tl-space-6);
        text-align: center;
        color: var(--tl-text-2);
        font-size: var(--tl-size-2);
      }
    `,
  ];

  /** Closed until `pick` is called. */
  @property({ type: Boolean, reflect: true }) popup = false;
  @state() private text = "";
  @state() private open = false;
  @query(".picker") private readonly box!: HTMLElement;
  private answer: ((key: string | undefined) => void) | undefined;
  private anchor: HTMLElement | undefined;

  /** Open beside an element; answers the emoji that was chosen, undefined when none was. */
  async pick(anchor: HTMLElement): Promise<string | undefined> {
    this.answer?.(undefined);
    this.anchor = anchor;
    this.text = "";
    this.open = true;
    await this.updateComplete;
    this.box.showPopover();
    placeBeside(this.box, anchor.getBoundingClientRect());
    this.box.querySelector("input")?.focus();
    return new Promise((resolve) => (this.answer = resolve));
  }

  private choose(key: string): void {
    try {
      localStorage.setItem(RECENT, JSON.stringify([key, ...recent().filter((other) => other !== key)].slice(0, 24)));
    } catch {
      // Without storage there is no list of recent ones.
    }
    this.emit("tl-emoji", key);
    const answer = this.answer;
    this.answer = undefined;
    if (this.popup) this.box.hidePopover();
    answer?.(key);
  }

  private toggled(event: Event): void {
    if ((event as ToggleEvent).newState !== "closed") return;
    this.open = false;
    this.answer?.(undefined);
    this.answer = undefined;
    this.anchor?.focus();
  }

  private get found(): readonly (readonly [string, readonly Emoji[]])[] {
    const words = this.text.toLowerCase().trim();
    if (words === "") return [["recent", recent().map((key) => ({ key, words: key }))], ...groups];
    const all = groups.flatMap(([, list]) => list).filter((emoji) => emoji.key === words || words.split(/\s+/).every((word) => emoji.words.includes(word)));
    return all.length > 0 ? [["", all]] : [];
  }

  private onKey(event: KeyboardEvent): void {
    const buttons = [...this.renderRoot.querySelectorAll<HTMLElement>(".grid button")];
    if (event.target instanceof HTMLInputElement) {
      if (event.key === "ArrowDown") buttons[0]?.focus();
      else if (event.key === "Enter") buttons[0]?.click();
      else return;
      event.preventDefault();
    } else rove(event, buttons, { direction: "grid", columns: COLUMNS });
    if (event.key !== "Escape") event.stopPropagation();
  }

  protected override render(): TemplateResult {
    if (this.popup && !this.open) return html`<div class="picker" popover="auto" role="dialog" aria-label=${this.t("emoji")}></div>`;
    const { found } = this;
    let first = true;
    return html`<div class="picker" popover=${this.popup ? "auto" : nothing} role="dialog" aria-label=${this.t("emoji")} @toggle=${this.toggled} @keydown=${this.onKey}>
      <input class="field" type="search" placeholder=${this.t("emoji_search")} aria-label=${this.t("emoji_search")} .value=${this.text}
        @input=${(event: Event) => (this.text = (event.target as HTMLInputElement).value)} />
      <div class="groups scroll" role="group" aria-label=${this.t("emoji")}>
        ${found.map(
          ([group, list]) => html`${group === "" ? nothing : html`<h3>${this.t(`emoji_${group}`)}</h3>`}
            <div class="grid" role="group" aria-label=${group === "" ? this.t("emoji") : this.t(`emoji_${group}`)}>
              ${list.map((emoji) => {
                const inOrder = first ? 0 : -1;
                first = false;
                return html`<button type="button" tabindex=${inOrder} aria-label=${emoji.words} title=${emoji.words} @click=${() => this.choose(emoji.key)}>${emoji.key}</button>`;
              })}
            </div>`,
        )}
        ${found.length === 0 ? html`<p class="none">${this.t("nothing_found")}</p>` : nothing}
      </div>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-emoji-picker": TlEmojiPicker;
  }
}
