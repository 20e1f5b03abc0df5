/**
 * `<tl-quiz>`: the open question of a live quiz over the picture, and what came of it.
 *
 * Fires `tl-quiz-answer` (detail: the place of the option) and `tl-quiz-hide`.
 */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { buttonStyles, icon, styled, TlElement } from "../base/index.js";
import { NO_QUIZ, type QuizState } from "./quiz.js";
import "./words.js";

@customElement("tl-quiz")
export class TlQuiz extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      :host {
        inline-size: min(460px, 100%);
        max-block-size: 100%;
        overflow-y: auto;
        border-radius: var(--tl-radius-3);
        background: var(--tl-raised);
        color: var(--tl-text);
        box-shadow: var(--tl-shadow-3);
        padding: var(--tl-space-4);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
      }
      header span:first-of-type {
        flex: 1;
      }
      h3 {
        font-size: var(--tl-size-4);
        margin-block: var(--tl-space-1) var(--tl-space-3);
        overflow-wrap: anywhere;
      }
      .time {
        block-size: 4px;
        border-radius: 2px;
        background: var(--tl-surface-3);
        overflow: hidden;
        margin-block-end: var(--tl-space-3);
      }
      .time span {
        display: block;
        block-size: 100%;
        background: var(--tl-accent);
        transform-origin: left;
      }
      :host(:dir(rtl)) .time span {
        transform-origin: right;
      }
      ul {
        display: grid;
        gap: var(--tl-space-2);
      }
      li button {
        position: relative;
        display: flex;
        align-items: center;
        gap: var(--tl-space-3);
        inline-size: 100%;
        min-block-size: var(--tl-touch);
        padding: var(--tl-space-2) var(--tl-space-4);
        border: 1px solid var(--tl-line-strong);
        border-radius: var(--tl-radius-2);
        overflow: hidden;
        isolation: isolate;
        font-size: var(--tl-size-3);
      }
      li button:not([aria-disabled="true"]):hover {
        border-color: var(--tl-accent);
        background: var(--tl-accent-soft);
      }
      .chosen {
        border-color: var(--tl-accent);
        background: var(--tl-accent-soft);
        font-weight: var(--tl-weight-bold);
      }
      .correct {
        border-color: var(--tl-success);
      }
      .share {
        position: absolute;
        inset-block: 0;
        inset-inline-start: 0;
        background: var(--tl-surface-2);
        z-index: -1;
        transition: inline-size var(--tl-slow) var(--tl-ease);
      }
      .correct .share {
        background: var(--tl-accent-soft-2);
      }
      .label {
        flex: 1;
        margin: 0;
        color: inherit;
        overflow-wrap: anywhere;
      }
      .correct .icon {
        color: var(--tl-success);
      }
      .foot {
        display: flex;
        justify-content: space-between;
        gap: var(--tl-space-3);
        margin-block-start: var(--tl-space-3);
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
      }
      .foot b {
        color: var(--tl-text);
      }
    `,
  ];

  @property({ attribute: false }) quiz: QuizState = NO_QUIZ;
  /** When the question ends, by this device's clock. */
  @property({ attribute: false }) closes_ms = 0;
  @state() private over = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has("closes_ms")) return;
    clearTimeout(this.timer);
    const left_ms = this.closes_ms - Date.now();
    this.over = left_ms <= 0;
    if (left_ms > 0) this.timer = setTimeout(() => (this.over = true), left_ms);
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    if (!changed.has("closes_ms")) return;
    const { question } = this.quiz;
    const bar = this.renderRoot.querySelector<HTMLElement>(".time span");
    if (bar === null || question === undefined) return;
    const whole_ms = Math.max(1, question.closes_at_ms - question.at_ms);
    const left_ms = Math.max(0, this.closes_ms - Date.now());
    bar.animate([{ transform: `scaleX(${Math.min(1, left_ms / whole_ms)})` }, { transform: "scaleX(0)" }], { duration: left_ms, fill: "forwards" });
  }

  override render(): TemplateResult {
    const { question, outcome, choice, title } = this.quiz;
    if (question === undefined) return html``;
    const open = outcome === undefined && !this.over;
    const answers = Math.max(1, outcome?.answered ?? 1);
    return html`
      <header>
        <span>${title ? `${title} · ` : ""}${this.t("live_quiz_question", { number: question.question })}</span>
        <button class="icon-button" type="button" aria-label=${this.t("live_quiz_hide")} @click=${() => this.emit("tl-quiz-hide")}>${icon("close")}</button>
      </header>
      <h3 id="question">${question.text}</h3>
      ${open ? html`<div class="time"><span></span></div>` : nothing}
      <ul aria-labelledby="question">
        ${question.options.map((option, place) => {
          const right = outcome?.correct.includes(place) ?? false;
          const votes = outcome?.tallies[place] ?? 0;
          return html`<li>
            <button
              type="button"
              class="${place === choice ? "chosen" : ""} ${right ? "correct" : ""}"
              aria-pressed=${place === choice}
              aria-disabled=${!open || choice >= 0}
              @click=${() => open && choice < 0 && this.emit("tl-quiz-answer", place)}
            >
              ${outcome === undefined ? nothing : html`<span class="share" ${styled({ "inline-size": `${(100 * votes) / answers}%` })}></span>`}
              <span class="label">${option}</span>
              ${outcome === undefined ? nothing : html`<span>${this.localizer.number(votes)}</span>`} ${right ? icon("check") : nothing}
            </button>
          </li>`;
        })}
      </ul>
      <div class="foot" role="status"><span>${this.word()}</span>${this.quiz.right > 0 ? html`<span>${this.t("live_quiz_score", { right: this.quiz.right })}</span>` : nothing}</div>
    `;
  }

  private word(): TemplateResult | string {
    const { outcome, choice } = this.quiz;
    if (outcome !== undefined) {
      const verdict = choice < 0 ? "live_quiz_missed" : outcome.correct.includes(choice) ? "live_quiz_right" : "live_quiz_wrong";
      return html`<b>${this.t(verdict)}</b> ${this.t("live_quiz_closed", { count: outcome.answered })}`;
    }
    if (choice >= 0) return this.t("live_quiz_answered");
    return this.t(this.over ? "live_quiz_missed" : "live_quiz_answer");
  }
}
