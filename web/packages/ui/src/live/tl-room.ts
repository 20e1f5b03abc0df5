/**
 * `<tl-room conversation="r.show">`: a live room. The picture (slot `stage`), flying comments, gifts, likes,
 * announcements, the quiz, the comments beside it, and what hosts need.
 *
 * It joins when it has a client and a conversation, and leaves when it leaves the page. Not here: the parts
 * (`tl-room-feed`, `tl-room-bar`, `tl-room-host`, `tl-quiz`), where comments fly (`danmaku.ts`).
 *
 * Events: `tl-room-ended` (detail: the reason), `tl-gift` before a gift is sent (detail: gift, quantity; cancel it to
 * charge first and send it yourself).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { ClientApi, RoomApi, RoomMessage, RoomState } from "@trunkline/core";

import { buttonStyles, icon, rove, safeLink, stateStyles, TlElement } from "../base/index.js";
import { COMBO_MS, GiftBook, type Combo } from "./combos.js";
import { DanmakuLayer } from "./danmaku.js";
import { Feed } from "./feed.js";
import { giftName, giftPicture, GIFTS, type GiftKind } from "./gifts.js";
import { advance, chosen, NO_QUIZ, type QuizState } from "./quiz.js";
import { roomStyles } from "./room-styles.js";
import "./tl-quiz.js";
import "./tl-room-bar.js";
import "./tl-room-feed.js";
import "./tl-room-host.js";
import "./words.js";

/** How often the side is drawn again, however much comes. */
const FLUSH_MS = 250;
/** Comments per drawing of the list: nobody reads more. */
const SAMPLES = 12;
const BANNERS = 3;
const HOSTS = new Set(["host", "co-host", "moderator"]);

@customElement("tl-room")
export class TlRoom extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, stateStyles, roomStyles];

  /** The room's id. */
  @property() conversation = "";
  /** What may be given; amounts in the app's smallest unit. */
  @property({ attribute: false }) gifts: readonly GiftKind[] = GIFTS;
  /** How an amount is written; coins by default. */
  @property({ attribute: false }) money: ((amount: number) => string) | undefined;

  @state() private room: RoomApi | undefined;
  @state() private view: RoomState | undefined;
  @state() private problem = "";
  @state() private tab: "feed" | "host" = "feed";
  @state() private banners: readonly Combo[] = [];
  @state() private announcement: RoomMessage | undefined;
  @state() private quiz: QuizState = NO_QUIZ;
  @state() private quiz_closes_ms = 0;
  @state() private quiz_hidden = false;
  @state() private flying = true;
  @state() private lines: Feed["lines"] = [];
  @query("canvas") private canvas!: HTMLCanvasElement;

  private feed = new Feed();
  private book = new GiftBook();
  private ends: (() => void)[] = [];
  private layer: DanmakuLayer | undefined;
  private joined_for = "";
  private waiting: RoomMessage[] = [];
  private samples = 0;
  private flush_timer: ReturnType<typeof setTimeout> | undefined;
  private banner_timer: ReturnType<typeof setTimeout> | undefined;
  private readonly sizes = new ResizeObserver(() => this.measure());

  override connectedCallback(): void {
    super.connectedCallback();
    this.until(() => this.leave());
  }

  /** The stay, once joined. */
  get stay(): RoomApi | undefined {
    return this.room;
  }

  /** What the layer over the picture does, for measurements and tests. */
  get danmaku(): DanmakuLayer | undefined {
    return this.layer;
  }

  protected override willUpdate(): void {
    const client = this.client;
    const wanted = client !== undefined && this.isConnected ? this.conversation : "";
    if (wanted !== this.joined_for) void this.join(client, wanted);
  }

  protected override firstUpdated(): void {
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.layer = new DanmakuLayer(this.canvas, getComputedStyle(this).fontFamily);
    this.layer.still = calm.matches;
    this.measure();
    if (this.canvas.parentElement !== null) this.sizes.observe(this.canvas.parentElement);
  }

  private measure(): void {
    const box = this.canvas?.parentElement?.getBoundingClientRect();
    if (box !== undefined) this.layer?.resize(box.width, box.height);
  }

  private async join(client: ClientApi | undefined, conversation: string): Promise<void> {
    this.leave(conversation);
    this.problem = "";
    if (client === undefined || !conversation) return;
    try {
      const room = await client.rooms.join(conversation);
      if (this.joined_for === conversation && this.room === undefined) this.begin(client, room);
      else await room.leave();
    } catch (error) {
      if (this.joined_for === conversation) this.problem = this.t("live_join_failed", { reason: this.explain(error) });
    }
  }

  private begin(client: ClientApi, room: RoomApi): void {
    this.room = room;
    this.view = room.get();
    this.ends.push(room.subscribe((view) => this.took(view)), room.onMessages((messages) => this.take(messages)));
    this.take(room.recent, true);
    // A quiz that goes on already; a server without quizzes, or a room without one, has nothing to say.
    client.request("quiz.get", { conversation: room.conversation }).then(
      (found) => this.took_quiz(found as { quiz: string; title: string; ended?: boolean; last?: QuizState["question"]; me?: { choice?: number; right?: number } }),
      () => undefined,
    );
  }

  private took(view: RoomState): void {
    this.view = view;
    if (view.ended) this.emit("tl-room-ended", { reason: view.ended });
  }

  private took_quiz(found: { quiz: string; title: string; ended?: boolean; last?: QuizState["question"]; me?: { choice?: number; right?: number } }): void {
    if (found.ended || !found.last) return;
    const { last, me } = found;
    const { question, quiz } = this.quiz;
    if (question !== undefined) {
      // The room's log told of the question already; it does not know what this party answered.
      if (quiz !== found.quiz || question.question !== last.question) return;
      const choice = this.quiz.choice >= 0 ? this.quiz.choice : (me?.choice ?? -1);
      this.quiz = { ...this.quiz, choice, right: Math.max(this.quiz.right, me?.right ?? 0) };
      return;
    }
    this.quiz = {
      ...NO_QUIZ, quiz: found.quiz, title: found.title, question: last, outcome: last.outcome ?? undefined,
      choice: me?.choice ?? -1, right: me?.right ?? 0,
    };
    this.quiz_closes_ms = last.closes_at_ms;
    this.quiz_hidden = last.outcome !== undefined && last.outcome !== null;
  }

  /** Leave, for another room or for none; nothing of the old one is shown any more. */
  private leave(next = ""): void {
    const room = this.room;
    this.joined_for = next;
    this.room = this.view = this.announcement = undefined;
    this.quiz = NO_QUIZ;
    this.lines = this.banners = [];
    this.feed = new Feed();
    this.book = new GiftBook();
    for (const end of this.ends.splice(0)) end();
    this.layer?.stop();
    clearTimeout(this.flush_timer);
    clearTimeout(this.banner_timer);
    this.flush_timer = undefined;
    this.waiting = [];
    room?.leave().catch(() => undefined);
  }

  // ---------------------------------------------------------------- what comes

  private take(messages: readonly RoomMessage[], earlier = false): void {
    const me = this.client?.party ?? "";
    for (const message of messages) {
      if (message.seq > 0 || message.sender === me || this.samples < SAMPLES) {
        this.waiting.push(message);
        if (message.seq === 0) this.samples += 1;
      }
      if (message.type === "gift") this.took_gift(message);
      else if (message.type === "announcement") this.announcement = message;
      else if (message.type.startsWith("quiz.")) this.took_move(message);
      if (earlier) continue;
      if (message.type === "danmaku" && typeof message.content?.text === "string") {
        const { text, colour = "", lane = "scroll" } = message.content;
        this.layer?.comment({ text, colour, kind: lane, mine: message.sender === me });
      } else if (message.type === "like") this.layer?.like(Number(message.content?.likes) || message.count);
    }
    this.flush_timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    this.flush_timer = undefined;
    this.samples = 0;
    if (this.feed.add(this.waiting.splice(0), this.client?.party ?? "")) this.lines = this.feed.lines;
  }

  private took_gift(message: RoomMessage): void {
    const combo = this.book.take(message);
    if (combo === undefined) return;
    const others = this.banners.filter((banner) => banner.key !== combo.key);
    const known = others.length < this.banners.length;
    // A run that goes on stays where it is; a new one comes in below.
    this.banners = known
      ? this.banners.map((banner) => (banner.key === combo.key ? combo : banner))
      : [...others, combo].slice(-BANNERS);
    this.book.forget(message.at_ms - 2 * COMBO_MS);
    clearTimeout(this.banner_timer);
    this.banner_timer = setTimeout(() => (this.banners = []), COMBO_MS);
  }

  private took_move(message: RoomMessage): void {
    const before = this.quiz;
    this.quiz = advance(before, message);
    if (message.type !== "quiz.asked" || this.quiz === before) return;
    this.quiz_hidden = false;
    // The server's clock and this one differ: what counts is how long it takes.
    const { closes_at_ms = 0 } = message.content ?? {};
    this.quiz_closes_ms = Date.now() + Math.max(0, closes_at_ms - message.at_ms);
  }

  private async answer(choice: number): Promise<void> {
    const { quiz, question } = this.quiz;
    if (question === undefined) return;
    this.quiz = chosen(this.quiz, question.question, choice);
    try {
      await this.client?.request("quiz.answer", { conversation: this.conversation, quiz, question: question.question, choice });
    } catch (error) {
      this.quiz = chosen(this.quiz, question.question, -1);
      this.problem = this.t("live_quiz_failed", { reason: this.explain(error) });
    }
  }

  // ---------------------------------------------------------------- how it looks

  override render(): TemplateResult {
    const { view } = this;
    const hosts = view !== undefined && HOSTS.has(view.role);
    return html`
      <section class="room" aria-label=${view?.view.name || this.t("live_room")}>
        <div class="stage">
          <div class="picture"><slot name="stage"><div class="no-picture"></div></slot></div>
          <div class="shade"></div>
          <canvas aria-hidden="true"></canvas>
          ${view === undefined ? nothing : this.stage(view)} ${this.covered(view)}
        </div>
        <div class="side">
          ${hosts ? this.tabs() : nothing}
          <div
            class="panel"
            role=${hosts ? "tabpanel" : nothing}
            id="panel"
            aria-label=${hosts ? this.t(this.tab === "feed" ? "live_comments" : "live_tools") : nothing}
          >
            ${hosts && this.tab === "host"
              ? html`<tl-room-host .room=${this.room} .view=${view} .lines=${this.lines}></tl-room-host>`
              : html`<tl-room-feed .lines=${this.lines} .room=${this.room} .hosts=${hosts}></tl-room-feed>
                  <tl-room-bar
                    .room=${this.room}
                    .view=${view}
                    .gifts=${this.gifts}
                    .money=${this.money}
                    @tl-bar-problem=${(event: CustomEvent<string>) => (this.problem = event.detail)}
                  ></tl-room-bar>`}
          </div>
          ${this.problem && view !== undefined
            ? html`<div class="notice" role="alert">${icon("alert", "small")}<span>${this.problem}</span></div>`
            : nothing}
        </div>
      </section>
    `;
  }

  private stage(view: RoomState): TemplateResult {
    return html`
      <div class="head">
        <div class="chip">
          <span class="live-dot"></span>
          <h2 class="ellipsis">${view.view.name || this.t("live_room")}</h2>
        </div>
        <div class="chip" title=${this.t("live_watching", { count: view.online })}>
          ${icon("users", "small")}<span aria-hidden="true">${this.localizer.compact(view.online)}</span>
          <span class="visually-hidden">${this.t("live_watching", { count: view.online })}</span>
        </div>
        <span class="grow"></span>
        <button
          class="icon-button"
          type="button"
          aria-pressed=${this.flying}
          aria-label=${this.t(this.flying ? "live_danmaku_hide" : "live_danmaku_show")}
          title=${this.t(this.flying ? "live_danmaku_hide" : "live_danmaku_show")}
          @click=${this.toggle}
        >${icon(this.flying ? "chat" : "block")}</button>
      </div>
      ${this.announcement === undefined ? nothing : this.announced(this.announcement)}
      <div class="combos" role="log" aria-label=${this.t("live_gifts")}>${repeat(this.banners, (combo) => combo.key + combo.began_ms, (combo) => this.banner(combo))}</div>
      ${this.quiz.question !== undefined && !this.quiz_hidden
        ? html`<div class="quiz">
            <tl-quiz
              .quiz=${this.quiz}
              .closes_ms=${this.quiz_closes_ms}
              @tl-quiz-answer=${(event: CustomEvent<number>) => void this.answer(event.detail)}
              @tl-quiz-hide=${() => (this.quiz_hidden = true)}
            ></tl-quiz>
          </div>`
        : nothing}
      <div class="like">
        <button class="icon-button" type="button" aria-label=${this.t("live_like")} @click=${this.like}>${icon("heart")}</button>
        <span aria-label=${this.t("live_likes", { count: view.likes })} role="img">${this.localizer.compact(view.likes)}</span>
      </div>
    `;
  }

  private covered(view: RoomState | undefined): TemplateResult | typeof nothing {
    if (view === undefined) {
      return html`<div class="cover" role="status">
        ${this.problem
          ? html`<p>${this.problem}</p>
              <button class="button" type="button" @click=${this.again}>${this.t("live_rejoin")}</button>`
          : html`<div class="spinner"></div><p>${this.t("live_joining")}</p>`}
      </div>`;
    }
    if (view.ended) {
      const key = `live_ended_${view.ended}`;
      const reason = this.t(key);
      return html`<div class="cover" role="status">
        <h2>${this.t("live_ended")}</h2>
        <p>${reason === key ? view.ended : reason}</p>
        <button class="button" type="button" @click=${this.again}>${this.t("live_rejoin")}</button>
      </div>`;
    }
    if (view.connected) return nothing;
    return html`<div class="cover" role="status"><div class="spinner"></div><p>${this.t("live_reconnecting")}</p></div>`;
  }

  private announced(message: RoomMessage): TemplateResult {
    const { text = "", link } = message.content ?? {};
    const href = safeLink(link);
    return html`<div class="announcement" role="status">
      ${icon("megaphone", "small")}
      <p>${href === undefined ? text : html`<a href=${href} target="_blank" rel="noopener noreferrer">${text}</a>`}</p>
      <button class="icon-button" type="button" aria-label=${this.t("live_announcement_close")} @click=${() => (this.announcement = undefined)}>
        ${icon("close", "small")}
      </button>
    </div>`;
  }

  private banner(combo: Combo): TemplateResult {
    const gift = this.gifts.find(({ id }) => id === combo.gift) ?? combo.gift;
    const name = giftName(gift, (key) => this.t(key));
    const values = { name: this.nameOf(combo.giver), gift: name, other: combo.to && this.nameOf(combo.to) };
    const { avatar } = this.profileOf(combo.giver);
    return html`<div class="combo">
      <tl-avatar name=${values.name} seed=${combo.giver} src=${avatar ?? nothing}></tl-avatar>
      <div>
        <b class="ellipsis">${values.name}</b>
        <small class="ellipsis">${this.t(combo.to ? "live_gift_gave_to" : "live_gift_gave", values)}</small>
      </div>
      ${giftPicture(gift)} ${keyed(combo.count, html`<span class="times"><i>×</i>${this.localizer.number(combo.count)}</span>`)}
    </div>`;
  }

  private tabs(): TemplateResult {
    const tab = (name: "feed" | "host", label: string): TemplateResult => html`<button
      role="tab"
      type="button"
      aria-selected=${this.tab === name}
      aria-controls="panel"
      tabindex=${this.tab === name ? 0 : -1}
      @click=${() => (this.tab = name)}
    >${label}</button>`;
    return html`<div role="tablist" aria-label=${this.t("live_tabs")} @keydown=${(event: KeyboardEvent) => this.move(event)}>
      ${tab("feed", this.t("live_comments"))} ${tab("host", this.t("live_tools"))}
    </div>`;
  }

  private move(event: KeyboardEvent): void {
    const tabs = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=tab]")];
    if (rove(event, tabs, { direction: "horizontal", wrap: true })) tabs.find((tab) => tab.tabIndex === 0)?.click();
  }

  private readonly toggle = (): void => {
    this.flying = !this.flying;
    if (this.layer) this.layer.visible = this.flying;
  };

  private readonly like = (): void => this.room?.like();

  private readonly again = (): void => void this.join(this.client, this.conversation);
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-room": TlRoom;
  }
}
