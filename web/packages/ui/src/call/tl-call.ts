/**
 * `<tl-call conversation="g.team">`: a call or meeting in a conversation, from choosing the camera to leaving.
 *
 * The place in the call comes from the server (`live.join`), media from `livekit-client`. Keys, while the focus is inside
 * and not in a field: M microphone, C camera, H hand, P participants. Not here: the call itself (`session.ts`), devices
 * before it (`preview.ts`), one picture (`tl-call-tile.ts`), how large pictures are (`layout.ts`).
 *
 * Events: `tl-call-joined`, `tl-call-left` (detail: the reason, empty when one left), `tl-call-stats` every second
 * (detail: CallStats).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import { buttonStyles, fieldStyles, icon, placeBeside, stateStyles, styled, TlElement, type IconName } from "../base/index.js";
import { callStyles } from "./call-styles.js";
import { featured, largestGrid } from "./layout.js";
import { Preview } from "./preview.js";
import { deviceProblem, endProblem } from "./problems.js";
import { CallSession, type CallNews, type CallTile, type CallView } from "./session.js";
import { REACTIONS } from "./signals.js";
import "./tl-call-tile.js";
import "./words.js";

const METER_MS = 100;
const SPEAKER_VIEW_STRIP = 12;

@customElement("tl-call")
export class TlCall extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, fieldStyles, stateStyles, callStyles];

  /** The conversation whose live session this is. */
  @property() conversation = "";
  /** Connect here instead of where the server says, such as the page's own origin behind a proxy. */
  @property() url = "";
  /** Ask for the camera; the microphone is always asked for. */
  @property({ type: Boolean, attribute: "audio-only" }) audioOnly = false;
  /** Join at once, without the page that shows the camera. */
  @property({ type: Boolean }) instant = false;

  @state() private phase: "lobby" | "joining" | "in" | "over" = "lobby";
  @state() private view: CallView | undefined;
  @state() private speaker_view = false;
  @state() private people = false;
  @state() private picked = "";
  @state() private problem = "";
  @state() private said = "";
  @state() private size = { width_px: 0, height_px: 0 };
  @query(".looking video") private looking!: HTMLVideoElement | null;
  @query(".reactions") private reactions!: HTMLElement;

  private preview: Preview | undefined;
  private session: CallSession | undefined;
  private meter: ReturnType<typeof setInterval> | undefined;
  private readonly playing = new Map<unknown, HTMLMediaElement>();
  private readonly sizes = new ResizeObserver(([entry]) => {
    const box = entry?.contentRect;
    if (box !== undefined) this.size = { width_px: box.width, height_px: box.height };
  });
  private seen_tiles: Element | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.keyed);
    if (this.phase === "lobby") this.prepare();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.keyed);
    this.close_preview();
    void this.end("");
    this.phase = "lobby";
  }

  /** The session while in a call, for applications that want more of `livekit-client`. */
  get call(): CallSession | undefined {
    return this.session;
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    const video = this.looking;
    const camera = this.preview?.camera;
    if (video !== null && camera !== undefined && !camera.attachedElements.includes(video)) camera.attach(video);
    const tiles = this.renderRoot.querySelector(".tiles") ?? undefined;
    if (tiles !== this.seen_tiles) {
      this.sizes.disconnect();
      if (tiles !== undefined) this.sizes.observe(tiles);
      this.seen_tiles = tiles;
    }
  }

  // ---------------------------------------------------------------- before, and joining

  private prepare(): void {
    this.preview = new Preview(() => this.requestUpdate());
    const started = this.preview.start({ camera: !this.audioOnly, microphone: true });
    clearInterval(this.meter);
    this.meter = setInterval(() => {
      const bar = this.renderRoot.querySelector("meter");
      if (bar !== null) bar.value = this.preview?.level() ?? 0;
    }, METER_MS);
    if (this.instant) void started.then(() => this.join());
  }

  private close_preview(): void {
    clearInterval(this.meter);
    this.preview?.close();
    this.preview = undefined;
  }

  /** Enter the call. */
  async join(): Promise<void> {
    const { client } = this;
    if (client === undefined || this.phase === "joining" || this.phase === "in") return;
    this.phase = "joining";
    this.problem = "";
    const session = new CallSession(() => this.drew(session), (news) => this.told(session, news));
    this.session = session;
    try {
      const place = await client.live.join(this.conversation);
      const tracks = this.preview?.take() ?? [];
      clearInterval(this.meter);
      this.preview = undefined;
      await session.join(this.url || place.url, place.token, tracks);
      if (this.session !== session) return void session.leave();
      this.phase = "in";
      this.emit("tl-call-joined");
    } catch (error) {
      await session.leave().catch(() => undefined);
      if (this.session !== session) return;
      this.session = undefined;
      this.problem = this.t("call_failed", { reason: this.explain(error) });
      this.phase = "lobby";
      this.prepare();
    }
  }

  /** Leave the call. */
  async leave(): Promise<void> {
    await this.end("");
    this.phase = "over";
    this.problem = "";
  }

  private async end(reason: string): Promise<void> {
    const { session } = this;
    this.session = undefined;
    this.view = undefined;
    for (const element of this.playing.values()) element.remove();
    this.playing.clear();
    if (session === undefined) return;
    await session.leave().catch(() => undefined);
    this.emit("tl-call-left", { reason });
  }

  private drew(session: CallSession): void {
    if (session !== this.session) return;
    this.view = session.view();
    this.play(session);
  }

  /** Sound has no place on the page: each track has an element of its own, kept while the track is there. */
  private play(session: CallSession): void {
    const tracks = session.sounds();
    for (const track of tracks) {
      if (this.playing.has(track)) continue;
      const element = track.attach();
      element.hidden = true;
      this.renderRoot.append(element);
      this.playing.set(track, element);
    }
    for (const [track, element] of this.playing) {
      if (tracks.includes(track as never)) continue;
      element.remove();
      this.playing.delete(track);
    }
  }

  private told(session: CallSession, news: CallNews): void {
    if (session !== this.session) return;
    if (news.kind === "stats") return void this.emit("tl-call-stats", news.stats);
    if (news.kind === "ended") {
      const key = endProblem(news.reason);
      if (this.phase !== "in") return;
      void this.end(key);
      this.problem = key && this.t(key);
      this.phase = "over";
      return;
    }
    const reaction = news.kind === "reaction" ? news.reaction : "";
    this.said = this.t(`call_said_${news.kind}`, { name: this.nameOf(news.party), reaction });
  }

  // ---------------------------------------------------------------- what one does

  private async device(kind: "camera" | "microphone" | "screen", on: boolean): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    this.problem = "";
    try {
      if (kind === "camera") await session.setCamera(on);
      else if (kind === "screen") await session.setScreen(on);
      else {
        await session.setMicrophone(on);
        this.said = this.t(on ? "call_said_unmuted" : "call_said_muted");
      }
    } catch (error) {
      this.problem = this.t(deviceProblem(error, kind, globalThis.isSecureContext));
    }
  }

  private readonly keyed = (event: KeyboardEvent): void => {
    const from = event.composedPath()[0];
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || this.view === undefined) return;
    if (from instanceof HTMLElement && from.matches("input, select, textarea")) return;
    const { view } = this;
    const key = event.key.toLowerCase();
    if (key === "m") void this.device("microphone", !view.microphone);
    else if (key === "c") void this.device("camera", !view.camera);
    else if (key === "h") void this.session?.setHand(!view.hand);
    else if (key === "p") this.people = !this.people;
    else return;
    event.preventDefault();
  };

  private react(reaction: string): void {
    this.reactions.hidePopover();
    void this.session?.react(reaction).catch(() => undefined);
  }

  private readonly offer = (event: Event): void => {
    const anchor = event.currentTarget as HTMLElement;
    if (this.reactions.matches(":popover-open")) return this.reactions.hidePopover();
    this.reactions.showPopover();
    placeBeside(this.reactions, anchor.getBoundingClientRect());
    this.reactions.querySelector("button")?.focus();
  };

  // ---------------------------------------------------------------- how it looks

  override render(): TemplateResult {
    return html`
      <div class="visually-hidden" role="status">${this.said}</div>
      ${this.phase === "over" ? this.over() : this.phase === "in" && this.view !== undefined ? this.meeting(this.view) : this.lobby()}
    `;
  }

  private lobby(): TemplateResult {
    const { preview } = this;
    const joining = this.phase === "joining";
    const me = this.client?.party ?? "";
    const { avatar } = this.profileOf(me);
    return html`<section class="lobby" aria-label=${this.t("call_call")}>
      <div class="looking">
        ${preview?.camera === undefined
          ? html`<p><tl-avatar name=${this.nameOf(me)} seed=${me} src=${avatar ?? nothing}></tl-avatar>${this.t("call_preview_off")}</p>`
          : html`<video autoplay playsinline muted aria-label=${this.t("call_preview")}></video>`}
        <div class="switches">
          ${this.toggle("mic", "mic_off", preview?.microphone_on ?? false, "call_mute", "call_unmute", () => void preview?.set("microphone", !preview.microphone_on))}
          ${this.toggle("camera", "camera_off", preview?.camera_on ?? false, "call_camera_off", "call_camera_on", () => void preview?.set("camera", !preview.camera_on))}
        </div>
      </div>
      <div>
        <h2>${this.t("call_ready")}</h2>
        ${this.picker("microphone", "audioinput")}
        <meter min="0" max="1" value="0" aria-label=${this.t("call_level")}></meter>
        ${this.picker("camera", "videoinput")}
        ${(["microphone", "camera"] as const).map((kind) => (preview?.problems[kind] ? this.trouble(preview.problems[kind], () => void preview.set(kind, true)) : nothing))}
        ${this.problem ? html`<p class="trouble" role="alert">${icon("alert", "small")}<span>${this.problem}</span></p>` : nothing}
        <button class="button" type="button" ?disabled=${joining} @click=${() => void this.join()}>
          ${this.t(joining ? "call_joining" : preview?.microphone_on || preview?.camera_on ? "call_join" : "call_join_without")}
        </button>
      </div>
    </section>`;
  }

  private picker(kind: "camera" | "microphone", which: MediaDeviceKind): TemplateResult {
    const { preview } = this;
    const devices = preview?.devices.filter((device) => device.kind === which) ?? [];
    const chosen = preview?.chosen[kind] ?? "";
    return html`<label class="label" for=${kind}>${this.t(`call_${kind}`)}</label>
      <select id=${kind} class="field" ?disabled=${devices.length === 0} @change=${(event: Event) => void preview?.choose(kind, (event.target as HTMLSelectElement).value)}>
        ${devices.length === 0 ? html`<option>${this.t("call_default_device")}</option>` : nothing}
        ${devices.map((device, index) => html`<option value=${device.deviceId} ?selected=${device.deviceId === chosen}>${device.label || this.t("call_device_number", { number: index + 1 })}</option>`)}
      </select>`;
  }

  private trouble(key: string, again: () => void): TemplateResult {
    return html`<p class="trouble" role="alert">${icon("alert", "small")}<span>${this.t(key)} ${key === "call_insecure" ? nothing : html`<button type="button" @click=${again}>${this.t("retry")}</button>`}</span></p>`;
  }

  private over(): TemplateResult {
    const again = (): void => {
      this.phase = "lobby";
      this.problem = "";
      this.prepare();
    };
    return html`<section class="over" aria-label=${this.t("call_call")}>
      <h2>${this.t("call_left")}</h2>
      ${this.problem ? html`<p>${this.problem}</p>` : nothing}
      <button class="button" type="button" @click=${again}>${icon("phone", "small")}${this.t("call_again")}</button>
    </section>`;
  }

  private meeting(view: CallView): TemplateResult {
    const note = this.problem
      ? html`<div class="note" role="alert">${icon("alert", "small")}<span>${this.problem}</span></div>`
      : view.reconnecting
        ? html`<div class="note" role="status"><span class="spinner"></span>${this.t("call_reconnecting")}</div>`
        : view.silent
          ? html`<div class="note"><button class="button" type="button" @click=${() => void this.session?.room.startAudio()}>${icon("speaker", "small")}${this.t("call_sound")}</button></div>`
          : view.tiles.length === 1
            ? html`<div class="note" role="status">${this.t("call_alone")}</div>`
            : nothing;
    return html`<section class="call" aria-label=${this.t("call_call")}>
      <div class="tiles ${this.speaker_view ? "speaker" : ""}">${this.speaker_view ? this.speaker(view.tiles) : this.grid(view.tiles)} ${note}</div>
      ${this.people ? this.listed(view.tiles) : nothing} ${this.controls(view)}
    </section>`;
  }

  private grid(tiles: readonly CallTile[]): TemplateResult {
    const grid = largestGrid(tiles.length, this.size.width_px, this.size.height_px);
    const size = styled({ width: `${grid.width_px}px`, height: `${grid.height_px}px` });
    return html`${repeat(tiles, (tile) => tile.id, (tile) => html`<div class="place" ${size}>${this.pinned(tile)}<tl-call-tile .tile=${tile}></tl-call-tile></div>`)}`;
  }

  private speaker(tiles: readonly CallTile[]): TemplateResult {
    const main = featured(tiles, this.picked);
    const others = tiles.filter((tile) => tile !== main).slice(0, SPEAKER_VIEW_STRIP);
    return html`
      <div class="main">${main === undefined ? nothing : html`${this.pinned(main)}<tl-call-tile .tile=${main}></tl-call-tile>`}</div>
      ${others.length === 0
        ? nothing
        : html`<div class="strip">${repeat(others, (tile) => tile.id, (tile) => html`<div class="place">${this.pinned(tile)}<tl-call-tile .tile=${tile}></tl-call-tile></div>`)}</div>`}
    `;
  }

  private pinned(tile: CallTile): TemplateResult {
    const name = this.nameOf(tile.party);
    const on = this.speaker_view && this.picked === tile.id;
    const pick = (): void => {
      this.picked = on ? "" : tile.id;
      this.speaker_view = !on || this.speaker_view;
    };
    const label = this.t(on ? "call_unpin" : "call_pin", { name: tile.screen ? this.t("call_screen_of", { name }) : name });
    return html`<button class="icon-button pin" type="button" aria-pressed=${on} aria-label=${label} title=${label} @click=${pick}>${icon("pin", "small")}</button>`;
  }

  private listed(tiles: readonly CallTile[]): TemplateResult {
    const people = tiles.filter((tile) => !tile.screen);
    return html`<section class="people scroll" tabindex="0" aria-label=${this.t("call_people")}>
      <h3>${this.t("call_people_count", { count: people.length })}</h3>
      <ul>
        ${repeat(people, (tile) => tile.id, (tile) => {
          const name = this.nameOf(tile.party);
          const { avatar } = this.profileOf(tile.party);
          return html`<li>
            <tl-avatar name=${name} seed=${tile.party} src=${avatar ?? nothing}></tl-avatar>
            <span class="grow ellipsis">${tile.local ? this.t("call_you", { name }) : name}</span>
            ${tile.hand ? html`<span class="hand" role="img" aria-label=${this.t("call_hand_up")}>${icon("hand", "small")}</span>` : nothing}
            ${tile.muted
              ? html`<span class="off" role="img" aria-label=${this.t("call_muted")}>${icon("mic_off", "small")}</span>`
              : tile.speaking
                ? html`<span role="img" aria-label=${this.t("call_speaking")}>${icon("mic", "small")}</span>`
                : nothing}
          </li>`;
        })}
      </ul>
    </section>`;
  }

  private controls(view: CallView): TemplateResult {
    const button = (name: IconName, label: string, run: (event: Event) => void, extra: { on?: boolean; key?: string } = {}): TemplateResult => html`<button
      class="icon-button ${extra.on ? "on" : ""}" type="button" aria-pressed=${extra.on ?? nothing} aria-keyshortcuts=${extra.key ?? nothing}
      aria-label=${this.t(label)} title=${this.t(label)} @click=${run}
    >${icon(name)}</button>`;
    const shares = "getDisplayMedia" in (navigator.mediaDevices ?? {});
    return html`<div class="controls" role="group" aria-label=${this.t("call_controls")}>
      ${this.toggle("mic", "mic_off", view.microphone, "call_mute", "call_unmute", () => void this.device("microphone", !view.microphone), "M")}
      ${this.toggle("camera", "camera_off", view.camera, "call_camera_off", "call_camera_on", () => void this.device("camera", !view.camera), "C")}
      ${shares ? button("screen", view.screen ? "call_share_stop" : "call_share", () => void this.device("screen", !view.screen), { on: view.screen }) : nothing}
      <span class="gap"></span>
      ${button("hand", view.hand ? "call_hand_down" : "call_hand", () => void this.session?.setHand(!view.hand), { on: view.hand, key: "H" })}
      ${button("smile", "call_react", this.offer)}
      ${button(this.speaker_view ? "grid" : "speaker_view", this.speaker_view ? "call_view_grid" : "call_view_speaker", () => (this.speaker_view = !this.speaker_view))}
      ${button("users", "call_people", () => (this.people = !this.people), { on: this.people, key: "P" })}
      <span class="gap"></span>
      <button class="icon-button leave" type="button" aria-label=${this.t("call_leave")} title=${this.t("call_leave")} @click=${() => void this.leave()}>${icon("hang_up")}</button>
      <div class="reactions" popover role="group" aria-label=${this.t("call_react")}>
        ${REACTIONS.map((reaction) => html`<button type="button" aria-label=${this.t("call_reaction", { reaction })} @click=${() => this.react(reaction)}>${reaction}</button>`)}
      </div>
    </div>`;
  }

  private toggle(on_icon: IconName, off_icon: IconName, on: boolean, off_label: string, on_label: string, run: () => void, key?: string): TemplateResult {
    const label = this.t(on ? off_label : on_label);
    return html`<button class="icon-button ${on ? "" : "off"}" type="button" aria-label=${label} title=${label} aria-keyshortcuts=${key ?? nothing} @click=${run}>${icon(on ? on_icon : off_icon)}</button>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-call": TlCall;
  }
}
