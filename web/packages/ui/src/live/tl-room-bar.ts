/**
 * `<tl-room-bar>`: what one says and gives: the comment with its colour and place, and the tray of gifts.
 *
 * Tells problems by `tl-bar-problem` (detail: words, empty when there is none any more).
 */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { RoomApi, RoomState } from "@trunkline/core";

import { buttonStyles, fieldStyles, icon, rove, styled, TlElement } from "../base/index.js";
import { giftName, giftPicture, GIFTS, type GiftKind } from "./gifts.js";
import "./words.js";

const COLOURS = ["", "#ffd166", "#ff8fa3", "#7ee0c9", "#8cc0f5", "#d3a8ee"];
const PLACES = ["scroll", "top", "bottom"] as const;
const LONGEST = 200;

@customElement("tl-room-bar")
export class TlRoomBar extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    css`
      :host {
        flex: none;
        border-block-start: 1px solid var(--tl-line);
        padding: var(--tl-space-2) var(--tl-space-3) var(--tl-space-3);
        background: var(--tl-bg);
      }
      form {
        display: flex;
        align-items: center;
        gap: var(--tl-space-1);
      }
      .field {
        flex: 1;
        min-inline-size: 0;
        border-radius: var(--tl-radius-round);
        padding-inline: var(--tl-space-4);
      }
      .hint {
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
        margin-block-end: var(--tl-space-1);
      }
      .tray {
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        gap: var(--tl-space-2);
        padding-block: var(--tl-space-2) var(--tl-space-3);
      }
      .tray button {
        display: grid;
        justify-items: center;
        gap: 2px;
        padding: var(--tl-space-2) var(--tl-space-1);
        border-radius: var(--tl-radius-2);
        background: var(--tl-surface);
        font-size: var(--tl-size-1);
        transition: background var(--tl-fast), transform var(--tl-fast);
      }
      .tray button:hover {
        background: var(--tl-accent-soft);
      }
      .tray button:active {
        transform: scale(0.94);
      }
      .tray b {
        font-weight: var(--tl-weight-bold);
        font-size: var(--tl-size-2);
      }
      .tray small {
        color: var(--tl-text-2);
        font-size: var(--tl-size-1);
      }
      .gift-picture {
        inline-size: 40px;
        block-size: 40px;
      }
      .look {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        gap: var(--tl-space-2);
        padding-block: var(--tl-space-2) var(--tl-space-3);
      }
      [role="radiogroup"] {
        display: flex;
        gap: var(--tl-space-1);
      }
      [role="radio"] {
        display: grid;
        place-items: center;
        min-inline-size: 28px;
        block-size: 28px;
        border-radius: var(--tl-radius-round);
        font-size: var(--tl-size-1);
        font-weight: var(--tl-weight-bold);
        color: var(--tl-text-2);
      }
      .places [role="radio"] {
        padding-inline: var(--tl-space-3);
        border: 1px solid var(--tl-line);
      }
      [role="radio"][aria-checked="true"] {
        box-shadow: 0 0 0 2px var(--tl-bg), 0 0 0 4px var(--tl-accent);
      }
      .places [role="radio"][aria-checked="true"] {
        box-shadow: none;
        border-color: var(--tl-accent);
        background: var(--tl-accent-soft);
        color: var(--tl-accent-text);
      }
      .swatch {
        inline-size: 20px;
        block-size: 20px;
        border-radius: 50%;
        border: 1px solid var(--tl-line-strong);
        background: #fff;
      }
    `,
  ];

  @property({ attribute: false }) room: RoomApi | undefined;
  @property({ attribute: false }) view: RoomState | undefined;
  @property({ attribute: false }) gifts: readonly GiftKind[] = GIFTS;
  @property({ attribute: false }) money: ((amount: number) => string) | undefined;
  @state() private open: "" | "gifts" | "look" = "";
  @state() private colour = "";
  @state() private place: (typeof PLACES)[number] = "scroll";
  @query("input") private input!: HTMLInputElement;

  override render(): TemplateResult {
    const view = this.view?.view;
    const runs = (this.view?.role ?? "audience") !== "audience";
    const quiet = Boolean(view?.muted_all) && !runs;
    const slow = runs ? 0 : Math.ceil((view?.slow_mode_ms ?? 0) / 1000);
    return html`
      ${this.open === "gifts" ? this.tray() : this.open === "look" ? this.looks() : nothing}
      ${quiet ? html`<p class="hint">${this.t("live_muted_all")}</p>` : slow > 0 ? html`<p class="hint">${this.t("live_slow", { count: slow })}</p>` : nothing}
      <form @submit=${this.say}>
        <button
          class="icon-button" type="button" aria-expanded=${this.open === "look"} aria-label=${this.t("live_style")} title=${this.t("live_style")}
          @click=${() => (this.open = this.open === "look" ? "" : "look")}
        >${icon("settings")}</button>
        <input
          class="field" type="text" maxlength=${LONGEST} autocomplete="off" enterkeyhint="send"
          placeholder=${this.t("live_comment")} aria-label=${this.t("live_comment")} ?disabled=${quiet || this.room === undefined}
        />
        <button class="icon-button primary" type="submit" aria-label=${this.t("live_comment_send")} ?disabled=${quiet || this.room === undefined}>
          ${icon("send")}
        </button>
        <button
          class="icon-button" type="button" aria-expanded=${this.open === "gifts"} aria-label=${this.t("live_gifts")} title=${this.t("live_gifts")}
          @click=${() => (this.open = this.open === "gifts" ? "" : "gifts")}
        >${icon("gift")}</button>
      </form>
    `;
  }

  private tray(): TemplateResult {
    return html`<div class="tray" role="group" aria-label=${this.t("live_gifts")}>
      ${this.gifts.map((gift) => {
        const name = giftName(gift, (key) => this.t(key));
        const amount = this.money?.(gift.amount) ?? this.t("live_coins", { count: gift.amount });
        return html`<button type="button" aria-label=${this.t("live_gift_send", { gift: name, amount })} @click=${() => void this.give(gift)}>
          ${giftPicture(gift)}<b>${name}</b><small>${amount}</small>
        </button>`;
      })}
    </div>`;
  }

  private looks(): TemplateResult {
    return html`<div class="look">
      <div role="radiogroup" aria-label=${this.t("live_colour")} @keydown=${this.move}>
        ${COLOURS.map((colour, index) => html`<button
          type="button" role="radio" aria-checked=${this.colour === colour} tabindex=${this.colour === colour ? 0 : -1}
          aria-label=${this.t("live_colour_name", { number: index + 1 })} @click=${() => (this.colour = colour)}
        ><span class="swatch" ${styled({ background: colour || "#ffffff" })}></span></button>`)}
      </div>
      <div class="places" role="radiogroup" aria-label=${this.t("live_place")} @keydown=${this.move}>
        ${PLACES.map((place) => html`<button
          type="button" role="radio" aria-checked=${this.place === place} tabindex=${this.place === place ? 0 : -1}
          @click=${() => (this.place = place)}
        >${this.t(`live_place_${place}`)}</button>`)}
      </div>
    </div>`;
  }

  private readonly move = (event: KeyboardEvent): void => {
    const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=radio]")];
    if (rove(event, items, { direction: "horizontal", wrap: true })) items.find((item) => item.tabIndex === 0)?.click();
  };

  private readonly say = (event: Event): void => {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || this.room === undefined) return;
    this.input.value = "";
    this.problem("");
    this.room.danmaku(text, { colour: this.colour, lane: this.place }).catch((error: unknown) => {
      // What was typed comes back, unless something new stands there already.
      if (!this.input.value) this.input.value = text;
      this.problem(this.t("live_comment_failed", { reason: this.explain(error) }));
    });
  };

  private async give(gift: GiftKind): Promise<void> {
    if (!this.emit("tl-gift", { gift, quantity: 1 }, true)) return;
    this.problem("");
    try {
      await this.room?.give(gift.id, { quantity: 1, amount: gift.amount });
    } catch (error) {
      this.problem(this.t("live_gift_failed", { reason: this.explain(error) }));
    }
  }

  private problem(words: string): void {
    this.emit("tl-bar-problem", words);
  }
}
