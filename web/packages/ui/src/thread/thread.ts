/** `<tl-thread>`: a thread: the message it began with, its replies, and a place to answer. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Message } from "@trunkline/core";

import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import "../composer/composer.js";
import type { TlComposer } from "../composer/composer.js";
import { titleOf } from "../conversations/title.js";
import "../messages/list.js";
import { buttonStyles, stateStyles } from "../theme/base.js";

/**
 * A thread.
 *
 * @fires tl-close - somebody is done with it.
 */
@customElement("tl-thread")
export class TlThread extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    stateStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        block-size: 100%;
        min-block-size: 0;
        background: var(--tl-bg);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--tl-space-2);
        min-block-size: 60px;
        padding-inline: var(--tl-space-4) var(--tl-space-2);
        border-block-end: 1px solid var(--tl-line);
      }
      header div {
        flex: 1;
        min-inline-size: 0;
      }
      h2 {
        font-size: var(--tl-size-3);
      }
      header small {
        display: block;
        color: var(--tl-text-2);
        font-size: var(--tl-size-1);
      }
      .follow[aria-pressed="true"] {
        background: var(--tl-accent-soft);
        color: var(--tl-accent-text);
      }
      .root {
        flex: none;
        max-block-size: 38%;
        overflow-y: auto;
        padding-block: var(--tl-space-2) var(--tl-space-3);
        border-block-end: 1px solid var(--tl-line);
        background: var(--tl-surface);
        --tl-bubble: var(--tl-raised);
      }
      .root:focus-visible {
        outline-offset: -2px;
      }
      .gone {
        padding: var(--tl-space-2) var(--tl-space-4);
        color: var(--tl-text-2);
        font-size: var(--tl-size-2);
      }
      tl-message-list {
        flex: 1;
      }
    `,
  ];

  /** The conversation. */
  @property() conversation = "";
  /** The seq of the message the thread began with. */
  @property({ type: Number }) thread = 0;

  @state() private root: Message | undefined;
  @state() private gone = false;
  @state() private following = false;
  @query("tl-composer") private readonly composer!: TlComposer;
  private shown = "";
  private stop: (() => void) | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop?.();
    this.shown = "";
  }

  protected override willUpdate(): void {
    const shown = `${this.conversation} ${this.thread}`;
    const { client } = this;
    if (shown === this.shown || client === undefined || this.thread <= 0) return;
    this.stop?.();
    this.shown = shown;
    this.root = undefined;
    this.gone = false;
    const window = client.messages(this.conversation, { around: this.thread, limit: 3 });
    const take = (): void => {
      void window.find(this.thread).then(
        (message) => {
          if (this.shown !== shown) return;
          this.root = message;
          this.gone = message === undefined;
        },
        () => (this.gone = true),
      );
    };
    const stops = [window.subscribe(take)];
    void window.ready.then(take, take);
    this.stop = () => {
      for (const stop of stops) stop();
      window.close();
    };
    void client.threads.get(this.conversation, this.thread).then(
      (view) => this.shown === shown && (this.following = view.following ?? false),
      () => undefined,
    );
  }

  private async follow(): Promise<void> {
    const on = !this.following;
    this.following = on;
    const view = await this.client?.threads.follow(this.conversation, this.thread, on).catch(() => undefined);
    this.following = view?.following ?? !on;
  }

  protected override render(): TemplateResult {
    const about = this.watch("conversation", (client) => client.conversations.one(this.conversation));
    const title = titleOf(this.conversation, about, (party) => this.nameOf(party));
    return html`<header>
        <div><h2>${this.t("thread")}</h2><small class="ellipsis" dir="auto">${title}</small></div>
        <button type="button" class="button quiet follow" aria-pressed=${String(this.following)} @click=${this.follow}>${this.t(this.following ? "following" : "follow")}</button>
        <button type="button" class="icon-button" aria-label=${this.t("close_thread")} title=${this.t("close_thread")} @click=${() => this.emit("tl-close")}>${icon("close")}</button>
      </header>
      <div class="root" tabindex="0" role="region" aria-label=${this.t("thread")}>
        ${this.root === undefined
          ? html`<p class="gone">${this.gone ? this.t("root_gone") : this.t("loading")}</p>`
          : html`<tl-message plain inthread first last .message=${this.root} .day=${this.localizer.day(this.root.at_ms)}></tl-message>`}
      </div>
      <tl-message-list .conversation=${this.conversation} .thread=${this.thread}
        @tl-reply=${(event: CustomEvent<{ message: Message }>) => {
          event.stopPropagation();
          this.composer.reply(event.detail.message);
        }}
        @tl-edit=${(event: CustomEvent<{ message: Message }>) => {
          event.stopPropagation();
          this.composer.edit(event.detail.message);
        }}></tl-message-list>
      ${this.thread > 0 ? html`<tl-composer .conversation=${this.conversation} .thread=${this.thread} text-only></tl-composer>` : nothing}`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-thread": TlThread;
  }
}
