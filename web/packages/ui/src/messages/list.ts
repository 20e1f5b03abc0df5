/**
 * `<tl-message-list>`: the messages of a conversation or a thread, however many there are.
 *
 * It keeps a window of the client on the log, draws what is in sight, loads more at the edges, and moves the focus. Not here:
 * how a message looks (`message.ts`) and what its neighbours make of it (`row.ts`), how a hundred thousand rows scroll
 * (`virtual.ts`), what is marked as read (`reading.ts`), what people do with messages (`acting.ts`).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { ClientApi, Conversation, Message, MessageWindow, WindowState } from "@trunkline/core";

import { TlElement } from "../base/element.js";
import { styled } from "../base/styled.js";
import "../base/dialog.js";
import type { TlConfirm, TlDialog } from "../base/dialog.js";
import "../base/menu.js";
import type { TlMenu } from "../base/menu.js";
import "../composer/emoji-picker.js";
import type { TlEmojiPicker } from "../composer/emoji-picker.js";
import { buttonStyles, stateStyles } from "../theme/base.js";
import { Acting } from "./acting.js";
import { dialogBody, dialogHeading, type ListDialog } from "./dialogs.js";
import { estimate } from "./estimate.js";
import { listStyles } from "./list-styles.js";
import "./message.js";
import { opensMenu, rowAfterKey } from "./keys.js";
import { newest, Reading } from "./reading.js";
import { rowTemplate, type Rows } from "./row.js";
import { failure, jumpButtons, nothingYet, skeleton } from "./states.js";
import type { MessageActionDetail, Quote } from "./message.js";
import { isShown, summaryOf, type Speaker } from "./summary.js";
import { Virtual } from "./virtual.js";

/** When this near to an edge of what is loaded, more is. */
const NEAR_EDGE_PX = 900;

/**
 * A list of messages.
 *
 * @fires tl-reply - `{message}`: somebody wants to answer a message.
 * @fires tl-edit - `{message}`: somebody wants to change a message of theirs.
 * @fires tl-forward - `{messages}`: somebody wants to forward.
 * @fires tl-open-thread - `{conversation, thread}`.
 * @fires tl-open-profile - `{party}`.
 */
@customElement("tl-message-list")
export class TlMessageList extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, stateStyles, listStyles];

  /** The conversation: its id, or a party for a direct one. */
  @property() conversation = "";
  /** Only the replies to this message. */
  @property({ type: Number }) thread = 0;
  /** Do not tell the server what was seen. */
  @property({ type: Boolean, attribute: "no-read" }) noRead = false;
  /** How many messages are kept in memory; further ones are loaded again when they come into sight. */
  @property({ type: Number }) max = 600;

  @state() private view: WindowState | undefined;
  @state() private newBelow = 0;
  @state() private focusKey = "";
  @state() private flashKey = "";
  @state() private announcement = "";
  @state() private dialog: ListDialog | undefined;
  @state() private readers: { key: string; count: number } | undefined;

  @query("tl-dialog") private readonly dialogElement!: TlDialog;
  @query("tl-menu") private readonly menu!: TlMenu;
  @query("tl-confirm") private readonly confirmElement!: TlConfirm;
  @query("tl-emoji-picker") private readonly picker!: TlEmojiPicker;

  private readonly reading = new Reading(this.reader());
  private readonly acting = new Acting(this.stage());
  private readonly virtual = new Virtual<Message>(this, { estimate, scrolled: () => this.scrolled() });
  private opened: { client: ClientApi; conversation: string; thread: number; window: MessageWindow; stop: () => void } | undefined;
  private items: readonly Message[] = [];
  private shownFrom: readonly Message[] | undefined;
  private readonly quotes = new Map<number, Quote>();
  private readonly fresh = new Set<string>();
  /** Up to where it was read when the list was opened: the line of what is new. */
  private readAtOpening = -1;
  private unreadAtOpening = 0;
  /** The window told what it has. */
  private ready = false;
  private positioned = false;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** Whether the newest message is in sight. */
  get atEnd(): boolean {
    return this.virtual.atEnd && (this.view?.at_end ?? true);
  }

  /** My newest text here that can still be changed. */
  get lastOwnText(): Message | undefined {
    return newest(this.items, (item) => item.mine && item.type === "text" && item.status === "sent" && item.gone === "");
  }

  /** Bring a message into sight, loading what is around it. False: it cannot be seen. */
  async show(seq: number): Promise<boolean> {
    const found = (): Message | undefined => this.items.find((item) => item.seq === seq);
    if (found() === undefined) {
      const ok = await this.opened?.window.loadAround(seq);
      if (!ok) return false;
      this.take();
    }
    const message = found();
    if (message === undefined) return false;
    this.virtual.show(message.key);
    this.flashKey = message.key;
    this.focusKey = message.key;
    this.later("flash", 1700, () => (this.flashKey = ""));
    return true;
  }

  /** Go to the newest message. */
  async toEnd(): Promise<void> {
    if (this.view?.at_end === false) await this.opened?.window.toLatest();
    this.newBelow = 0;
    this.virtual.toEnd();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.reading.seen);
    this.addEventListener("tl-open-image", this.openImage as EventListener);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.reading.seen);
    this.closeWindow();
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private later(name: string, after_ms: number, run: () => void): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(run, after_ms));
  }

  // ------------------------------------------------------------ the window

  private closeWindow(): void {
    this.opened?.stop();
    this.opened?.window.close();
    this.opened = undefined;
    this.items = [];
    this.shownFrom = undefined;
    this.view = undefined;
    this.positioned = this.ready = false;
    this.readAtOpening = -1;
    this.newBelow = 0;
    this.readers = undefined;
    this.quotes.clear();
    this.fresh.clear();
    this.virtual.setRows([]);
    this.virtual.toEnd();
  }

  protected override willUpdate(): void {
    const { client, conversation, thread, opened } = this;
    if (opened !== undefined && (opened.client !== client || opened.conversation !== conversation || opened.thread !== thread)) this.closeWindow();
    if (this.opened === undefined && client !== undefined && conversation !== "" && this.isConnected) {
      const window = client.messages(conversation, thread > 0 ? { thread, max: this.max } : { max: this.max });
      const stops = [window.subscribe(() => this.take())];
      stops.push(client.on("cursor", (cursor) => cursor.conversation === window.conversation && this.later("readers", 500, this.reading.askReaders)));
      this.opened = { client, conversation, thread, window, stop: () => stops.forEach((stop) => stop()) };
      const ready = (): void => {
        if (this.opened?.window !== window) return;
        this.ready = true;
        this.take();
      };
      void window.ready.then(ready, ready);
      this.take();
    }
  }

  private take(): void {
    const window = this.opened?.window;
    if (window === undefined) return;
    const view = window.get();
    const before = this.view;
    this.view = view;
    if (view.items !== this.shownFrom) {
      this.shownFrom = view.items;
      const items = view.items.filter(isShown);
      this.arrived(before, items);
      this.items = items;
      this.virtual.setRows(items);
    }
    if (!this.positioned && (this.items.length > 0 || (this.ready && view.loading === ""))) this.position();
    this.requestUpdate();
  }

  private get about(): Conversation | undefined {
    return this.watch("conversation", (client) => client.conversations.one(this.conversation));
  }

  /** Where a list begins: at the first unread message, if there is one, else at the end. */
  private position(): void {
    const about = this.client?.conversations.one(this.conversation).get();
    this.positioned = true;
    if (this.thread > 0 || about === undefined) return;
    this.readAtOpening = about.unread > 0 ? about.read : -1;
    this.unreadAtOpening = about.unread;
    const first = this.firstUnread();
    if (first !== undefined && about.unread > 3) this.virtual.show(first.key, 96);
  }

  private firstUnread(): Message | undefined {
    if (this.readAtOpening < 0) return undefined;
    const first = this.items.find((item) => item.seq > this.readAtOpening && item.message && !item.mine);
    // When what is unread begins before the window, its first message is not the first unread one.
    return first !== undefined && (first !== this.items[0] || this.view?.at_start) ? first : undefined;
  }

  /** New messages at the end: count those out of sight, announce those of others. */
  private arrived(before: WindowState | undefined, items: readonly Message[]): void {
    const lastKey = this.items.at(-1)?.key;
    if (before === undefined || lastKey === undefined || !before.at_end) return;
    let at = items.length - 1;
    const added: Message[] = [];
    while (at >= 0 && items[at]?.key !== lastKey && added.length < 50) added.unshift(items[at--] as Message);
    if (at < 0 || added.length === 0 || added.length >= 50) return;
    if (added.length <= 3) for (const message of added) this.fresh.add(message.key);
    if (added.some((message) => message.mine && message.status === "pending")) void this.toEnd();
    const others = added.filter((message) => !message.mine && message.message);
    if (others.length === 0) return;
    if (!this.atEnd) this.newBelow += others.length;
    const last = others.at(-1) as Message;
    const text = this.t("new_message_from", { name: this.nameOf(last.sender), text: summaryOf(last, this.speaker) });
    this.later("announce", 400, () => (this.announcement = text));
  }

  private get speaker(): Speaker {
    return { localizer: this.localizer, self: this.client?.party ?? "", nameOf: (party) => this.nameOf(party) };
  }

  // ------------------------------------------------------------ scrolling

  private scrolled(): void {
    const { view, opened } = this;
    if (view === undefined || opened === undefined) return;
    const { before, after } = this.virtual.distances();
    if (before < NEAR_EDGE_PX && !view.at_start && view.loading === "" && view.error === undefined) void opened.window.loadBefore(60);
    else if (after < NEAR_EDGE_PX && !view.at_end && view.loading === "" && view.error === undefined) void opened.window.loadAfter(60);
    if (this.atEnd && this.newBelow > 0) this.newBelow = 0;
    this.later("seen", 250, this.reading.seen);
  }

  // ------------------------------------------------------------ what people do

  private openImage = (event: CustomEvent<{ address: string; alt: string }>): void => {
    event.stopPropagation();
    this.dialog = { kind: "image", ...event.detail };
    void this.dialogElement.show();
  };

  private onAction(event: CustomEvent<MessageActionDetail>): void {
    if (this.client !== undefined) event.stopPropagation();
    void this.acting.act(event.detail);
  }

  /** What marking as read needs of this list. */
  private reader(): ConstructorParameters<typeof Reading>[0] {
    const list = this;
    return {
      get client() { return list.client; },
      get conversation() { return list.conversation; },
      get thread() { return list.thread; },
      get noRead() { return list.noRead; },
      get atEnd() { return list.atEnd; },
      get openId() { return list.opened?.window.conversation; },
      get items() { return list.items; },
      inSight: () => list.virtual.inSight(),
      checkVisibility: () => list.checkVisibility(),
      readers: (key, count) => (list.readers = { key, count }),
    };
  }

  /** What acting on messages needs of this list. */
  private stage(): ConstructorParameters<typeof Acting>[0] {
    const list = this;
    return {
      get client() { return list.client; },
      get conversation() { return list.conversation; },
      get thread() { return list.thread; },
      get element() { return list; },
      get menu() { return list.menu; },
      get picker() { return list.picker; },
      get confirm() { return list.confirmElement; },
      get dialog() { return list.dialogElement; },
      get shown() { return list.dialog; },
      set shown(dialog) { list.dialog = dialog; },
      show: (seq) => list.show(seq),
      emit: (type, detail) => void list.emit(type, detail),
      t: (key) => list.t(key),
      failed: (error) => {
        list.announcement = list.t("failed_because", { reason: list.explain(error) });
        list.emit("tl-error", { error });
      },
    };
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.composedPath()[0];
    const on = target instanceof HTMLElement && target.localName === "tl-message" ? target : undefined;
    const feed = target === event.currentTarget;
    if (on === undefined && !feed) return;
    const at = this.virtual.indexOf(this.focusKey);
    const { first, end } = this.virtual.inSight();
    const next = rowAfterKey(event.key, { at, first, end, count: this.items.length });
    if (next !== undefined) {
      event.preventDefault();
      void this.focusRow(next, event.key);
      return;
    }
    const message = this.items[at];
    if (on === undefined || !opensMenu(event)) return;
    event.preventDefault();
    if (message !== undefined) void this.acting.openMenu(message, on);
  }

  private async focusRow(index: number, key: string): Promise<void> {
    const message = this.items[index];
    if (message === undefined) return;
    this.focusKey = message.key;
    const find = (): HTMLElement | null => this.renderRoot.querySelector<HTMLElement>(`tl-message[data-key="${CSS.escape(message.key)}"]`);
    if (find() === null) {
      this.virtual.show(message.key, key === "Home" || key === "PageUp" || key === "ArrowUp" ? 40 : this.clientHeight - 160);
      await this.updateComplete;
    }
    await this.updateComplete;
    const row = find();
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  // ------------------------------------------------------------ drawing

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    const scroller = this.renderRoot.querySelector<HTMLElement>(".scroller");
    if (scroller !== null) {
      this.virtual.attach(scroller);
      this.virtual.track(scroller.querySelectorAll("tl-message"));
    }
    if (changed.has("view")) {
      this.later("readers", 500, this.reading.askReaders);
      this.later("seen", 250, this.reading.seen);
    }
  }

  private quoteOf(message: Message): Quote | undefined {
    const seq = message.reply_to ?? 0;
    if (seq === 0 || message.gone) return undefined;
    const known = this.quotes.get(seq);
    if (known !== undefined) return known;
    this.quotes.set(seq, "loading");
    void this.opened?.window.find(seq).then(
      (found) => {
        this.quotes.set(seq, found ?? "gone");
        this.requestUpdate();
      },
      () => this.quotes.delete(seq),
    );
    return this.quotes.get(seq);
  }

  protected override render(): TemplateResult {
    const { view } = this;
    const about = this.about;
    const label = about?.name ? this.t("messages", { name: about.name }) : this.t("messages_unnamed");
    let content: TemplateResult;
    if (view?.error !== undefined && this.items.length === 0) content = this.failure();
    else if (view === undefined || (this.items.length === 0 && (view.loading !== "" || !this.positioned))) content = skeleton(this.localizer);
    else if (this.items.length === 0) content = nothingYet(this.localizer, this.thread > 0);
    else content = this.rows(about);
    return html`<div
        class="scroller scroll"
        role=${this.items.length > 0 ? "feed" : "group"}
        tabindex=${this.virtual.indexOf(this.focusKey) >= 0 && this.focusInRange() ? -1 : 0}
        aria-label=${label}
        aria-busy=${String(view === undefined || view.loading !== "")}
        @keydown=${this.onKey}
        @tl-message-action=${this.onAction}
      >
        ${content}
      </div>
      ${this.jumps(about)}
      <div class="visually-hidden" role="status" aria-live="polite">${this.announcement}</div>
      <tl-menu></tl-menu><tl-emoji-picker popup></tl-emoji-picker><tl-confirm></tl-confirm>
      <tl-dialog class=${this.dialog?.kind ?? ""} heading=${dialogHeading(this.dialog, this.localizer)} @tl-dialog-closed=${() => (this.dialog = undefined)}>${dialogBody(this.dialog, {
        localizer: this.localizer,
        profileOf: (party) => this.profileOf(party),
        open: (message) => (this.dialog = { kind: "forwarded", message }),
      })}</tl-dialog>`;
  }

  private focusInRange(): boolean {
    const at = this.virtual.indexOf(this.focusKey);
    const { first, end } = this.virtual.window();
    return at >= first && at < end;
  }

  private rows(about: Conversation | undefined): TemplateResult {
    const { first, end, before, after } = this.virtual.window();
    const { items, view, localizer, speaker, conversation, thread, focusKey, flashKey, fresh, readers } = this;
    const rows: Rows = {
      items, about, view, localizer, speaker, conversation, thread, focusKey, flashKey, fresh, readers,
      firstUnread: this.firstUnread(),
      quoteOf: (message) => this.quoteOf(message),
      focused: (key) => (this.focusKey = key),
    };
    const drawn = Array.from({ length: end - first }, (_, at) => first + at);
    return html`
      ${this.view?.loading === "before" && before < 200 ? html`<div class="edge"><div class="spinner"></div></div>` : nothing}
      <div class="space before" ${styled({ "block-size": `${before}px` })}></div>
      ${repeat(drawn, (at) => this.items[at]?.key, (at) => rowTemplate(at, rows))}
      <div class="space" ${styled({ "block-size": `${after}px` })}></div>
      ${this.view?.loading === "after" ? html`<div class="edge"><div class="spinner"></div></div>` : nothing}
      ${this.view?.error !== undefined ? html`<div class="edge">${this.failure()}</div>` : nothing}
      <div class="tail"></div>`;
  }

  private jumps(about: Conversation | undefined): TemplateResult | typeof nothing {
    const above = this.readAtOpening >= 0 && this.thread === 0 && this.items.length > 0 && this.unreadAbove();
    const away = this.items.length > 0 && !this.atEnd;
    return jumpButtons(this.localizer, {
      above: above ? this.unreadAtOpening : 0,
      toUnread: () => void this.jumpToUnread(),
      away,
      below: this.newBelow || (this.view?.at_end === false ? (about?.unread ?? 0) : 0),
      toEnd: () => void this.toEnd(),
    });
  }

  private unreadAbove(): boolean {
    const first = this.firstUnread();
    if (first === undefined) return (this.items[0]?.seq ?? 0) > this.readAtOpening + 1 && this.view?.at_start === false;
    return this.virtual.indexOf(first.key) < this.virtual.inSight().first && this.unreadAtOpening > 3;
  }

  private async jumpToUnread(): Promise<void> {
    await this.show((this.firstUnread()?.seq ?? this.readAtOpening + 1) || 1);
    this.readAtOpening = this.firstUnread() === undefined ? -1 : this.readAtOpening;
  }

  private failure(): TemplateResult {
    const window = this.opened?.window;
    const why = this.view?.error === undefined ? "" : this.explain(this.view.error);
    return failure(this.localizer, why, () => void (this.items.length === 0 ? window?.toLatest() : window?.loadBefore()));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-message-list": TlMessageList;
  }
}
