/** `<tl-media>`: pictures, films and files of messages. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ref } from "lit/directives/ref.js";

import { decodeBlurhash } from "../base/blurhash.js";
import { TlElement } from "../base/element.js";
import { FileAddresses } from "../base/files.js";
import { icon } from "../base/icons.js";
import { styled } from "../base/styled.js";
import { buttonStyles } from "../theme/base.js";
import { textOf } from "./summary.js";

/** The largest box of a picture in a conversation. */
const MAX_WIDTH = 340;
const MAX_HEIGHT = 320;

/** The size a picture of this size is shown with, in pixels. */
export function boxOf(width: number, height: number): { width: number; height: number } {
  if (!(width > 0 && height > 0)) return { width: 280, height: 200 };
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  return { width: Math.max(96, Math.round(width * scale)), height: Math.max(64, Math.round(height * scale)) };
}

/** A picture, film or file. Fires `tl-open-image {address, alt}` when a picture is opened. */
@customElement("tl-media")
export class TlMedia extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      .frame {
        position: relative;
        overflow: hidden;
        border-radius: var(--tl-media-radius, var(--tl-radius-2));
        background: var(--tl-surface-2);
        max-inline-size: 100%;
      }
      .frame > button {
        display: block;
        inline-size: 100%;
        block-size: 100%;
      }
      .frame > button:focus-visible {
        outline-offset: -3px;
      }
      img,
      video,
      canvas {
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
      }
      canvas {
        position: absolute;
        inset: 0;
      }
      img {
        position: relative;
        animation: show var(--tl-slow);
      }
      @keyframes show {
        from {
          opacity: 0;
        }
      }
      .broken {
        display: grid;
        place-items: center;
        align-content: center;
        gap: var(--tl-space-1);
        block-size: 100%;
        padding: var(--tl-space-3);
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
        text-align: center;
      }
      .play {
        position: absolute;
        inset: 0;
        margin: auto;
        inline-size: 52px;
        block-size: 52px;
        display: grid;
        place-items: center;
        border-radius: 50%;
        background: rgb(0 0 0 / 0.6);
        color: #fff;
      }
      .play .icon {
        fill: currentColor;
        inline-size: 24px;
        block-size: 24px;
        margin-inline-start: 2px;
      }
      .length {
        position: absolute;
        inset-block-end: var(--tl-space-2);
        inset-inline-end: var(--tl-space-2);
        padding: 1px 7px;
        border-radius: var(--tl-radius-round);
        background: rgb(0 0 0 / 0.65);
        color: #fff;
        font-size: var(--tl-size-1);
        font-variant-numeric: tabular-nums;
      }
      .file {
        display: flex;
        align-items: center;
        gap: var(--tl-space-3);
        inline-size: 280px;
        max-inline-size: 100%;
        padding: var(--tl-space-2);
        border-radius: var(--tl-radius-2);
        color: inherit;
        text-decoration: none;
      }
      a.file:hover {
        background: color-mix(in srgb, currentColor 6%, transparent);
      }
      .kind {
        display: grid;
        place-items: center;
        flex: none;
        inline-size: 42px;
        block-size: 46px;
        border-radius: var(--tl-radius-1);
        background: var(--tl-accent);
        color: var(--tl-on-accent);
        font-size: 0.6875rem;
        font-weight: var(--tl-weight-bold);
        letter-spacing: 0.02em;
        text-transform: uppercase;
      }
      .what {
        flex: 1;
        min-inline-size: 0;
      }
      .name {
        display: block;
        font-weight: var(--tl-weight-medium);
        overflow-wrap: anywhere;
        line-height: 1.3;
        max-block-size: 2.6em;
        overflow: hidden;
      }
      .size {
        font-size: var(--tl-size-1);
        opacity: 0.8;
      }
    `,
  ];

  /** `image`, `video` or `file`. */
  @property() type: "image" | "video" | "file" = "image";
  /** The content of the message. */
  @property({ attribute: false }) content: Readonly<Record<string, unknown>> = {};
  /** Who sent it, for the description. */
  @property() from = "";

  @state() private failed = false;
  @state() private playing = false;
  private readonly addresses = new FileAddresses(this);

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("content")) this.failed = false;
  }

  private drawBlur(canvas: Element | undefined): void {
    if (!(canvas instanceof HTMLCanvasElement)) return;
    const pixels = decodeBlurhash(this.content["blurhash"], canvas.width, canvas.height);
    if (pixels !== undefined) canvas.getContext("2d")?.putImageData(new ImageData(pixels, canvas.width), 0, 0);
  }

  private box(): Readonly<Record<string, string>> {
    const { width, height } = boxOf(Number(this.content["width"]), Number(this.content["height"]));
    return { "inline-size": `${width}px`, "aspect-ratio": `${width} / ${height}` };
  }

  private blurred(): TemplateResult | typeof nothing {
    return this.content["blurhash"] === undefined
      ? nothing
      : html`<canvas width="24" height="18" aria-hidden="true" ${ref((canvas) => this.drawBlur(canvas))}></canvas>`;
  }

  private image(): TemplateResult {
    const full = this.addresses.of(this.content);
    const small = this.addresses.of(this.content, "thumbnail") ?? full;
    const alt = textOf(this.content["alt"]) || this.t("image_from", { name: this.from });
    return html`<div class="frame" ${styled(this.box())}>
      ${this.failed || small === null
        ? html`<div class="broken">${icon("image")}<span>${this.t("image_failed")}</span></div>`
        : html`${this.blurred()}
            <button
              type="button"
              aria-label="${this.t("open_image")}: ${alt}"
              @click=${() => typeof full === "string" && this.emit("tl-open-image", { address: full, alt })}
            >
              ${small === undefined
                ? nothing
                : html`<img src=${small} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer"
                    @error=${() => (this.failed = true)} />`}
            </button>`}
    </div>`;
  }

  private video(): TemplateResult {
    const film = this.addresses.of(this.content);
    const poster = this.addresses.of(this.content, "poster");
    const length = Number(this.content["duration_ms"]) || 0;
    return html`<div class="frame" ${styled(this.box())}>
      ${this.failed || film === null
        ? html`<div class="broken">${icon("film")}<span>${this.t("failed")}</span></div>`
        : this.playing && film !== undefined
          ? html`<video src=${film} poster=${poster ?? nothing} controls autoplay playsinline aria-label=${this.t("video")}
              @error=${() => (this.failed = true)}></video>`
          : html`${this.blurred()}
              <button type="button" aria-label="${this.t("play")}: ${this.t("video")} ${this.localizer.duration(length)}"
                @click=${() => (this.playing = true)}>
                ${poster ? html`<img src=${poster} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer" />` : nothing}
                <span class="play">${icon("play")}</span>
                ${length > 0 ? html`<span class="length">${this.localizer.duration(length)}</span>` : nothing}
              </button>`}
    </div>`;
  }

  private file(): TemplateResult {
    const address = this.addresses.of(this.content);
    const name = textOf(this.content["name"]) || this.t("file");
    const ending = /\.([A-Za-z0-9]{1,4})$/.exec(name)?.[1] ?? "";
    const size = Number(this.content["size_bytes"]);
    const shown = html`<span class="kind" aria-hidden="true">${ending || icon("file")}</span>
      <span class="what">
        <span class="visually-hidden">${this.t("download", { name: "" })}</span><span class="name" dir="auto">${name}</span>
        <span class="size">${size > 0 ? this.localizer.size(size) : this.t("file")}</span>
      </span>
      ${icon("download")}`;
    return typeof address === "string"
      ? html`<a class="file" href=${address} download=${name} target="_blank" rel="noopener noreferrer nofollow">${shown}</a>`
      : html`<div class="file">${shown}</div>`;
  }

  protected override render(): TemplateResult {
    return this.type === "image" ? this.image() : this.type === "video" ? this.video() : this.file();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-media": TlMedia;
  }
}
