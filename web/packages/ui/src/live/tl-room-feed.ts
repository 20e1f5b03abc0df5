/**
 * `<tl-room-feed>`: the comments beside the picture, newest below; it follows them unless somebody scrolled up.
 *
 * For those who run the room every line has actions. Not here: which lines (`feed.ts`).
 */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { RoomApi } from "@trunkline/core";

import { buttonStyles, icon, rove, stateStyles, TlElement, type MenuItem, type TlConfirm, type TlMenu } from "../base/index.js";
import { hueOf } from "../base/avatar.js";
import type { Line } from "./feed.js";
import { giftName, giftPicture } from "./gifts.js";
import "./words.js";

const TEN_MINUTES_MS = 600_000;
const NEAR_PX = 40;

@customElement("tl-room-feed")
export class TlRoomFeed extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    stateStyles,
    css`
      :host {
        position: relative;
        display: flex;
        flex-direction: column;
        min-block-size: 0;
      }
      [role="log"] {
        flex: 1;
        min-block-size: 0;
        padding: var(--tl-space-3);
        contain: strict;
        overflow-anchor: none;
      }
      .line {
        position: relative;
        padding: 3px var(--tl-space-2);
        border-radius: var(--tl-radius-1);
        font-size: var(--tl-size-2);
        overflow-wrap: anywhere;
      }
      .line + .line {
        margin-block-start: 2px;
      }
      .who {
        font-weight: var(--tl-weight-bold);
        margin-inline-end: 6px;
      }
      .mine {
        background: var(--tl-accent-soft);
      }
      .gift,
      .announcement {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        margin-block: 4px;
        padding-block: 6px;
        background: var(--tl-warning-soft);
      }
      .gift .gift-picture {
        inline-size: 26px;
        block-size: 26px;
        flex: none;
      }
      .announcement .icon {
        color: var(--tl-warning);
      }
      .note {
        color: var(--tl-text-3);
      }
      .hue-0 { color: var(--tl-hue-0); }
      .hue-1 { color: var(--tl-hue-1); }
      .hue-2 { color: var(--tl-hue-2); }
      .hue-3 { color: var(--tl-hue-3); }
      .hue-4 { color: var(--tl-hue-4); }
      .hue-5 { color: var(--tl-hue-5); }
      .hue-6 { color: var(--tl-hue-6); }
      .hue-7 { color: var(--tl-hue-7); }
      .actions {
        position: absolute;
        inset-block-start: 0;
        inset-inline-end: 0;
        inline-size: 26px;
        block-size: 26px;
        background: var(--tl-raised);
        box-shadow: var(--tl-shadow-1);
        opacity: 0;
      }
      .line:hover .actions,
      .line:focus-within .actions,
      .actions:focus-visible {
        opacity: 1;
      }
      .newest {
        position: absolute;
        inset-block-end: var(--tl-space-2);
        inset-inline-start: 50%;
        translate: -50% 0;
        box-shadow: var(--tl-shadow-2);
        background: var(--tl-raised);
      }
    `,
  ];

  @property({ attribute: false }) lines: readonly Line[] = [];
  @property({ attribute: false }) room: RoomApi | undefined;
  /** Whether this party runs the room. */
  @property({ type: Boolean }) hosts = false;
  @state() private follows = true;
  @state() private failed = "";
  @query("[role=log]") private log!: HTMLElement;
  @query("tl-menu") private menu!: TlMenu;
  @query("tl-confirm") private confirm!: TlConfirm;

  override render(): TemplateResult {
    return html`
      <div class="scroll" role="log" aria-live="off" tabindex="0" aria-label=${this.t("live_comments")} @scroll=${this.scrolled} @keydown=${this.move}>
        ${this.lines.length === 0
          ? html`<p class="line note">${this.t("live_comment_first")}</p>`
          : repeat(this.lines, (line) => line.key, (line) => this.line(line))}
      </div>
      ${this.failed ? html`<div class="notice" role="alert">${this.failed}</div>` : nothing}
      ${this.follows
        ? nothing
        : html`<button class="button newest" type="button" @click=${this.newest}>${icon("down", "small")}${this.t("jump_to_newest")}</button>`}
      <tl-menu></tl-menu><tl-confirm></tl-confirm>
    `;
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    if (changed.has("lines") && this.follows) this.log.scrollTop = this.log.scrollHeight;
  }

  private line({ message, mine }: Line): TemplateResult {
    const content = message.content ?? {};
    const name = message.sender ? this.nameOf(message.sender) : "";
    const who = html`<span class="who hue-${hueOf(message.sender)}">${name}</span>`;
    const seq = message.seq || nothing;
    switch (message.type) {
      case "gift": {
        const gift = String(content.gift ?? "");
        const quantity = Number(content.quantity ?? 1);
        const values = { name, gift: giftName(gift, (key) => this.t(key)), other: content.to ? this.nameOf(content.to) : "" };
        return html`<div class="line gift" data-seq=${seq}>
          ${giftPicture(gift)}<span>${this.t(content.to ? "live_gift_sent_to" : "live_gift_sent", values)}${quantity > 1 ? ` ×${this.localizer.number(quantity)}` : ""}</span>
        </div>`;
      }
      case "announcement":
        return html`<div class="line announcement" data-seq=${seq}>${icon("megaphone", "small")}<span>${String(content.text ?? "")}</span></div>`;
      case "room.joined":
        return html`<div class="line note">${this.t("live_joined", { name })}</div>`;
      case "quiz.asked":
        return html`<div class="line announcement" data-seq=${seq}>${icon("poll", "small")}<span>${String(content.text ?? "")}</span></div>`;
      case "quiz.closed":
        return html`<div class="line note" data-seq=${seq}>${this.t("live_quiz")}: ${this.t("live_quiz_closed", { count: Number(content.answered ?? 0) })}</div>`;
      case "quiz.ended":
        return html`<div class="line note" data-seq=${seq}>${this.t("live_quiz")}</div>`;
      default:
        return html`<div class="line ${mine ? "mine" : ""}" data-seq=${seq}>
          ${who}<span>${String(content.text ?? "")}</span>
          ${this.hosts && !mine
            ? html`<button
                class="icon-button actions"
                type="button"
                tabindex="-1"
                aria-haspopup="menu"
                aria-label=${this.t("live_actions", { name })}
                @click=${(event: Event) => this.act(event.currentTarget as HTMLElement, message.sender, message.seq, name)}
              >${icon("dots", "small")}</button>`
            : nothing}
        </div>`;
    }
  }

  private act(anchor: HTMLElement, party: string, seq: number, name: string): void {
    const conversation = this.room?.conversation ?? "";
    const parties = [party];
    const client = this.client;
    if (client === undefined) return;
    const items: (MenuItem | null)[] = [
      { label: this.t("live_mute_10"), icon: "mic_off", run: () => this.run(client.call("room.mute", { conversation, parties, until_ms: Date.now() + TEN_MINUTES_MS })) },
      { label: this.t("live_kick"), icon: "leave", run: () => this.run(client.call("room.kick", { conversation, parties })) },
      null,
      {
        label: this.t("live_ban"), icon: "block", danger: true,
        run: () => void this.confirm.ask(this.t("live_confirm_ban", { name }), this.t("live_ban")).then((yes) => {
          if (yes) this.run(client.call("room.ban", { conversation, parties, until_ms: Date.now() + 7 * 86_400_000 }));
        }),
      },
    ];
    if (seq > 0) items.unshift({ label: this.t("live_recall"), icon: "undo", run: () => this.run(client.call("room.recall", { conversation, seq })) });
    this.menu.show(anchor, items);
  }

  private run(work: Promise<unknown>): void {
    this.failed = "";
    work.catch((error: unknown) => (this.failed = this.t("failed_because", { reason: this.explain(error) })));
  }

  private readonly scrolled = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    this.follows = scrollHeight - scrollTop - clientHeight < NEAR_PX;
  };

  /** The actions of a hundred lines are not a hundred stops of the tab key: arrows lead to them from the list. */
  private readonly move = (event: KeyboardEvent): void => {
    const found = [...this.log.querySelectorAll<HTMLElement>(".actions")];
    if (rove(event, found, { direction: "vertical" })) this.follows = false;
  };

  private readonly newest = (): void => {
    this.follows = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.log.focus();
  };
}
