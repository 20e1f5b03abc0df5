/** `<demo-panel>`: what each action did, as lines, and the figures above them. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { ClientApi } from "@trunkline/core";
import { buttonStyles, icon, TlElement, type IconName } from "@trunkline/ui/base";
import type { CallStats } from "@trunkline/ui/call";

import { Ledger, type LedgerLine, type LineKind } from "./ledger.js";
import "./words.js";

const DRAW_MS = 200;
const ICONS: Record<LineKind, IconName> = { out: "up", in: "down", ack: "check", entry: "thread", error: "alert", note: "info" };

@customElement("demo-panel")
export class DemoPanel extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        background: var(--tl-surface);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        padding: var(--tl-space-3) var(--tl-space-2) var(--tl-space-2) var(--tl-space-4);
      }
      header div {
        flex: 1;
        min-inline-size: 0;
      }
      h2 {
        font-size: var(--tl-size-3);
      }
      header p {
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
      .state {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .dot {
        inline-size: 8px;
        block-size: 8px;
        border-radius: 50%;
        background: var(--tl-warning);
      }
      .dot.online {
        background: var(--tl-online);
      }
      dl {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 1px;
        margin: 0 var(--tl-space-3) var(--tl-space-3);
        border-radius: var(--tl-radius-2);
        overflow: hidden;
        background: var(--tl-line);
        border: 1px solid var(--tl-line);
        flex: none;
      }
      dl div {
        padding: var(--tl-space-2) var(--tl-space-3);
        background: var(--tl-raised);
      }
      dt {
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
      dd {
        font-size: var(--tl-size-4);
        font-weight: var(--tl-weight-bold);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      ol {
        flex: 1;
        min-block-size: 0;
        margin: 0;
        padding: 0 var(--tl-space-2) var(--tl-space-3);
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 22px minmax(0, 1fr) auto;
        gap: var(--tl-space-2);
        align-items: center;
        padding: 4px var(--tl-space-2);
        border-radius: var(--tl-radius-1);
        font-size: var(--tl-size-1);
      }
      li:first-child {
        background: var(--tl-surface-2);
      }
      .sign {
        display: grid;
        place-items: center;
        inline-size: 22px;
        block-size: 22px;
        border-radius: 50%;
        background: var(--tl-surface-3);
        color: var(--tl-text-2);
      }
      .sign .icon {
        inline-size: 13px;
        block-size: 13px;
      }
      .ack .sign,
      .entry .sign {
        background: var(--tl-accent-soft);
        color: var(--tl-accent-text);
      }
      .error .sign {
        background: var(--tl-danger-soft);
        color: var(--tl-danger);
      }
      code {
        font-family: var(--tl-font-mono);
        font-size: 0.75rem;
      }
      .detail {
        color: var(--tl-text-2);
        font-variant-numeric: tabular-nums;
        text-align: end;
      }
      .empty {
        padding: var(--tl-space-4);
        color: var(--tl-text-2);
        font-size: var(--tl-size-2);
      }
    `,
  ];

  /** Of the call one is in. */
  @property({ attribute: false }) call: CallStats | undefined;
  @state() private lines: readonly LedgerLine[] = [];
  private readonly ledger = new Ledger();
  private listening: ClientApi | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.role = "complementary";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Something happened that is no frame. */
  note(name: string, detail: string): void {
    this.ledger.note(name, detail);
    this.soon();
  }

  protected override willUpdate(): void {
    this.ariaLabel = this.t("demo_panel");
    const { client } = this;
    if (client === undefined || client === this.listening || !this.isConnected) return;
    this.listening = client;
    const { ledger } = this;
    this.until(client.on("frame", (frame) => this.did(() => ledger.frame(frame))));
    this.until(client.on("entry", (entry) => this.did(() => ledger.entry(entry, this.shortName(entry.sender)))));
    this.until(client.on("sent", (outcome) => this.did(() => ledger.sent(outcome))));
  }

  override render(): TemplateResult {
    const { figures } = this.ledger;
    const now = this.watch("state", (client) => client.state);
    const number = (value: number): string => this.localizer.compact(value);
    const figure = (label: string, value: string): TemplateResult => html`<div><dt>${this.t(label)}</dt><dd>${value}</dd></div>`;
    const { call } = this;
    return html`
      <header>
        <div>
          <h2>${this.t("demo_panel")}</h2>
          <p class="state"><span class="dot ${now?.state ?? ""}"></span>${this.t(`demo_state_${now?.state ?? "offline"}`)}</p>
        </div>
        <button class="icon-button" type="button" aria-label=${this.t("demo_clear")} title=${this.t("demo_clear")} @click=${this.clear}>${icon("trash")}</button>
        <slot name="close"></slot>
      </header>
      <dl>
        ${figure("demo_round_trip", this.t("demo_ms", { value: figures.round_trip_ms < 10 ? figures.round_trip_ms.toFixed(1) : Math.round(figures.round_trip_ms) }))}
        ${figure("demo_acks", number(figures.acks))} ${figure("demo_entries", number(figures.entries))}
        ${figure("demo_traffic", `${number(figures.bytes_in)}B / ${number(figures.bytes_out)}B`)}
        ${call === undefined
          ? nothing
          : html`${figure("demo_packets_in", this.t("demo_per_s", { value: Math.round(call.received.packets_per_s) }))}
            ${figure("demo_packets_out", this.t("demo_per_s", { value: Math.round(call.sent.packets_per_s) }))}
            ${figure("demo_frames", this.t("demo_per_s", { value: Math.round(call.received.frames_per_s) }))}
            ${figure("demo_loss", `${(100 * call.loss).toFixed(1)} %`)}`}
      </dl>
      ${now !== undefined && !now.leader && now.state === "online" ? html`<p class="empty">${this.t("demo_panel_follower")}</p>` : nothing}
      ${this.lines.length === 0
        ? html`<p class="empty">${this.t("demo_panel_empty")}</p>`
        : html`<ol class="scroll" tabindex="0" aria-label=${this.t("demo_panel")}>${repeat(this.lines, (line) => line.id, (line) => this.line(line))}</ol>`}
    `;
  }

  private line(line: LedgerLine): TemplateResult {
    const times = line.count > 1 ? ` ×${this.localizer.number(line.count)}` : "";
    const detail = line.detail || (line.bytes > 0 ? `${this.localizer.number(line.bytes)} B` : "");
    return html`<li class=${line.kind}>
      <span class="sign">${icon(ICONS[line.kind], "small")}</span><code class="ellipsis">${line.name}${times}</code><span class="detail">${detail}</span>
    </li>`;
  }

  private shortName(party: string): string {
    return party.slice(party.indexOf("/") + 1);
  }

  private did(what: () => void): void {
    what();
    this.soon();
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.lines = this.ledger.lines;
      this.requestUpdate();
    }, DRAW_MS);
  }

  private readonly clear = (): void => {
    this.ledger.clear();
    this.lines = [];
  };
}
