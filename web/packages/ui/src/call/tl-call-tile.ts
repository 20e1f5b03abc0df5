/** `<tl-call-tile>`: one picture of a call with its name, microphone, network, hand and reaction. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { Track } from "livekit-client";

import { buttonStyles, icon, TlElement } from "../base/index.js";
import type { CallTile } from "./session.js";
import "./words.js";

const BARS: Record<string, number> = { excellent: 3, good: 2, poor: 1, lost: 0 };

@customElement("tl-call-tile")
export class TlCallTile extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      :host {
        position: relative;
        overflow: hidden;
        border-radius: var(--tl-radius-2);
        background: #1d2825;
        color: #fff;
        container-type: size;
        isolation: isolate;
      }
      :host([speaking])::after {
        content: "";
        position: absolute;
        inset: 0;
        border-radius: inherit;
        box-shadow: inset 0 0 0 3px #5fcdb7;
        pointer-events: none;
      }
      video {
        position: absolute;
        inset: 0;
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
      }
      video.mirrored {
        transform: scaleX(-1);
      }
      video.screen {
        object-fit: contain;
        background: #0b1210;
      }
      .nobody {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
      }
      tl-avatar {
        --tl-avatar-size: min(96px, 40cqmin);
      }
      .name {
        position: absolute;
        inset-block-end: 8px;
        inset-inline-start: 8px;
        max-inline-size: calc(100% - 56px);
        display: flex;
        align-items: center;
        gap: 6px;
        padding: 3px 10px;
        border-radius: var(--tl-radius-round);
        background: rgb(8 16 13 / 0.72);
        font-size: var(--tl-size-1);
        font-weight: var(--tl-weight-medium);
      }
      .name .icon {
        inline-size: 14px;
        block-size: 14px;
      }
      .muted .icon {
        color: #ff9d92;
      }
      .bars {
        position: absolute;
        inset-block-end: 10px;
        inset-inline-end: 10px;
        display: flex;
        align-items: flex-end;
        gap: 2px;
        padding: 4px 5px;
        border-radius: var(--tl-radius-1);
        background: rgb(8 16 13 / 0.6);
      }
      .bars i {
        inline-size: 3px;
        background: rgb(255 255 255 / 0.3);
        border-radius: 1px;
      }
      .bars i:nth-child(1) { block-size: 5px; }
      .bars i:nth-child(2) { block-size: 8px; }
      .bars i:nth-child(3) { block-size: 11px; }
      .bars i.on { background: #6fd28f; }
      .bars.poor i.on { background: #f4bd68; }
      .hand,
      .reaction {
        position: absolute;
        inset-block-start: 8px;
        inset-inline-start: 8px;
        display: grid;
        place-items: center;
        inline-size: 32px;
        block-size: 32px;
        border-radius: 50%;
        background: #f4bd68;
        color: #3a2600;
        animation: pop 240ms var(--tl-ease);
      }
      .reaction {
        inset-inline: 0;
        margin-inline: auto;
        inset-block-start: auto;
        inset-block-end: 20%;
        inline-size: 64px;
        block-size: 64px;
        background: none;
        font-size: 44px;
        font-family: var(--tl-font-emoji);
        line-height: 1;
        animation: rise 3.4s ease-out forwards;
      }
      @keyframes pop {
        from {
          transform: scale(0.3);
        }
      }
      @keyframes rise {
        from {
          transform: translateY(40px) scale(0.4);
          opacity: 0;
        }
        15% {
          transform: translateY(0) scale(1);
          opacity: 1;
        }
        70% {
          opacity: 1;
        }
        to {
          transform: translateY(-60px);
          opacity: 0;
        }
      }
    `,
  ];

  @property({ attribute: false }) tile: CallTile | undefined;
  @query("video") private video!: HTMLVideoElement | null;
  private shown: Track | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.video !== null) this.shown?.detach(this.video);
    this.shown = undefined;
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    this.toggleAttribute("speaking", this.tile?.speaking ?? false);
    const wanted = this.tile?.video;
    if (wanted === this.shown || this.video === null) return;
    wanted?.attach(this.video);
    this.shown = wanted;
  }

  protected override willUpdate(): void {
    // The old track lets go of the element while it is still there: what nobody sees is not sent.
    if (this.shown === undefined || this.shown === this.tile?.video) return;
    if (this.video !== null && this.video !== undefined) this.shown.detach(this.video);
    this.shown = undefined;
  }

  override render(): TemplateResult {
    const { tile } = this;
    if (tile === undefined) return html``;
    const name = this.nameOf(tile.party);
    const { avatar } = this.profileOf(tile.party);
    const label = tile.screen ? this.t("call_screen_of", { name }) : tile.local ? this.t("call_you", { name }) : name;
    const bars = BARS[tile.quality];
    return html`
      ${tile.video === undefined
        ? html`<div class="nobody"><tl-avatar name=${name} seed=${tile.party} src=${avatar ?? nothing}></tl-avatar></div>`
        : html`<video class="${tile.local && !tile.screen ? "mirrored" : ""} ${tile.screen ? "screen" : ""}" autoplay playsinline muted aria-label=${label}></video>`}
      <div class="name ${tile.muted && !tile.screen ? "muted" : ""}">
        ${tile.screen
          ? icon("screen", "small")
          : tile.muted
            ? html`${icon("mic_off", "small")}<span class="visually-hidden">${this.t("call_muted")}</span>`
            : nothing}
        <span class="ellipsis">${label}</span>
      </div>
      ${bars === undefined || tile.screen
        ? nothing
        : html`<div class="bars ${tile.quality}" role="img" aria-label=${this.t(`call_quality_${tile.quality}`)} title=${this.t(`call_quality_${tile.quality}`)}>
            ${[1, 2, 3].map((bar) => html`<i class=${bar <= bars ? "on" : ""}></i>`)}
          </div>`}
      ${tile.hand && !tile.screen ? html`<div class="hand" role="img" aria-label=${this.t("call_hand_up")}>${icon("hand")}</div>` : nothing}
      ${tile.reaction && !tile.screen ? html`<div class="reaction" aria-hidden="true">${tile.reaction}</div>` : nothing}
    `;
  }
}
