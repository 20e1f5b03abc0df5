/**
 * `<tl-room-host>`: for those who run a room: quieten, announce, ask, put out, and the counters.
 *
 * The counters are pushed by the server about once a second (`room.stats`).
 */

import { css, html, nothing, svg, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { RoomApi, RoomState, RoomStats } from "@trunkline/core";

import { buttonStyles, fieldStyles, icon, stateStyles, TlElement } from "../base/index.js";
import { Rates, type RoomRates } from "./rates.js";
import "./words.js";

const SLOW_S = [0, 3, 10, 30, 60];
const MINUTE = 60;
const ANSWER_MS = 20_000;

interface Named {
  party: string;
  muted_until_ms?: number;
  banned_until_ms?: number;
}

@customElement("tl-room-host")
export class TlRoomHost extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    stateStyles,
    css`
      :host {
        flex: 1;
        min-block-size: 0;
        overflow-y: auto;
        padding: var(--tl-space-4);
      }
      section + section {
        margin-block-start: var(--tl-space-5);
        padding-block-start: var(--tl-space-5);
        border-block-start: 1px solid var(--tl-line);
      }
      h3 {
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
        margin-block-end: var(--tl-space-3);
      }
      .row {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--tl-space-3);
        min-block-size: var(--tl-touch);
      }
      .row select {
        inline-size: auto;
      }
      form {
        display: grid;
        gap: var(--tl-space-2);
      }
      form .button {
        justify-self: end;
      }
      .option {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
      }
      .figures {
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        gap: var(--tl-space-3);
      }
      .figures dt {
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
      .figures dd {
        font-size: var(--tl-size-4);
        font-weight: var(--tl-weight-bold);
        font-variant-numeric: tabular-nums;
      }
      .spark {
        inline-size: 100%;
        block-size: 44px;
        margin-block: var(--tl-space-3);
      }
      .spark path {
        fill: var(--tl-accent-soft);
        stroke: var(--tl-accent);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .reasons {
        display: grid;
        gap: var(--tl-space-1);
        font-size: var(--tl-size-2);
      }
      .reasons li,
      .people li {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--tl-space-2);
      }
      .reasons b {
        font-variant-numeric: tabular-nums;
      }
      .people li {
        min-block-size: var(--tl-touch);
        font-size: var(--tl-size-2);
      }
      .people small {
        display: block;
        color: var(--tl-text-2);
        font-size: var(--tl-size-1);
      }
      .quiet-text {
        color: var(--tl-text-2);
        font-size: var(--tl-size-2);
      }
    `,
  ];

  @property({ attribute: false }) room: RoomApi | undefined;
  @property({ attribute: false }) view: RoomState | undefined;
  /** A new list of lines may mean new people; only its identity is used. */
  @property({ attribute: false }) lines: readonly unknown[] = [];
  @state() private people: readonly Named[] = [];
  @state() private failed = "";
  @state() private done = "";
  @state() private rates: RoomRates | undefined;
  @state() private options = 2;
  @state() private asked: { quiz: string; question: number } | undefined;
  @query("#quiz") private form!: HTMLFormElement;
  private readonly follows = new Rates();
  private readonly history: number[] = [];
  private counted: RoomStats | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("room")) void this.load();
    const stats = this.view?.stats ?? null;
    if (stats === null || stats === this.counted) return;
    this.counted = stats;
    this.rates = this.follows.take(stats, performance.now());
    this.history.push(this.rates.received_per_s);
    if (this.history.length > MINUTE) this.history.shift();
  }

  private async load(): Promise<void> {
    const conversation = this.room?.conversation;
    if (conversation === undefined || this.client === undefined) return;
    try {
      const { parties } = await this.client.call("room.named", { conversation });
      const now_ms = Date.now();
      this.people = (parties as Named[]).filter((p) => (p.muted_until_ms ?? 0) > now_ms || (p.banned_until_ms ?? 0) > now_ms);
    } catch (error) {
      this.failed = this.explain(error);
    }
  }

  override render(): TemplateResult {
    const view = this.view?.view;
    const runs = this.view?.role === "host" || this.view?.role === "co-host";
    return html`
      ${this.failed ? html`<div class="notice" role="alert">${icon("alert", "small")}<span>${this.failed}</span></div>` : nothing}
      <div class="visually-hidden" role="status">${this.done}</div>
      ${runs
        ? html`<section>
            <div class="row">
              <span id="all">${this.t("live_mute_all")}</span>
              <button class="switch" type="button" role="switch" aria-labelledby="all" aria-checked=${Boolean(view?.muted_all)}
                @click=${() => this.configure({ muted_all: !view?.muted_all })}></button>
            </div>
            <div class="row">
              <label for="slow">${this.t("live_slow_mode")}</label>
              <select id="slow" class="field" @change=${(event: Event) => this.configure({ slow_mode_ms: 1000 * Number((event.target as HTMLSelectElement).value) })}>
                ${SLOW_S.map((s) => html`<option value=${s} ?selected=${s * 1000 === (view?.slow_mode_ms ?? 0)}>${s === 0 ? this.t("live_slow_off") : this.t("live_slow_s", { count: s })}</option>`)}
              </select>
            </div>
          </section>`
        : nothing}
      <section>
        <form @submit=${this.announce}>
          <label class="label" for="words">${this.t("live_announcement")}</label>
          <input id="words" class="field" name="text" maxlength="500" autocomplete="off" placeholder=${this.t("live_announce_hint")} required />
          <button class="button" type="submit">${icon("megaphone", "small")}${this.t("live_announce")}</button>
        </form>
      </section>
      ${this.counters()} ${runs ? this.quiz() : nothing} ${this.restricted()}
    `;
  }

  private counters(): TemplateResult {
    const { rates } = this;
    const stats = this.view?.stats;
    const rate = (value: number | undefined): string => this.t("live_per_s", { rate: this.localizer.compact(Math.round(value ?? 0)) });
    const figure = (label: string, value: string): TemplateResult => html`<div><dt>${this.t(label)}</dt><dd>${value}</dd></div>`;
    const reasons = Object.entries(rates?.dropped ?? {}).filter(([, count]) => count > 0);
    const refused = Object.entries(rates?.refused ?? {}).filter(([, count]) => count > 0);
    return html`<section aria-label=${this.t("live_counters")}>
      <h3>${this.t("live_counters")}</h3>
      <dl class="figures">
        ${figure("live_online", this.localizer.number(stats?.online ?? this.view?.online ?? 0))}
        ${figure("live_peak", this.localizer.number(stats?.peak ?? 0))}
        ${figure("live_in", rate(rates?.received_per_s))} ${figure("live_out", rate(rates?.sent_per_s))}
        ${figure("live_delivered", rate(rates?.delivered_per_s))} ${figure("live_dropped", rate(rates?.dropped_per_s))}
      </dl>
      <svg class="spark" viewBox="0 0 ${MINUTE - 1} 40" preserveAspectRatio="none" role="img"
        aria-label=${this.t("live_activity", { rate: rate(rates?.received_per_s) })}>${svg`<path d=${this.curve()}></path>`}</svg>
      <ul class="reasons">
        ${reasons.length === 0 ? html`<li class="quiet-text">${this.t("live_nothing_dropped")}</li>` : nothing}
        ${reasons.map(([reason, count]) => html`<li><span>${this.t(`live_drop_${reason}`)}</span><b>${this.localizer.number(count)}</b></li>`)}
        ${refused.map(([reason, count]) => html`<li><span>${this.t("live_refused")}: ${reason}</span><b>${this.localizer.number(count)}</b></li>`)}
      </ul>
    </section>`;
  }

  private curve(): string {
    const top = Math.max(10, ...this.history);
    const first = MINUTE - this.history.length;
    const points = this.history.map((value, index) => `${first + index},${(38 - (36 * value) / top).toFixed(1)}`);
    return points.length === 0 ? "" : `M${first},40 L${points.join(" L")} L${MINUTE - 1},40 Z`;
  }

  private quiz(): TemplateResult {
    return html`<section>
      <h3>${this.t("live_quiz")}</h3>
      <form id="quiz" @submit=${this.ask}>
        <label class="label" for="text">${this.t("live_quiz_text")}</label>
        <input id="text" class="field" name="text" maxlength="200" autocomplete="off" required />
        ${Array.from({ length: this.options }, (_, index) => html`<div class="option">
          <input type="radio" name="correct" value=${index} ?checked=${index === 0} aria-label=${this.t("live_quiz_correct", { number: index + 1 })} />
          <input class="field" name="option" maxlength="80" autocomplete="off" required aria-label=${this.t("live_quiz_option", { number: index + 1 })}
            placeholder=${this.t("live_quiz_option", { number: index + 1 })} />
        </div>`)}
        <div class="row">
          <button class="button quiet" type="button" ?disabled=${this.options >= 4} @click=${() => (this.options += 1)}>${icon("plus", "small")}${this.t("live_quiz_option", { number: this.options + 1 })}</button>
          ${this.asked === undefined ? nothing : html`<button class="button" type="button" @click=${this.close}>${this.t("live_quiz_close")}</button>`}
          <button class="button primary" type="submit">${this.t("live_quiz_ask")}</button>
        </div>
      </form>
    </section>`;
  }

  private restricted(): TemplateResult {
    const client = this.client;
    const conversation = this.room?.conversation ?? "";
    return html`<section>
      <h3>${this.t("live_restricted")}</h3>
      <ul class="people">
        ${this.people.length === 0 ? html`<li class="quiet-text">${this.t("live_people_none")}</li>` : nothing}
        ${this.people.map((person) => {
          const banned = (person.banned_until_ms ?? 0) > Date.now();
          const parties = [person.party];
          const lift = (): void => void this.run(
            client?.call(banned ? "room.ban" : "room.mute", { conversation, parties, until_ms: 0 }),
          ).then(() => this.load());
          return html`<li>
            <span>${this.nameOf(person.party)}<small>${banned ? this.t("live_banned") : this.t("live_muted_until", { when: this.localizer.time(person.muted_until_ms ?? 0) })}</small></span>
            <button class="button" type="button" @click=${lift}>${this.t(banned ? "live_unban" : "live_unmute")}</button>
          </li>`;
        })}
      </ul>
    </section>`;
  }

  private configure(settings: { muted_all?: boolean; slow_mode_ms?: number }): void {
    void this.run(this.client?.call("room.configure", { conversation: this.room?.conversation ?? "", ...settings }));
  }

  private readonly announce = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const text = String(new FormData(form).get("text") ?? "").trim();
    if (text) void this.run(this.room?.announce(text)).then((ok) => ok && form.reset());
  };

  private readonly ask = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(this.form);
    void this.run(this.put(String(data.get("text")), data.getAll("option").map(String), Number(data.get("correct") ?? 0))).then((ok) => {
      if (!ok) return;
      this.form.reset();
      this.options = 2;
    });
  };

  /** Ask the next question of the room's quiz; begin one where there is none. */
  private async put(text: string, options: string[], correct: number): Promise<void> {
    const conversation = this.room?.conversation ?? "";
    const client = this.client;
    if (client === undefined) return;
    const found = (await client.request("quiz.get", { conversation }).catch(() => undefined)) as
      | { quiz: string; questions: number; ended?: boolean }
      | undefined;
    let [quiz, number] = [found?.quiz ?? "", found?.questions ?? 0];
    if (found === undefined || found.ended) {
      [quiz, number] = [`q${Date.now().toString(36)}`, 0];
      await client.request("quiz.create", { conversation, quiz, title: this.t("live_quiz"), rules: { elimination: false } });
    }
    await client.request("quiz.ask", { conversation, quiz, question: number + 1, text, options, correct: [correct], answer_ms: ANSWER_MS });
    this.asked = { quiz, question: number + 1 };
  }

  private readonly close = (): void => {
    const { asked } = this;
    this.asked = undefined;
    if (asked) void this.run(this.client?.request("quiz.close", { conversation: this.room?.conversation ?? "", ...asked }));
  };

  private async run(work: Promise<unknown> | undefined): Promise<boolean> {
    this.failed = "";
    try {
      await work;
      this.done = this.t("live_done");
      return true;
    } catch (error) {
      this.failed = this.t("failed_because", { reason: this.explain(error) });
      return false;
    }
  }
}
