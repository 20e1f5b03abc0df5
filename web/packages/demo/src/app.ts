/** `<demo-app>`: the demo for one persona: chat, live room and call side by side with what happens on the connection. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { ClientApi } from "@trunkline/core";
import { buttonStyles, fieldStyles, icon, stateStyles, TlElement, type IconName } from "@trunkline/ui/base";
import "@trunkline/ui";
import type { CallStats } from "@trunkline/ui/call";

import "./panel.js";
import type { DemoPanel } from "./panel.js";
import { language, setLanguage, setTheme, theme } from "./settings.js";
import type { Persona, Session } from "./session.js";
import "./words.js";

type View = "chat" | "live" | "call";
const VIEWS: readonly (readonly [View, IconName])[] = [["chat", "chat"], ["live", "film"], ["call", "phone"]];
const STEPS = [0, 2, 10, 50, 100, 200];
const NARROW = "(max-width: 1100px)";

@customElement("demo-app")
export class DemoApp extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    stateStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: 76px minmax(0, 1fr) auto;
        block-size: 100dvh;
        background: var(--tl-bg);
      }
      nav {
        display: flex;
        flex-direction: column;
        align-items: center;
        gap: var(--tl-space-2);
        padding: var(--tl-space-3) var(--tl-space-2);
        background: var(--tl-surface);
        border-inline-end: 1px solid var(--tl-line);
      }
      nav .mark {
        inline-size: 36px;
        block-size: 36px;
        margin-block-end: var(--tl-space-3);
      }
      nav a,
      nav .item {
        position: relative;
        display: grid;
        justify-items: center;
        gap: 3px;
        inline-size: 60px;
        padding: var(--tl-space-2) 2px;
        border-radius: var(--tl-radius-2);
        font-size: 0.6875rem;
        font-weight: var(--tl-weight-medium);
        color: var(--tl-text-2);
        text-align: center;
        text-decoration: none;
      }
      nav a:hover,
      nav .item:hover {
        background: var(--tl-surface-2);
        color: var(--tl-text);
      }
      nav .item[aria-current="page"] {
        background: var(--tl-accent-soft-2);
        color: var(--tl-accent-text);
      }
      .badge {
        position: absolute;
        inset-block-start: 2px;
        inset-inline-end: 8px;
        min-inline-size: 18px;
        padding: 1px 5px;
        border-radius: var(--tl-radius-round);
        background: var(--tl-mention);
        color: var(--tl-on-mention);
        font-size: 0.6875rem;
        font-weight: var(--tl-weight-bold);
        line-height: 16px;
      }
      .grow {
        flex: 1;
      }
      .me {
        --tl-avatar-size: 40px;
      }
      main {
        min-inline-size: 0;
        min-block-size: 0;
        display: flex;
        flex-direction: column;
      }
      main > .fill {
        flex: 1;
        min-block-size: 0;
      }
      demo-panel {
        inline-size: 320px;
        block-size: 100dvh;
        border-inline-start: 1px solid var(--tl-line);
      }
      .bar {
        display: flex;
        align-items: center;
        gap: var(--tl-space-3);
        padding: var(--tl-space-2) var(--tl-space-4);
        border-block-end: 1px solid var(--tl-line);
        font-size: var(--tl-size-2);
        min-block-size: 56px;
      }
      .bar .field {
        inline-size: auto;
        max-inline-size: 260px;
      }
      .bar label {
        color: var(--tl-text);
        font-weight: var(--tl-weight-bold);
      }
      .bar output {
        color: var(--tl-text-2);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      input[type="range"] {
        inline-size: min(220px, 40%);
        accent-color: var(--tl-accent);
      }
      @media (max-width: 1100px) {
        demo-panel {
          position: fixed;
          inset-block: 0;
          inset-inline-end: 0;
          z-index: 30;
          max-inline-size: 92vw;
          box-shadow: var(--tl-shadow-3);
        }
      }
      @media (max-width: 700px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: minmax(0, 1fr) auto;
        }
        nav {
          order: 2;
          flex-direction: row;
          justify-content: space-around;
          padding: 4px;
          border-inline-end: 0;
          border-block-start: 1px solid var(--tl-line);
        }
        nav .mark,
        nav .grow,
        nav .wide {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) session: Session | undefined;
  @property({ attribute: false }) me: Persona | undefined;
  @state() private view: View = "chat";
  @state() private panel_open = !matchMedia(NARROW).matches;
  @state() private stats: CallStats | undefined;
  @state() private call_in = "";
  @state() private open_in = "";
  @state() private per_s = 4;
  @state() private dark = theme() === "dark";
  @query("demo-panel") private panel!: DemoPanel | null;
  private loaded = new Set<View>(["chat"]);

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.follow);
    this.until(() => removeEventListener("hashchange", this.follow));
    this.follow();
  }

  private readonly follow = (): void => {
    const asked = location.hash.slice(1);
    const view = VIEWS.find(([name]) => name === asked)?.[0] ?? "chat";
    void this.go(view);
  };

  private async go(view: View): Promise<void> {
    if (!this.loaded.has(view)) {
      await (view === "live" ? import("@trunkline/ui/live") : import("@trunkline/ui/call"));
      this.loaded.add(view);
    }
    if (view !== "call") this.stats = undefined;
    this.view = view;
    if (location.hash.slice(1) !== view) location.hash = view;
  }

  override render(): TemplateResult {
    const unread = this.watch("unread", (client) => client.conversations.unread) ?? 0;
    const name = this.me?.name ?? "";
    return html`
      <nav aria-label=${this.t("demo_views")}>
        <img class="mark" src="/demo/mark.svg" alt="" />
        ${VIEWS.map(([view, sign]) => html`<button
          class="item" type="button" aria-current=${this.view === view ? "page" : nothing} @click=${() => void this.go(view)}
        >${icon(sign)}${this.t(`demo_${view}`)}${view === "chat" && unread > 0
          ? html`<span class="badge" aria-label=${this.t("unread_count", { count: unread })} role="img">${unread > 99 ? "99+" : unread}</span>`
          : nothing}</button>`)}
        <span class="grow"></span>
        <a class="wide" href=${language() === "zh" ? "/docs/zh/" : "/docs/"} target="_blank" rel="noopener">${icon("file")}${this.t("demo_docs")}</a>
        <button class="item wide" type="button" lang=${language() === "zh" ? "en" : "zh-CN"} @click=${this.speak}>${icon("form")}${this.t("demo_language")}</button>
        <button class="icon-button" type="button" aria-expanded=${this.panel_open} aria-label=${this.t("demo_panel")} title=${this.t(this.panel_open ? "demo_panel_close" : "demo_panel_open")} @click=${() => (this.panel_open = !this.panel_open)}>${icon("poll")}</button>
        <button class="icon-button" type="button" aria-label=${this.t(this.dark ? "demo_light" : "demo_dark")} title=${this.t(this.dark ? "demo_light" : "demo_dark")} @click=${this.shade}>${icon("moon")}</button>
        <a href="/" title=${this.t("demo_switch")} aria-label="${this.t("demo_you_are", { name })}. ${this.t("demo_switch")}">
          <tl-avatar class="me" name=${name} seed=${this.me?.party ?? ""} src="/demo/avatars/${this.me?.id}.svg"></tl-avatar>
        </a>
      </nav>
      <main><h1 class="visually-hidden">${this.t(`demo_${this.view}`)}</h1>${this.view === "chat" ? this.chat() : this.view === "live" ? this.live() : this.call()}</main>
      ${this.panel_open
        ? html`<demo-panel .call=${this.stats}>
            <button slot="close" class="icon-button" type="button" aria-label=${this.t("demo_panel_close")} title=${this.t("demo_panel_close")} @click=${() => (this.panel_open = false)}>${icon("close")}</button>
          </demo-panel>`
        : nothing}
    `;
  }

  private chat(): TemplateResult {
    return html`<tl-chat class="fill" .conversation=${this.open_in} @tl-conversation=${(event: CustomEvent<{ conversation: string }>) => (this.open_in = event.detail.conversation)}>
      <button slot="actions" class="icon-button" type="button" aria-label=${this.t("demo_start_call")} title=${this.t("demo_start_call")} @click=${this.ring}>${icon("phone")}</button>
    </tl-chat>`;
  }

  private live(): TemplateResult {
    const step = Math.max(0, STEPS.findIndex((value) => value >= this.per_s));
    const words = this.t("demo_audience_per_s", { value: this.per_s });
    return html`
      <div class="bar">
        <label for="audience" title=${this.t("demo_audience_hint")}>${this.t("demo_audience")}</label>
        <input id="audience" type="range" min="0" max=${STEPS.length - 1} step="1" .value=${String(step)} aria-valuetext=${words} @input=${this.ask} />
        <output for="audience">${words}</output>
      </div>
      <tl-room class="fill" conversation=${this.session?.room ?? ""}><img slot="stage" src="/demo/stage.svg" alt="" /></tl-room>
    `;
  }

  private call(): TemplateResult {
    const list = this.watch("list", (client) => client.conversations) ?? [];
    const chosen = this.call_in || this.open_in || list.find((one) => one.kind === "group")?.conversation || "";
    const pick = (event: Event): void => void (this.call_in = (event.target as HTMLSelectElement).value);
    return html`
      <div class="bar">
        <label for="where">${this.t("demo_call_where")}</label>
        <select id="where" class="field" @change=${pick}>
          ${list.map((one) => html`<option value=${one.conversation} ?selected=${one.conversation === chosen}>${one.name || this.nameOf(one.peer ?? "")}</option>`)}
        </select>
      </div>
      ${chosen === ""
        ? nothing
        : html`<tl-call
            class="fill"
            conversation=${chosen}
            url=${location.origin}
            @tl-call-stats=${(event: CustomEvent<CallStats>) => (this.stats = event.detail)}
            @tl-call-joined=${(event: Event) => this.joined(event.target as HTMLElementTagNameMap["tl-call"], chosen)}
            @tl-call-left=${() => this.left()}
          ></tl-call>`}
    `;
  }

  private joined(element: HTMLElementTagNameMap["tl-call"], conversation: string): void {
    this.panel?.note("live.join", this.t("demo_joined_call"));
    if (element.call?.view().tiles.length === 1) this.client?.send(conversation, this.t("demo_call_started"));
  }

  private left(): void {
    this.stats = undefined;
    this.panel?.note("live", this.t("demo_left_call"));
  }

  private readonly ring = (): void => {
    this.call_in = this.open_in;
    void this.go("call");
  };

  private readonly ask = (event: Event): void => {
    this.per_s = STEPS[Number((event.target as HTMLInputElement).value)] ?? 0;
    const { client, session } = this;
    if (client === undefined || session === undefined) return;
    client.call("room.send", { conversation: session.room, type: session.control, content: { per_s: this.per_s } }).catch((error: unknown) => {
      this.panel?.note(session.control, this.explain(error));
    });
  };

  private readonly shade = (): void => {
    this.dark = !this.dark;
    setTheme(this.dark ? "dark" : "light");
  };

  private readonly speak = (): void => {
    setLanguage(language() === "zh" ? "en" : "zh");
    this.lang = document.documentElement.lang;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "demo-app": DemoApp;
  }
}

/** Whose client the application shows. */
export function mount(client: ClientApi, session: Session, me: Persona): void {
  const app = document.createElement("demo-app");
  Object.assign(app, { client, session, me, lang: document.documentElement.lang });
  document.body.replaceChildren(app);
}
