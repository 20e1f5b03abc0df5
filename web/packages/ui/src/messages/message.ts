/**
 * `<tl-message>`: one message, or one notice, with everything that hangs on it.
 *
 * It shows what it is given and reports what people want by `tl-message-action`. Not here: which messages there are,
 * carrying the actions out (`list.ts`), and what is inside the bubble (`content.ts`).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Message } from "@trunkline/core";

import "../base/avatar.js";
import { hueOf } from "../base/avatar.js";
import { TlElement } from "../base/element.js";
import { icon, type IconName } from "../base/icons.js";
import { buttonStyles } from "../theme/base.js";
import "../cards/card.js";
import { contentTemplate, isEmojiOnly, type ContentHost } from "./content.js";
import "./media.js";
import { mapStyles, messageStyles } from "./styles.js";
import { contentOf, noticeOf, summaryOf, textOf } from "./summary.js";
import "./voice.js";

/** What somebody wants to do with a message. */
export type MessageAction =
  | "react" | "unreact" | "reply" | "thread" | "menu" | "pick_reaction" | "quote" | "retry" | "discard" | "readers" | "forwarded" | "profile";

/** The detail of `tl-message-action`. */
export interface MessageActionDetail {
  action: MessageAction;
  message: Message;
  /** The reaction, or the party of a profile. */
  value?: string;
  /** Where it was asked for, for menus. */
  anchor?: HTMLElement;
}

/** The quoted message: looked up, found, or not visible. */
export type Quote = Message | "loading" | "gone";

/** One message. */
@customElement("tl-message")
export class TlMessage extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, mapStyles, messageStyles];

  /** The message. */
  @property({ attribute: false }) message: Message | undefined;
  /** The message it quotes. */
  @property({ attribute: false }) quote: Quote | undefined;
  /** A separator above: the name of the day. */
  @property() day = "";
  /** A line above: from here on it is new. */
  @property({ type: Boolean }) unread = false;
  /** First and last of several in a row by the same sender. */
  @property({ type: Boolean, reflect: true }) first = false;
  @property({ type: Boolean, reflect: true }) last = false;
  /** Mine: on the other side. */
  @property({ type: Boolean, reflect: true }) own = false;
  /** Of a conversation of two: no names, no pictures. */
  @property({ type: Boolean, reflect: true }) direct = false;
  /** Jumped to: lights up for a moment. */
  @property({ type: Boolean, reflect: true }) flash = false;
  /** Came while the list was open. */
  @property({ type: Boolean, reflect: true }) fresh = false;
  /** Inside its own thread: nothing of the thread is shown. */
  @property({ type: Boolean }) inthread = false;
  /** No actions: a forwarded or found message. */
  @property({ type: Boolean }) plain = false;
  /** How far the other side of a direct conversation received and read. */
  @property({ type: Number }) peerread = 0;
  @property({ type: Number }) peerdelivered = 0;
  /** How many members have read it; -1: not known. */
  @property({ type: Number }) readers = -1;

  @state() private expanded = false;

  private act(action: MessageAction, event: Event, value?: string): void {
    const { message } = this;
    if (message === undefined) return;
    const detail: MessageActionDetail = { action, message, anchor: event.currentTarget as HTMLElement };
    if (value !== undefined) detail.value = value;
    this.emit("tl-message-action", detail);
  }

  private get contentHost(): ContentHost {
    return {
      t: (key, values) => this.t(key, values),
      localizer: this.localizer,
      self: this.client?.party ?? "",
      name: (party) => this.nameOf(party),
      expanded: this.expanded,
      expand: () => (this.expanded = !this.expanded),
      openForward: (message) => this.emit("tl-message-action", { action: "forwarded", message } satisfies MessageActionDetail),
    };
  }

  protected override render(): TemplateResult {
    const { message } = this;
    if (message === undefined) return html``;
    const day = this.day ? html`<div class="day" role="presentation"><span>${this.day}</span></div>` : nothing;
    const unread = this.unread ? html`<div class="unread">${this.t("new_messages")}</div>` : nothing;
    return html`${day}${unread}${message.message ? this.row(message) : this.notice(message)}`;
  }

  private notice(message: Message): TemplateResult {
    const speaker = { localizer: this.localizer, self: this.client?.party ?? "", nameOf: (party: string) => this.nameOf(party) };
    return html`<div class="notice-line"><span>${noticeOf(message, speaker)}</span></div>`;
  }

  private row(message: Message): TemplateResult {
    const named = !this.own && !this.direct;
    const profile = named ? this.profileOf(message.sender) : undefined;
    const name = profile?.name || this.nameOf(message.sender);
    return html`<div class="row ${message.status}">
      ${named && this.last
        ? html`<tl-avatar name=${name} seed=${message.sender} .src=${profile?.avatar ?? ""}></tl-avatar>`
        : nothing}
      <div class="stack">
        ${named && this.first ? html`<span class="name ellipsis hue-${hueOf(message.sender)}" dir="auto">${name}</span>` : nothing}
        ${this.bubble(message)} ${this.reactions(message)} ${this.thread(message)} ${this.below(message)}
      </div>
    </div>`;
  }

  private bubble(message: Message): TemplateResult {
    if (message.gone) {
      const key = message.gone === "recalled" ? (message.mine ? "recalled_own" : "recalled") : message.gone;
      return html`<div class="bubble"><span class="gone">${this.t(key, { name: this.nameOf(message.sender) })}</span>${this.meta(message)}</div>`;
    }
    const text = message.type === "text" ? textOf(contentOf(message)["text"]) : "";
    const jumbo = text !== "" && !message.reply_to && isEmojiOnly(text);
    const kinds = [
      message.type === "card.created" ? "card" : "",
      message.type === "sticker" || jumbo ? "bare" : "",
      jumbo ? "jumbo" : "",
      ["image", "video", "location"].includes(message.type) ? "media" : "",
      message.type === "text" && !jumbo ? "flow" : "",
      this.mentionsMe(message) ? "mentioned" : "",
    ];
    return html`<div class="bubble ${kinds.filter(Boolean).join(" ")}" @contextmenu=${this.contextMenu}>
      ${this.quoted(message)} ${contentTemplate(message, this.contentHost)} ${this.meta(message)} ${this.actions(message)}
    </div>`;
  }

  private mentionsMe(message: Message): boolean {
    const mentions = message.mentions ?? [];
    return !message.mine && (mentions.includes(this.client?.party ?? "") || mentions.includes("*"));
  }

  private contextMenu(event: MouseEvent): void {
    // A link's own menu, or that of a selection, stays the browser's.
    const onLink = event.composedPath().some((node) => node instanceof HTMLAnchorElement || node instanceof HTMLInputElement);
    if (this.plain || onLink || !(getSelection()?.isCollapsed ?? true)) return;
    event.preventDefault();
    this.act("menu", event);
  }

  private quoted(message: Message): TemplateResult | typeof nothing {
    if (!message.reply_to || this.quote === undefined) return nothing;
    const { quote } = this;
    if (quote === "loading" || quote === "gone")
      return html`<div class="quote"><span>${quote === "loading" ? this.t("loading") : this.t("quote_gone")}</span></div>`;
    const speaker = { localizer: this.localizer, self: this.client?.party ?? "", nameOf: (party: string) => this.nameOf(party) };
    const name = quote.mine ? this.t("you") : this.nameOf(quote.sender);
    return html`<button type="button" class="quote" title=${this.t("jump_to_quoted")} @click=${(event: Event) => this.act("quote", event)}>
      <strong dir="auto">${name}</strong><span dir="auto">${summaryOf(quote, speaker)}</span>
    </button>`;
  }

  private meta(message: Message): TemplateResult {
    const edited = (message.now?.edited_seq ?? 0) > 0 && !message.gone;
    const pinned = message.now?.pinned === true;
    return html`<span class="meta">
      ${pinned ? html`<span title=${this.t("pinned_message")}>${icon("pin")}<span class="visually-hidden">${this.t("pinned_message")}</span></span>` : nothing}
      ${edited ? html`<span>${this.t("edited")}</span>` : nothing}
      <time datetime=${new Date(message.at_ms || 0).toISOString()} title=${this.localizer.dateTime(message.at_ms)}>${this.localizer.time(message.at_ms)}</time>
      ${message.mine && !this.plain ? this.delivery(message) : nothing}
    </span>`;
  }

  private delivery(message: Message): TemplateResult {
    const [name, key, seen]: [IconName, "sending" | "not_sent" | "read" | "delivered" | "sent", boolean] =
      message.status === "pending" ? ["clock", "sending", false]
      : message.status === "failed" ? ["alert", "not_sent", false]
      : this.direct && this.peerread >= message.seq ? ["checks", "read", true]
      : this.direct && this.peerdelivered >= message.seq ? ["checks", "delivered", false]
      : ["check", "sent", false];
    return html`<span class=${seen ? "seen" : ""} title=${this.t(key)}>${icon(name)}<span class="visually-hidden">${this.t(key)}</span></span>`;
  }

  private actions(message: Message): TemplateResult | typeof nothing {
    if (this.plain || message.status !== "sent") return nothing;
    const button = (action: MessageAction, name: IconName, label: string): TemplateResult =>
      html`<button type="button" class="icon-button" tabindex="-1" aria-label=${label} title=${label}
        aria-haspopup=${action === "menu" ? "menu" : nothing} @click=${(event: Event) => this.act(action, event)}>${icon(name)}</button>`;
    return html`<div class="actions" role="group" aria-label=${this.t("message_actions")}>
      ${button("pick_reaction", "smile_plus", this.t("react"))} ${button("reply", "reply", this.t("reply"))}
      ${this.inthread || message.thread ? nothing : button("thread", "thread", this.t("reply_in_thread"))}
      ${button("menu", "dots", this.t("more"))}
    </div>`;
  }

  private reactions(message: Message): TemplateResult | typeof nothing {
    const found = Object.entries(message.now?.reactions ?? {}).filter(([, parties]) => parties.length > 0);
    if (found.length === 0 || message.gone) return nothing;
    const self = this.client?.party ?? "";
    return html`<div class="reactions">
      ${found.map(([key, parties]) => {
        const mine = parties.includes(self);
        const names = this.localizer.list(parties.slice(0, 8).map((party) => (party === self ? this.t("you") : this.nameOf(party))));
        const label = this.t("reacted_by", { key, names });
        return html`<button type="button" class="reaction" aria-pressed=${String(mine)} title=${label} ?disabled=${this.plain}
          @click=${(event: Event) => this.act(mine ? "unreact" : "react", event, key)}>
          <span class="key">${key}</span><span>${this.localizer.number(parties.length)}</span><span class="visually-hidden">${names}</span>
        </button>`;
      })}
    </div>`;
  }

  private thread(message: Message): TemplateResult | typeof nothing {
    const replies = message.now?.replies ?? 0;
    if (this.inthread || this.plain || replies <= 0) return nothing;
    const last = message.now?.last_reply_at_ms ?? 0;
    return html`<button type="button" class="replies" @click=${(event: Event) => this.act("thread", event)}>
      ${icon("thread", "small")}<strong>${this.t("replies", { count: replies })}</strong>
      ${last > 0 ? html`<span>${this.t("last_reply", { when: this.localizer.recent(last) })}</span>` : nothing}
    </button>`;
  }

  private below(message: Message): TemplateResult | typeof nothing {
    if (message.status === "failed")
      return html`<div class="failed" role="group">
        <span class="why">${icon("alert", "small")}${message.error === undefined
          ? this.t("not_sent")
          : this.t("not_sent_because", { reason: this.explain(message.error) })}</span>
        <button type="button" @click=${(event: Event) => this.act("retry", event)}>${this.t("send_again")}</button>
        <button type="button" @click=${(event: Event) => this.act("discard", event)}>${this.t("discard")}</button>
      </div>`;
    if (this.readers < 0 || this.direct || message.gone) return nothing;
    return html`<button type="button" class="readers" @click=${(event: Event) => this.act("readers", event)}>
      ${this.readers === 0 ? this.t("sent") : this.t("read_by", { count: this.readers })}
    </button>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-message": TlMessage;
  }
}
