/**
 * `<tl-conversation-list>`: the conversations, with what is unread, mentions, pins, drafts, presence and silence; and a box to
 * find one by name.
 *
 * Not here: opening one (`tl-conversation` says which), making a group (`group/`).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Conversation } from "@trunkline/core";

import "../base/avatar.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import "../base/menu.js";
import type { MenuItem, TlMenu } from "../base/menu.js";
import { focusItem, rove } from "../base/roving.js";
import { summaryOf } from "../messages/summary.js";
import { buttonStyles, fieldStyles, stateStyles } from "../theme/base.js";
import { conversationStyles } from "./styles.js";
import { peerOf, titleOf } from "./title.js";

const HOUR_MS = 3_600_000;

/** How many rows are drawn at first; more as one scrolls. */
const STEP = 60;

/** Eight in the morning of the next day. */
function tomorrow(now_ms: number): number {
  const date = new Date(now_ms);
  date.setDate(date.getDate() + 1);
  date.setHours(8, 0, 0, 0);
  return date.getTime();
}

/**
 * The list of conversations.
 *
 * @fires tl-conversation - `{conversation}`: one was chosen.
 * @fires tl-new-conversation - somebody wants to begin one.
 */
@customElement("tl-conversation-list")
export class TlConversationList extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, fieldStyles, stateStyles, conversationStyles];

  /** The conversation that is open. */
  @property() selected = "";
  /** No button to begin a conversation. */
  @property({ type: Boolean, attribute: "no-new" }) noNew = false;

  @state() private text = "";
  @state() private drawn = STEP;
  @state() private problem = "";
  @query("tl-menu") private readonly menu!: TlMenu;
  @query("input[type=search]") private readonly box!: HTMLInputElement;

  /** Put the caret into the search box. */
  focusSearch(): void {
    this.box?.focus();
  }

  private get conversations(): readonly Conversation[] {
    return this.watch("conversations", (client) => client.conversations) ?? [];
  }

  private titleFor(about: Conversation): string {
    return titleOf(about.conversation, about, (party) => this.nameOf(party));
  }

  private choose(about: Conversation): void {
    this.emit("tl-conversation", { conversation: about.conversation });
  }

  private openMenu(event: Event, about: Conversation): void {
    event.preventDefault();
    event.stopPropagation();
    const { client } = this;
    if (client === undefined) return;
    const { conversation, settings } = about;
    const configure = (change: Parameters<typeof client.conversations.configure>[1]) => () => {
      this.problem = "";
      client.conversations.configure(conversation, change).catch((error: unknown) => (this.problem = this.t("failed_because", { reason: this.explain(error) })));
    };
    const quiet = settings.dnd_until_ms > Date.now();
    const items: (MenuItem | null)[] = [
      { label: this.t(settings.pinned ? "unpin" : "pin"), icon: "pin", run: configure({ pinned: !settings.pinned }) },
      { label: this.t(settings.mute ? "unmute" : "mute"), icon: "bell_off", run: configure({ mute: !settings.mute }) },
      ...(quiet
        ? [{ label: this.t("dnd_off"), icon: "moon" as const, run: configure({ dnd_until_ms: 0 }) }]
        : [
            { label: this.t("dnd_hour"), icon: "moon" as const, run: configure({ dnd_until_ms: Date.now() + HOUR_MS }) },
            { label: this.t("dnd_morning"), icon: "moon" as const, run: configure({ dnd_until_ms: tomorrow(Date.now()) }) },
          ]),
    ];
    if (about.unread > 0) items.push({ label: this.t("mark_read"), icon: "check", run: () => client.conversations.markRead(conversation) });
    items.push(null, { label: this.t("hide_conversation"), icon: "trash", run: configure({ hidden: true }) });
    this.menu.label = this.t("conversation_options", { name: this.titleFor(about) });
    const row = event.currentTarget as HTMLElement;
    void this.menu.show(event instanceof MouseEvent && event.type === "contextmenu" ? new DOMRect(event.clientX, event.clientY, 0, 0) : row, items);
  }

  private get rows(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>(".row")];
  }

  private onKey(event: KeyboardEvent): void {
    if (rove(event, this.rows, { direction: "vertical" })) return;
    const at = this.rows.findIndex((row) => event.composedPath().includes(row));
    const about = this.found()[at];
    if (about !== undefined && (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey))) {
      const row = this.rows[at] as HTMLElement;
      this.openMenu(Object.defineProperty(new Event("menu"), "currentTarget", { value: row }), about);
      event.preventDefault();
    }
  }

  private found(): readonly Conversation[] {
    const wanted = this.text.trim().toLocaleLowerCase();
    if (wanted === "") return this.conversations;
    return this.conversations.filter((about) => this.titleFor(about).toLocaleLowerCase().includes(wanted) || about.conversation.toLowerCase() === wanted);
  }

  protected override render(): TemplateResult {
    const found = this.found();
    const known = this.watch("state", (client) => client.state);
    const waiting = this.client === undefined || (this.conversations.length === 0 && known?.state !== "online" && known?.state !== "stopped" && known?.state !== "offline");
    return html`<div class="tools">
        <div class="search">
          ${icon("search", "small")}
          <input class="field" type="search" placeholder=${this.t("search_conversations")} aria-label=${this.t("search_conversations")} .value=${this.text}
            @input=${(event: Event) => {
              this.text = (event.target as HTMLInputElement).value;
              this.drawn = STEP;
            }}
            @keydown=${(event: KeyboardEvent) => {
              const first = this.rows[0];
              if (event.key === "ArrowDown" && first !== undefined) {
                event.preventDefault();
                focusItem(this.rows, first);
              }
            }} />
        </div>
        ${this.noNew
          ? nothing
          : html`<button type="button" class="icon-button" aria-label=${this.t("new_conversation")} title=${this.t("new_conversation")} @click=${() => this.emit("tl-new-conversation")}>${icon("plus")}</button>`}
      </div>
      ${this.problem === "" ? nothing : html`<p class="notice" role="alert">${this.problem}</p>`}
      ${waiting ? this.skeleton() : found.length === 0 ? this.nothingHere() : this.list(found)}
      <tl-menu></tl-menu>`;
  }

  private list(found: readonly Conversation[]): TemplateResult {
    const at = Math.max(0, found.findIndex((about) => about.conversation === this.selected));
    return html`<ul class="list scroll" aria-label=${this.t("conversations")} @keydown=${this.onKey}
      @scroll=${(event: Event) => {
        const list = event.currentTarget as HTMLElement;
        if (list.scrollHeight - list.scrollTop - list.clientHeight < 600 && this.drawn < found.length) this.drawn += STEP;
      }}>
      ${repeat(found.slice(0, Math.max(this.drawn, at + 1)), (about) => about.conversation, (about, index) => this.row(about, index === at))}
    </ul>`;
  }

  private row(about: Conversation, inOrder: boolean): TemplateResult {
    const peer = peerOf(about.conversation, about);
    const title = this.titleFor(about);
    const profile = peer === "" ? undefined : this.profileOf(peer);
    const online = peer !== "" && (this.watch(`presence ${peer}`, (client) => client.presence(peer))?.online ?? false);
    const typing = this.watch(`typing ${about.conversation}`, (client) => client.typing(about.conversation)) ?? [];
    const speaks = [
      about.unread > 0 ? this.t("unread_count", { count: about.unread }) : "",
      about.unread_mentions > 0 ? this.t("mention_count", { count: about.unread_mentions }) : "",
      online ? this.t("online") : "",
    ].filter(Boolean);
    const selected = about.conversation === this.selected;
    return html`<li>
      <button type="button" class="row ${selected ? "selected" : ""} ${about.unread > 0 ? "unread" : ""} ${about.settings.pinned ? "pinned" : ""}"
        tabindex=${inOrder ? 0 : -1} aria-current=${selected ? "true" : nothing}
        @click=${() => this.choose(about)} @contextmenu=${(event: Event) => this.openMenu(event, about)}>
        <tl-avatar name=${title} seed=${peer || about.conversation} .src=${profile?.avatar || about.avatar} ?online=${online} ?square=${peer === ""}
          .symbol=${about.kind === "broadcast" ? "megaphone" : about.kind === "channel" ? "hash" : ""}></tl-avatar>
        <span class="middle">
          <span class="top">
            <span class="title ellipsis" dir="auto">${title}</span>
            ${about.settings.pinned ? html`<span class="sign" title=${this.t("pinned")}>${icon("pin", "small")}<span class="visually-hidden">${this.t("pinned")}</span></span>` : nothing}
            ${about.silent ? this.silence(about) : nothing}
            <time class="time">${about.active_at_ms > 0 ? this.localizer.recent(about.active_at_ms) : ""}</time>
          </span>
          <span class="bottom">
            <span class="last ellipsis">${this.lastLine(about, typing)}</span>
            ${about.failed > 0 ? html`<span class="sign failed" title=${this.t("not_sent")}>${icon("alert", "small")}<span class="visually-hidden">${this.t("not_sent")}</span></span>` : nothing}
            ${about.unread_mentions > 0 ? html`<span class="badge mention" aria-hidden="true">@</span>` : nothing}
            ${about.unread > 0 ? html`<span class="badge ${about.silent ? "silent" : ""}" aria-hidden="true">${about.unread > 999 ? "999+" : about.unread}</span>` : nothing}
            ${speaks.length > 0 ? html`<span class="visually-hidden">${speaks.join(", ")}</span>` : nothing}
          </span>
        </span>
      </button>
    </li>`;
  }

  private silence(about: Conversation): TemplateResult {
    const until = about.settings.dnd_until_ms > Date.now();
    const label = until ? this.t("do_not_disturb_until", { when: this.localizer.recent(about.settings.dnd_until_ms) }) : this.t("muted");
    return html`<span class="sign" title=${label}>${icon(until ? "moon" : "bell_off", "small")}<span class="visually-hidden">${label}</span></span>`;
  }

  private lastLine(about: Conversation, typing: readonly string[]): TemplateResult | string {
    if (typing.length > 0) return html`<span class="typing">${this.t("typing_one", { name: this.nameOf(typing[0] ?? "") })}</span>`;
    if (about.draft !== "" && about.conversation !== this.selected)
      return html`<span class="draft">${this.t("draft")}</span> <span dir="auto">${about.draft}</span>`;
    if (about.last === null) return "";
    const self = this.client?.party ?? "";
    const speaker = { localizer: this.localizer, self, nameOf: (party: string) => this.nameOf(party) };
    const text = summaryOf(about.last, speaker);
    const who = about.last.sender === self ? this.t("you") : about.kind === "direct" ? "" : this.nameOf(about.last.sender);
    const isNotice = /^(conversation|members?)\./.test(about.last.type) || about.last.content === null;
    return html`${who === "" || isNotice ? nothing : html`<span dir="auto">${who}</span>: `}<span dir="auto">${text}</span>`;
  }

  private nothingHere(): TemplateResult {
    return this.text.trim() === ""
      ? html`<div class="empty">${icon("chat")}<h2>${this.t("no_conversations")}</h2><p>${this.t("no_conversations_hint")}</p></div>`
      : html`<div class="empty" role="status">${icon("search")}<h2>${this.t("nothing_found")}</h2><p>${this.t("nothing_found_hint", { text: this.text.trim() })}</p></div>`;
  }

  private skeleton(): TemplateResult {
    return html`<div class="skeletons" aria-hidden="true">
        ${[0, 1, 2, 3, 4, 5].map(() => html`<div class="ghost"><div class="skeleton disc"></div><div class="lines"><div class="skeleton"></div><div class="skeleton"></div></div></div>`)}
      </div>
      <span class="visually-hidden" role="status">${this.t("loading")}</span>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-conversation-list": TlConversationList;
  }
}
