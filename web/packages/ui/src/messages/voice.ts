/** `<tl-voice>`: plays a voice message, with its waveform as the slider. */

import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { TlElement } from "../base/element.js";
import { FileAddresses } from "../base/files.js";
import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import { buttonStyles } from "../theme/base.js";

/** How many bars a waveform is drawn with. */
const BARS = 40;
const SPEEDS = [1, 1.5, 2];
/** Only one voice message speaks at a time. */
let speaking: HTMLAudioElement | undefined;

/** Loudness per bar in 0..1, from any number of values of 0..255. */
export function barsOf(waveform: unknown, bars = BARS): number[] {
  const values = Array.isArray(waveform) ? waveform.map((value) => Math.max(0, Math.min(255, Number(value) || 0))) : [];
  if (values.length === 0) return Array.from({ length: bars }, () => 0.25);
  const peak = Math.max(...values, 1);
  return Array.from({ length: bars }, (_, bar) => {
    const from = Math.floor((bar * values.length) / bars);
    const slice = values.slice(from, Math.max(from + 1, Math.floor(((bar + 1) * values.length) / bars)));
    return Math.max(0.08, Math.max(...slice) / peak);
  });
}

/** A voice message: play, pause, seek with the waveform or the arrow keys, change the speed. */
@customElement("tl-voice")
export class TlVoice extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      :host {
        inline-size: 268px;
        max-inline-size: 100%;
      }
      .player {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
      }
      .icon-button .icon {
        fill: currentColor;
        stroke-width: 2.5;
      }
      .wave {
        position: relative;
        flex: 1;
        min-inline-size: 0;
        block-size: 34px;
        cursor: pointer;
        border-radius: var(--tl-radius-1);
      }
      .bars {
        display: flex;
        align-items: center;
        gap: 2px;
        block-size: 100%;
      }
      .bar {
        flex: 1;
        min-inline-size: 0;
        border-radius: 2px;
        background: currentColor;
        opacity: 0.32;
        transition: opacity var(--tl-fast);
      }
      .bar.played {
        opacity: 1;
        background: var(--tl-accent-text);
      }
      input {
        position: absolute;
        inset: 0;
        inline-size: 100%;
        block-size: 100%;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }
      .wave:has(:focus-visible) {
        outline: 2px solid var(--tl-accent);
        outline-offset: 2px;
      }
      .time {
        font-size: var(--tl-size-1);
        font-variant-numeric: tabular-nums;
        min-inline-size: 4ch;
        text-align: end;
      }
      .speed {
        min-inline-size: 34px;
        min-block-size: 24px;
        border-radius: var(--tl-radius-round);
        font-size: var(--tl-size-1);
        font-weight: var(--tl-weight-bold);
        text-align: center;
        background: var(--tl-surface-2);
        color: var(--tl-text);
      }
    `,
  ];

  /** The content of the message: `{file | url, duration_ms, waveform?}`. */
  @property({ attribute: false }) content: Readonly<Record<string, unknown>> = {};

  @state() private playing = false;
  @state() private position_ms = 0;
  @state() private speed = 1;
  @state() private failed = false;
  private readonly addresses = new FileAddresses(this);
  private audio: HTMLAudioElement | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.audio?.pause();
    this.audio = undefined;
    this.playing = false;
  }

  private get duration_ms(): number {
    const measured = (this.audio?.duration ?? NaN) * 1000;
    return Number.isFinite(measured) ? measured : Number(this.content["duration_ms"]) || 0;
  }

  private player(): HTMLAudioElement | undefined {
    const address = this.addresses.of(this.content);
    if (this.audio === undefined && typeof address === "string") {
      const audio = new Audio(address);
      audio.preload = "metadata";
      audio.addEventListener("timeupdate", () => (this.position_ms = audio.currentTime * 1000));
      audio.addEventListener("play", () => (this.playing = true));
      audio.addEventListener("pause", () => (this.playing = false));
      audio.addEventListener("error", () => (this.failed = true));
      audio.addEventListener("ended", () => (this.position_ms = 0));
      this.audio = audio;
    }
    return this.audio;
  }

  private async toggle(): Promise<void> {
    const audio = this.player();
    if (audio === undefined) return;
    if (!audio.paused) return audio.pause();
    if (speaking !== audio) speaking?.pause();
    speaking = audio;
    audio.playbackRate = this.speed;
    if (this.position_ms > 0) audio.currentTime = this.position_ms / 1000;
    try {
      await audio.play();
    } catch {
      this.failed = true;
    }
  }

  private seek(event: Event): void {
    this.position_ms = Number((event.target as HTMLInputElement).value);
    const audio = this.player();
    if (audio !== undefined) audio.currentTime = this.position_ms / 1000;
  }

  private faster(): void {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length] ?? 1;
    if (this.audio !== undefined) this.audio.playbackRate = this.speed;
  }

  protected override render(): TemplateResult {
    const total = this.duration_ms;
    const played = total > 0 ? this.position_ms / total : 0;
    const address = this.addresses.of(this.content);
    const duration = this.localizer.duration(total);
    return html`<div class="player">
      <button
        type="button"
        class="icon-button primary"
        ?disabled=${typeof address !== "string" || this.failed}
        aria-label=${this.playing ? this.t("pause_voice") : this.t("play_voice", { duration })}
        @click=${this.toggle}
      >
        ${icon(this.playing ? "pause" : this.failed ? "alert" : "play")}
      </button>
      <div class="wave">
        <div class="bars" aria-hidden="true">
          ${barsOf(this.content["waveform"]).map(
            (height, at) =>
              html`<div class="bar ${at / BARS < played ? "played" : ""}" ${styled({ "block-size": `${Math.round(height * 100)}%` })}></div>`,
          )}
        </div>
        <input
          type="range"
          min="0"
          .max=${String(Math.max(1, Math.round(total)))}
          step="100"
          .value=${String(Math.round(this.position_ms))}
          aria-label=${this.t("playback_position")}
          aria-valuetext=${`${this.localizer.duration(this.position_ms)} / ${duration}`}
          @input=${this.seek}
        />
      </div>
      <span class="time">${this.playing || this.position_ms > 0 ? this.localizer.duration(this.position_ms) : duration}</span>
      ${this.playing || this.speed !== 1
        ? html`<button type="button" class="speed" aria-label=${this.t("speed", { speed: this.speed })} @click=${this.faster}>
            ${this.speed}×
          </button>`
        : ""}
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-voice": TlVoice;
  }
}
