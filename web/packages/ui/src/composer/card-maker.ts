/** `<tl-card-maker>`: makes a poll, an event or a to-do list in a dialog. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import "../base/dialog.js";
import type { TlDialog } from "../base/dialog.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import { buttonStyles, fieldStyles } from "../theme/base.js";

/** The kinds that can be made here. */
export type MadeKind = "poll" | "event" | "todo";

/** What was made: the kind of card and its data. */
export interface MadeCard {
  kind: MadeKind;
  data: Record<string, unknown>;
}

/** A dialog to make a card. Fires `tl-card-made` with {@link MadeCard}. */
@customElement("tl-card-maker")
export class TlCardMaker extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    css`
      form {
        display: flex;
        flex-direction: column;
        gap: var(--tl-space-3);
      }
      .lines {
        display: flex;
        flex-direction: column;
        gap: var(--tl-space-2);
      }
      .line {
        display: flex;
        gap: var(--tl-space-1);
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--tl-space-3);
      }
      @media (max-width: 420px) {
        .pair {
          grid-template-columns: 1fr;
        }
      }
      .check {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        min-block-size: 32px;
      }
      .actions {
        display: flex;
        justify-content: flex-end;
        gap: var(--tl-space-2);
        margin-block-start: var(--tl-space-2);
      }
      .add {
        align-self: start;
      }
    `,
  ];

  @state() private kind: MadeKind = "poll";
  @state() private heading = "";
  @state() private lines: string[] = ["", ""];
  @state() private multiple = false;
  @state() private anonymous = false;
  @state() private starts = "";
  @state() private ends = "";
  @state() private place = "";
  @query("tl-dialog") private readonly dialog!: TlDialog;

  /** Open the dialog for a kind. */
  async make(kind: MadeKind): Promise<void> {
    this.kind = kind;
    this.heading = this.starts = this.ends = this.place = "";
    this.lines = kind === "poll" ? ["", ""] : [""];
    this.multiple = this.anonymous = false;
    await this.updateComplete;
    await this.dialog.show();
    this.renderRoot.querySelector<HTMLInputElement>("form input")?.focus();
  }

  private get filled(): string[] {
    return [...new Set(this.lines.map((line) => line.trim()).filter(Boolean))];
  }

  private get ready(): boolean {
    if (this.heading.trim() === "") return false;
    if (this.kind === "poll") return this.filled.length >= 2;
    if (this.kind === "event") return this.starts !== "" && (this.ends === "" || this.ends > this.starts);
    return this.filled.length >= 1;
  }

  private done(event: Event): void {
    event.preventDefault();
    if (!this.ready) return;
    const title = this.heading.trim();
    let data: Record<string, unknown>;
    if (this.kind === "poll") data = { question: title, options: this.filled, multiple: this.multiple, anonymous: this.anonymous };
    else if (this.kind === "todo") data = { title, items: this.filled.map((text) => ({ text })) };
    else {
      data = { title, starts_at_ms: new Date(this.starts).getTime(), timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };
      if (this.ends !== "") data["ends_at_ms"] = new Date(this.ends).getTime();
      if (this.place.trim() !== "") data["place"] = this.place.trim();
    }
    this.emit("tl-card-made", { kind: this.kind, data } satisfies MadeCard);
    this.dialog.close();
  }

  private field(label: string, value: string, set: (value: string) => void, type = "text", id = label): TemplateResult {
    return html`<div>
      <label class="label" for=${id}>${label}</label>
      <input class="field" id=${id} type=${type} maxlength=${type === "text" ? 500 : nothing} .value=${value}
        @input=${(event: Event) => set((event.target as HTMLInputElement).value)} />
    </div>`;
  }

  private set(at: number, value: string): void {
    this.lines = this.lines.map((line, index) => (index === at ? value : line));
  }

  protected override render(): TemplateResult {
    const { kind } = this;
    const label = kind === "poll" ? "poll_question" : kind === "event" ? "event_title" : "todo_title";
    const item = kind === "poll" ? "poll_option" : "todo_item";
    return html`<tl-dialog heading=${this.t(`card_${kind}`)}>
      <form @submit=${this.done}>
        ${this.field(this.t(label), this.heading, (value) => (this.heading = value), "text", "title")}
        ${kind === "event"
          ? html`<div class="pair">
                ${this.field(this.t("event_starts"), this.starts, (value) => (this.starts = value), "datetime-local", "starts")}
                ${this.field(this.t("event_ends"), this.ends, (value) => (this.ends = value), "datetime-local", "ends")}
              </div>
              ${this.field(this.t("event_place"), this.place, (value) => (this.place = value), "text", "place")}`
          : html`<div class="lines">
              ${this.lines.map((line, at) => {
                const name = this.t(item, { number: at + 1 });
                return html`<div class="line">
                  <input class="field" maxlength="200" placeholder=${name} aria-label=${name} .value=${line}
                    @input=${(event: Event) => this.set(at, (event.target as HTMLInputElement).value)} />
                  ${this.lines.length > 2
                    ? html`<button type="button" class="icon-button" aria-label="${this.t("remove")}: ${name}"
                        @click=${() => (this.lines = this.lines.filter((_, index) => index !== at))}>${icon("close", "small")}</button>`
                    : nothing}
                </div>`;
              })}
              ${this.lines.length < 30
                ? html`<button type="button" class="button quiet add" @click=${() => (this.lines = [...this.lines, ""])}>
                    ${icon("plus", "small")}${this.t(kind === "poll" ? "poll_add_option" : "todo_add")}
                  </button>`
                : nothing}
            </div>`}
        ${kind === "poll"
          ? html`<div>
              <label class="check"><input type="checkbox" .checked=${this.multiple} @change=${() => (this.multiple = !this.multiple)} />${this.t("poll_multiple")}</label>
              <label class="check"><input type="checkbox" .checked=${this.anonymous} @change=${() => (this.anonymous = !this.anonymous)} />${this.t("poll_anonymous")}</label>
            </div>`
          : nothing}
        <div class="actions">
          <button type="button" class="button" @click=${() => this.dialog.close()}>${this.t("cancel")}</button>
          <button class="button primary" ?disabled=${!this.ready}>${this.t("create")}</button>
        </div>
      </form>
    </tl-dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-card-maker": TlCardMaker;
  }
}
