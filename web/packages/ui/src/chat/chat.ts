/**
 * `<tl-chat>`: a whole chat: conversations, messages, composer, and beside them threads, search, the group or a profile.
 *
 * It only connects the components: what is open, and which events lead where. Give it a `client` and a height.
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Conversation, Message } from "@trunkline/core";

import "../base/avatar.js";
import "../base/dialog.js";
import type { TlDialog } from "../base/dialog.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import "../composer/composer.js";
import type { TlComposer } from "../composer/composer.js";
import "../conversations/list.js";
import { peerOf, titleOf } from "../conversations/title.js";
import "../group/group.js";
import "../group/new.js";
import type { TlNewConversation } from "../group/new.js";
import "../messages/list.js";
import type { TlMessageList } from "../messages/list.js";
import { summaryOf } from "../messages/summary.js";
import "../profile/profile.js";
import "../search/search.js";
import { buttonStyles, stateStyles } from "../theme/base.js";
import "../thread/thread.js";
import { chatStyles } from "./styles.js";

/** What is shown beside the messages. */
type Side = { kind: "thread"; thread: number } | { kind: "search" } | { kind: "group" } | { kind: "profile"; party: string };

/**
 * A chat application.
 *
 * @attr theme - `light`, `dark`, or nothing to follow the system.
 * @fires tl-conversation - `{conversation}`: another conversation was opened.
 * @slot actions - Buttons at the end of the bar above the messages, such as one that starts a call.
 */
@customElement("tl-chat")
export class TlChat extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, stateStyles, chatStyles];

  /** The conversation that is open: its id, or a party. */
  @property({ reflect: true, useDefault: true }) conversation = "";
  /** `light`, `dark`, or empty for the system's. */
  @property({ reflect: true, useDefault: true }) theme: "" | "light" | "dark" = "";

  @state() private side: Side | undefined;
  @state() private forwarding: readonly Message[] = [];
  @state() private pinned: Message | undefined;
  @query("tl-message-list") private readonly list!: TlMessageList | null;
  @query("tl-composer") private readonly composer!: TlComposer | null;
  @query("tl-new-conversation") private readonly maker!: TlNewConversation;
  @query("tl-dialog") private readonly dialog!: TlDialog;
  private pinsOf = "";
  private stop: (() => void) | undefined;

  /** Open a conversation. */
  open(conversation: string): void {
    if (conversation === this.conversation) {
      if (this.side?.kind === "profile") this.side = undefined;
      return;
    }
    this.conversation = conversation;
    this.side = undefined;
    this.emit("tl-conversation", { conversation });
    if (matchMedia("(pointer: fine)").matches) void this.updateComplete.then(() => this.composer?.updateComplete).then(() => this.composer?.focus());
  }

  /** Open a conversation at a message. */
  async show(conversation: string, seq: number, thread = 0): Promise<void> {
    if (conversation !== this.conversation) this.open(conversation);
    if (thread > 0) {
      this.side = { kind: "thread", thread };
      return;
    }
    await this.updateComplete;
    await this.list?.updateComplete;
    await this.list?.show(seq);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop?.();
    this.stop = undefined;
    this.pinsOf = "";
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("lang") && this.lang) this.dir = this.localizer.direction;
    const { client, conversation } = this;
    if (client === undefined || this.pinsOf === conversation) return;
    this.pinsOf = conversation;
    this.pinned = undefined;
    this.stop?.();
    if (conversation === "") return;
    const load = (): void => {
      void client.pins(client.conversationOf(conversation)).then(
        (pins) => this.conversation === conversation && (this.pinned = pins.at(-1)),
        () => undefined,
      );
    };
    this.stop = client.on("entry", (entry) => entry.conversation === client.conversationOf(conversation) && /^message\.(pinned|recalled|edited)$/.test(entry.type) && load());
    if (client.conversations.one(conversation).get() !== undefined) load();
  }

  private toggle(side: Side): void {
    this.side = this.side?.kind === side.kind ? undefined : side;
  }

  private async forward(to: string): Promise<void> {
    const [first] = this.forwarding;
    if (first === undefined) return;
    this.dialog.close();
    try {
      await this.client?.forward(first.conversation, this.forwarding.map((message) => message.seq), to);
      this.open(to);
    } catch (error) {
      this.emit("tl-error", { error });
    }
    this.forwarding = [];
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.side !== undefined) {
      event.stopPropagation();
      this.closeSide();
    }
  }

  private closeSide(): void {
    this.side = undefined;
    void this.updateComplete.then(() => this.composer?.focus());
  }

  private speaker(): Parameters<typeof summaryOf>[1] {
    return { localizer: this.localizer, self: this.client?.party ?? "", nameOf: (party) => this.nameOf(party) };
  }

  // ------------------------------------------------------------ drawing

  protected override render(): TemplateResult {
    const { side, conversation } = this;
    return html`<div class="shell ${conversation === "" ? "" : "open"} ${side === undefined ? "" : "with-side"}" @keydown=${this.onKey}
        @tl-open-thread=${(event: CustomEvent<{ thread: number }>) => (this.side = { kind: "thread", thread: event.detail.thread })}
        @tl-open-profile=${(event: CustomEvent<{ party: string }>) => (this.side = { kind: "profile", party: event.detail.party })}
        @tl-forward=${(event: CustomEvent<{ messages: Message[] }>) => {
          this.forwarding = event.detail.messages;
          void this.dialog.show();
        }}>
      <div class="left">
        ${this.ownBar()} ${this.connection()}
        <tl-conversation-list .selected=${this.selected} @tl-new-conversation=${() => this.maker.show()} @tl-conversation=${this.onConversation}></tl-conversation-list>
      </div>
      <div class="main" role="region" aria-label=${this.t("messages_unnamed")}>${conversation === "" ? this.nothingOpen() : this.opened()}</div>
      ${side === undefined ? nothing : html`<div class="side" role="region" aria-label=${this.t(side.kind)}>${this.sidePanel(side)}</div>`}
    </div>
    <tl-new-conversation @tl-conversation=${this.onConversation}></tl-new-conversation>
    <tl-dialog heading=${this.t("forward")} @tl-dialog-closed=${() => undefined}>${this.targets()}</tl-dialog>`;
  }

  /** The id of the open conversation, also where it was opened by its party. */
  private get selected(): string {
    return this.conversation === "" || this.client === undefined ? this.conversation : this.client.conversationOf(this.conversation);
  }

  private readonly onConversation = (event: CustomEvent<{ conversation: string }>): void => {
    event.stopPropagation();
    this.open(event.detail.conversation);
  };

  private ownBar(): TemplateResult {
    const party = this.client?.party ?? "";
    const profile = this.profileOf(party);
    return html`<div class="bar">
      <button type="button" class="me" @click=${() => this.toggle({ kind: "profile", party })}>
        <tl-avatar name=${profile.name ?? ""} seed=${party} .src=${profile.avatar ?? ""}></tl-avatar><span class="visually-hidden">${this.t("profile")}: ${profile.name}</span>
      </button>
      <h1 class="about ellipsis">${this.t("conversations")}</h1>
      <button type="button" class="icon-button" aria-label=${this.t("search_messages")} title=${this.t("search_messages")} aria-pressed=${String(this.side?.kind === "search")} @click=${() => this.toggle({ kind: "search" })}>${icon("search")}</button>
    </div>`;
  }

  private connection(): TemplateResult | typeof nothing {
    const known = this.watch("state", (client) => client.state);
    if (known === undefined || known.state === "online" || known.state === "syncing") return nothing;
    const stopped = known.state === "stopped";
    const key = stopped ? "signed_out" : known.state === "offline" ? "offline" : "connecting";
    return html`<div class="status ${known.state}" role="status">
      ${known.state === "connecting" ? html`<span class="spinner"></span>` : icon("alert", "small")}<span>${this.t(key)}</span>
      ${stopped ? nothing : html`<button type="button" class="button quiet" @click=${() => this.client?.reconnect()}>${this.t("retry")}</button>`}
    </div>`;
  }

  private nothingOpen(): TemplateResult {
    return html`<div class="empty nothing">${icon("chat")}<h2>${this.t("pick_conversation")}</h2><p>${this.t("pick_conversation_hint")}</p></div>`;
  }

  private opened(): TemplateResult {
    const { conversation } = this;
    const about = this.watch(`conversation ${conversation}`, (client) => client.conversations.one(conversation));
    const peer = peerOf(conversation, about);
    const title = titleOf(conversation, about, (party) => this.nameOf(party));
    const profile = peer === "" ? undefined : this.profileOf(peer);
    const presence = peer === "" ? undefined : this.watch(`presence ${peer}`, (client) => client.presence(peer));
    return html`<div class="bar">
        <button type="button" class="icon-button back" aria-label=${this.t("back")} @click=${() => {
          if (this.side !== undefined) this.side = undefined;
          else {
            this.conversation = "";
            this.emit("tl-conversation", { conversation: "" });
          }
        }}>${icon("back")}</button>
        <button type="button" class="about" @click=${() => this.toggle(peer === "" ? { kind: "group" } : { kind: "profile", party: peer })}>
          <tl-avatar name=${title} seed=${peer || (about?.conversation ?? conversation)} .src=${profile?.avatar || (about?.avatar ?? "")} ?online=${presence?.online ?? false} ?square=${peer === ""}></tl-avatar>
          <span><h2 class="ellipsis" dir="auto">${title}</h2>${this.subtitle(about, peer, presence)}</span>
        </button>
        <slot name="actions"></slot>
        <button type="button" class="icon-button" aria-label=${this.t("search_messages")} title=${this.t("search_messages")} aria-pressed=${String(this.side?.kind === "search")} @click=${() => this.toggle({ kind: "search" })}>${icon("search")}</button>
        ${peer === ""
          ? html`<button type="button" class="icon-button" aria-label=${this.t("group_info")} title=${this.t("group_info")} aria-pressed=${String(this.side?.kind === "group")} @click=${() => this.toggle({ kind: "group" })}>${icon("users")}</button>`
          : nothing}
      </div>
      ${this.pinned === undefined || this.pinned.gone ? nothing : this.pins(this.pinned)}
      <tl-message-list .conversation=${conversation}
        @tl-reply=${(event: CustomEvent<{ message: Message }>) => this.composer?.reply(event.detail.message)}
        @tl-edit=${(event: CustomEvent<{ message: Message }>) => this.composer?.edit(event.detail.message)}></tl-message-list>
      <tl-composer .conversation=${conversation} @tl-edit-last=${() => {
        const last = this.list?.lastOwnText;
        if (last !== undefined) this.composer?.edit(last);
      }}></tl-composer>`;
  }

  private subtitle(about: Conversation | undefined, peer: string, presence: { online: boolean; last_seen_ms?: number } | undefined): TemplateResult {
    const typing = (about === undefined ? [] : this.watch("typing", (client) => client.typing(about.conversation))) ?? [];
    if (typing.length > 0) {
      const [name = "", other = ""] = typing.map((party) => this.nameOf(party));
      const text = typing.length === 1 ? this.t("typing_one", { name }) : typing.length === 2 ? this.t("typing_two", { name, other }) : this.t("typing_many");
      return html`<small class="typing ellipsis" role="status">${text}</small>`;
    }
    if (peer === "") return html`<small class="ellipsis">${about === undefined ? "" : this.t("members_count", { count: about.member_count })}</small>`;
    const seen = presence?.last_seen_ms ?? 0;
    return html`<small class="ellipsis">${presence?.online ? this.t("online") : seen > 0 ? this.t("last_seen", { when: this.localizer.recent(seen) }) : this.t("offline_status")}</small>`;
  }

  private pins(message: Message): TemplateResult {
    return html`<button type="button" class="pins" @click=${() => this.list?.show(message.seq)}>
      ${icon("pin")}<span class="ellipsis"><strong>${this.t("pinned_message")}</strong><span dir="auto">${summaryOf(message, this.speaker())}</span></span>
    </button>`;
  }

  private sidePanel(side: Side): TemplateResult {
    const close = (event: Event): void => {
      event.stopPropagation();
      this.closeSide();
    };
    switch (side.kind) {
      case "thread":
        return html`<tl-thread .conversation=${this.selected} .thread=${side.thread} @tl-close=${close}></tl-thread>`;
      case "search":
        return html`<tl-search .conversation=${this.selected} @tl-close=${close}
          @tl-show-message=${(event: CustomEvent<{ conversation: string; seq: number; thread?: number }>) => {
            const { conversation, seq, thread } = event.detail;
            void this.show(conversation === this.selected ? this.conversation : conversation, seq, thread ?? 0);
          }}></tl-search>`;
      case "group":
        return html`<tl-group .conversation=${this.selected} @tl-close=${close}></tl-group>`;
      case "profile":
        return html`<div class="bar"><h2 class="about">${this.t("profile")}</h2>
            <button type="button" class="icon-button" aria-label=${this.t("close")} @click=${close}>${icon("close")}</button></div>
          <tl-profile .party=${side.party} @tl-conversation=${this.onConversation}></tl-profile>`;
    }
  }

  private targets(): TemplateResult {
    const all = this.watch("conversations", (client) => client.conversations) ?? [];
    return html`<div class="targets">
      ${all.slice(0, 50).map((about) => {
        const title = titleOf(about.conversation, about, (party) => this.nameOf(party));
        const peer = peerOf(about.conversation, about);
        return html`<button type="button" class="target" @click=${() => this.forward(about.conversation)}>
          <tl-avatar name=${title} seed=${peer || about.conversation} .src=${about.avatar} ?square=${peer === ""}></tl-avatar><span class="ellipsis" dir="auto">${title}</span>
        </button>`;
      })}
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-chat": TlChat;
  }
}
