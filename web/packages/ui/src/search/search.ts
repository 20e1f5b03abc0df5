/** `<tl-search>`: finds messages by their words, in one conversation or everywhere. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import "../base/avatar.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import { rove } from "../base/roving.js";
import { titleOf } from "../conversations/title.js";
import { buttonStyles, fieldStyles, stateStyles } from "../theme/base.js";

const WAIT_MS = 250;
const TYPES = ["", "text", "image", "file", "voice", "video", "card.created"] as const;

type Page = Awaited<ReturnType<NonNullable<TlElement["client"]>["search"]>>;
type Hit = Page["hits"][number];

/** A text cut at its highlights, which count code points. */
export function highlighted(text: string, highlights: readonly { start: number; end: number }[], before = 40): { text: string; hit: boolean }[] {
  const points = [...text];
  const first = highlights[0]?.start ?? 0;
  const from = first > before + 20 ? first - before : 0;
  const found: { text: string; hit: boolean }[] = [];
  if (from > 0) found.push({ text: "…", hit: false });
  let at = from;
  for (const { start, end } of highlights) {
    if (start < at || end > points.length) continue;
    if (start > at) found.push({ text: points.slice(at, start).join(""), hit: false });
    found.push({ text: points.slice(start, end).join(""), hit: true });
    at = end;
  }
  if (at < points.length) found.push({ text: points.slice(at, at + 200).join(""), hit: false });
  return found;
}

/**
 * Search in messages.
 *
 * @fires tl-show-message - `{conversation, seq, thread?}`: a result was chosen.
 * @fires tl-close - somebody is done searching.
 */
@customElement("tl-search")
export class TlSearch extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    stateStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        block-size: 100%;
        min-block-size: 0;
        background: var(--tl-bg);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        min-block-size: 60px;
        padding-inline: var(--tl-space-4) var(--tl-space-2);
        border-block-end: 1px solid var(--tl-line);
      }
      h2 {
        flex: 1;
      }
      form {
        display: flex;
        flex-direction: column;
        gap: var(--tl-space-2);
        padding: var(--tl-space-3) var(--tl-space-4);
      }
      .filters {
        display: flex;
        gap: var(--tl-space-2);
      }
      .results {
        flex: 1;
        min-block-size: 0;
        padding: 0 var(--tl-space-2) var(--tl-space-4);
      }
      .count {
        padding: 0 var(--tl-space-4) var(--tl-space-1);
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
      .hit {
        display: flex;
        gap: var(--tl-space-3);
        inline-size: 100%;
        padding: var(--tl-space-2);
        border-radius: var(--tl-radius-2);
      }
      .hit:hover {
        background: var(--tl-surface);
      }
      .hit:focus-visible {
        outline-offset: -2px;
      }
      .hit tl-avatar {
        --tl-avatar-size: 36px;
      }
      .body {
        flex: 1;
        min-inline-size: 0;
      }
      .top {
        display: flex;
        gap: var(--tl-space-2);
        font-size: var(--tl-size-2);
      }
      .top strong {
        font-weight: var(--tl-weight-bold);
      }
      .top time {
        margin-inline-start: auto;
        flex: none;
        color: var(--tl-text-2);
        font-size: var(--tl-size-1);
      }
      .where {
        display: block;
        color: var(--tl-text-2);
        font-size: var(--tl-size-1);
      }
      .text {
        display: -webkit-box;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 3;
        overflow: hidden;
        overflow-wrap: anywhere;
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
      }
      mark {
        background: var(--tl-highlight);
        color: var(--tl-text);
        border-radius: 3px;
        padding-inline: 1px;
      }
      .more {
        margin: var(--tl-space-2) auto;
        display: flex;
      }
      .note {
        padding: 0 var(--tl-space-4) var(--tl-space-2);
        font-size: var(--tl-size-1);
        color: var(--tl-warning);
      }
    `,
  ];

  /** Search here; empty: everywhere. */
  @property() conversation = "";

  @state() private text = "";
  @state() private everywhere = false;
  @state() private type: string = "";
  @state() private hits: readonly Hit[] = [];
  @state() private next = "";
  @state() private building = false;
  @state() private phase: "idle" | "searching" | "done" | "failed" = "idle";
  @state() private problem = "";
  @query("input") private readonly box!: HTMLInputElement;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  /** Put the caret into the box. */
  override focus(options?: FocusOptions): void {
    this.box?.focus(options);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("conversation") && changed.get("conversation") !== undefined && this.text !== "") this.soon();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.search(), WAIT_MS);
  }

  private async search(after = ""): Promise<void> {
    const { client } = this;
    const text = this.text.trim();
    const asked = ++this.asked;
    if (client === undefined || text === "") {
      this.hits = [];
      this.next = "";
      this.phase = "idle";
      return;
    }
    this.phase = "searching";
    try {
      const page = await client.search(text, {
        ...(this.conversation !== "" && !this.everywhere ? { conversation: this.conversation } : {}),
        ...(this.type !== "" ? { types: [this.type] } : {}),
        ...(after !== "" ? { after } : {}),
        limit: 30,
      });
      if (asked !== this.asked) return;
      this.hits = after === "" ? page.hits : [...this.hits, ...page.hits];
      this.next = page.next ?? "";
      this.building = page.building ?? false;
      this.phase = "done";
    } catch (error) {
      if (asked !== this.asked) return;
      this.problem = this.explain(error);
      this.phase = "failed";
    }
  }

  private choose({ entry }: Hit): void {
    this.emit("tl-show-message", { conversation: entry.conversation, seq: entry.seq, ...(entry.thread ? { thread: entry.thread } : {}) });
  }

  protected override render(): TemplateResult {
    return html`<header>
        <h2>${this.t("search_messages")}</h2>
        <button type="button" class="icon-button" aria-label=${this.t("close")} title=${this.t("close")} @click=${() => this.emit("tl-close")}>${icon("close")}</button>
      </header>
      <form role="search" @submit=${(event: Event) => {
        event.preventDefault();
        clearTimeout(this.timer);
        void this.search();
      }}>
        <input class="field" type="search" maxlength="1000" placeholder=${this.t("search_messages")} aria-label=${this.t("search_messages")} .value=${this.text}
          @input=${(event: Event) => {
            this.text = (event.target as HTMLInputElement).value;
            this.soon();
          }} />
        <div class="filters">
          ${this.conversation === ""
            ? nothing
            : html`<select class="field" aria-label=${this.t("search")} @change=${(event: Event) => {
                this.everywhere = (event.target as HTMLSelectElement).value === "everywhere";
                void this.search();
              }}>
                <option value="here" ?selected=${!this.everywhere}>${this.t("search_here")}</option>
                <option value="everywhere" ?selected=${this.everywhere}>${this.t("search_everywhere")}</option>
              </select>`}
          <select class="field" aria-label=${this.t("search_type")} @change=${(event: Event) => {
            this.type = (event.target as HTMLSelectElement).value;
            void this.search();
          }}>
            ${TYPES.map((type) => html`<option value=${type}>${type === "" ? this.t("search_type_any") : type === "text" ? this.t("messages_unnamed") : type === "card.created" ? this.t("app_card") : this.t(type)}</option>`)}
          </select>
        </div>
      </form>
      ${this.building ? html`<p class="note">${this.t("search_building")}</p>` : nothing}
      ${this.results()}`;
  }

  private results(): TemplateResult {
    if (this.phase === "failed")
      return html`<div class="empty" role="alert">${icon("alert")}<h2>${this.t("search_failed")}</h2><p>${this.problem}</p>
        <button type="button" class="button" @click=${() => this.search()}>${this.t("retry")}</button></div>`;
    if (this.phase === "idle")
      return html`<div class="empty">${icon("search")}<h2>${this.t("search_start")}</h2><p>${this.t("search_start_hint")}</p></div>`;
    if (this.hits.length === 0)
      return this.phase === "searching"
        ? html`<div class="empty" role="status"><div class="spinner"></div><span class="visually-hidden">${this.t("loading")}</span></div>`
        : html`<div class="empty" role="status">${icon("search")}<h2>${this.t("search_none")}</h2><p>${this.t("search_none_hint", { text: this.text.trim() })}</p></div>`;
    return html`<p class="count" role="status">${this.t("search_results", { count: this.hits.length })}${this.next === "" ? "" : "+"}</p>
      <ul class="results scroll" @keydown=${(event: KeyboardEvent) => rove(event, [...this.renderRoot.querySelectorAll<HTMLElement>(".hit")], { direction: "vertical" })}>
        ${repeat(this.hits, (hit) => `${hit.entry.conversation} ${hit.entry.seq}`, (hit) => this.hit(hit))}
        ${this.next === "" ? nothing : html`<li><button type="button" class="button more" @click=${() => this.search(this.next)}>${this.t("show_more")}</button></li>`}
      </ul>`;
  }

  private hit(hit: Hit): TemplateResult {
    const { entry } = hit;
    const profile = this.profileOf(entry.sender);
    const elsewhere = this.conversation === "" || this.everywhere;
    const about = elsewhere ? this.watch(`conversation ${entry.conversation}`, (client) => client.conversations.one(entry.conversation)) : undefined;
    return html`<li>
      <button type="button" class="hit" @click=${() => this.choose(hit)}>
        <tl-avatar name=${profile.name ?? ""} seed=${entry.sender} .src=${profile.avatar ?? ""}></tl-avatar>
        <span class="body">
          <span class="top"><strong class="ellipsis" dir="auto">${entry.sender === this.client?.party ? this.t("you") : profile.name}</strong><time>${this.localizer.recent(entry.at_ms)}</time></span>
          ${elsewhere ? html`<span class="where ellipsis" dir="auto">${titleOf(entry.conversation, about, (party) => this.nameOf(party))}</span>` : nothing}
          <span class="text" dir="auto">${highlighted(hit.text, hit.highlights).map((piece) => (piece.hit ? html`<mark>${piece.text}</mark>` : piece.text))}</span>
        </span>
      </button>
    </li>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-search": TlSearch;
  }
}
