/** `<tl-profile>`: a party: name, picture, presence; my own can be changed, others written to and blocked. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import "../base/avatar.js";
import "../base/dialog.js";
import type { TlConfirm } from "../base/dialog.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import { buttonStyles, fieldStyles, stateStyles } from "../theme/base.js";

/**
 * A party.
 *
 * @fires tl-conversation - `{conversation}`: somebody wants to write to the party.
 */
@customElement("tl-profile")
export class TlProfile extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    stateStyles,
    css`
      .profile {
        display: flex;
        flex-direction: column;
        align-items: center;
        gap: var(--tl-space-2);
        padding: var(--tl-space-5) var(--tl-space-4);
        text-align: center;
      }
      tl-avatar {
        --tl-avatar-size: 88px;
        margin-block-end: var(--tl-space-2);
      }
      h2 {
        font-size: var(--tl-size-5);
        overflow-wrap: anywhere;
      }
      .party {
        font-family: var(--tl-font-mono);
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
        overflow-wrap: anywhere;
      }
      .presence {
        display: flex;
        align-items: center;
        gap: 6px;
        font-size: var(--tl-size-2);
        color: var(--tl-text-2);
      }
      .presence.online::before {
        content: "";
        inline-size: 9px;
        block-size: 9px;
        border-radius: 50%;
        background: var(--tl-online);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: var(--tl-space-2);
        margin-block-start: var(--tl-space-3);
      }
      form {
        inline-size: 100%;
        max-inline-size: 360px;
        display: flex;
        flex-direction: column;
        gap: var(--tl-space-3);
        text-align: start;
      }
      form .buttons {
        justify-content: flex-end;
        margin: 0;
      }
      .facts {
        inline-size: 100%;
        margin-block-start: var(--tl-space-3);
        text-align: start;
        font-size: var(--tl-size-2);
      }
      .facts div {
        display: flex;
        justify-content: space-between;
        gap: var(--tl-space-4);
        padding-block: 6px;
        border-block-start: 1px solid var(--tl-line);
        overflow-wrap: anywhere;
      }
      .facts dt {
        color: var(--tl-text-2);
      }
    `,
  ];

  /** The party; my own by default. */
  @property() party = "";
  @state() private editing = false;
  @state() private name = "";
  @state() private avatar = "";
  @state() private problem = "";
  @query("tl-confirm") private readonly confirmElement!: TlConfirm;

  private edit(name: string, avatar: string): void {
    this.name = name;
    this.avatar = avatar;
    this.problem = "";
    this.editing = true;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLInputElement>("form input")?.focus());
  }

  private async save(event: Event): Promise<void> {
    event.preventDefault();
    try {
      await this.client?.api.profile.set({ name: this.name.trim(), avatar: this.avatar.trim() });
      this.editing = false;
    } catch (error) {
      this.problem = this.t("failed_because", { reason: this.explain(error) });
    }
  }

  private async block(party: string, on: boolean): Promise<void> {
    if (on && !(await this.confirmElement.ask(this.t("confirm_block", { name: this.nameOf(party) }), this.t("block")))) return;
    this.problem = "";
    try {
      await this.client?.api.block.set({ party, on });
    } catch (error) {
      this.problem = this.t("failed_because", { reason: this.explain(error) });
    }
  }

  protected override render(): TemplateResult {
    const self = this.client?.party ?? "";
    const party = this.party || self;
    const mine = party === self;
    const profile = this.profileOf(party);
    const presence = mine || party === "" ? undefined : this.watch(`presence ${party}`, (client) => client.presence(party));
    const blocked = (this.watch("blocked", (client) => client.blocked) ?? []).includes(party);
    const seen = presence?.last_seen_ms ?? 0;
    return html`<div class="profile">
      <tl-avatar name=${profile.name ?? ""} seed=${party} .src=${profile.avatar ?? ""} ?online=${presence?.online ?? false}></tl-avatar>
      ${this.editing
        ? this.form()
        : html`<h2 dir="auto">${profile.name}</h2>
            <span class="party">${party}</span>
            ${presence === undefined
              ? nothing
              : html`<span class="presence ${presence.online ? "online" : ""}">${presence.online ? this.t("online") : seen > 0 ? this.t("last_seen", { when: this.localizer.recent(seen) }) : this.t("offline_status")}</span>`}
            ${blocked ? html`<p class="notice">${icon("block", "small")}${this.t("blocked")}</p>` : nothing}
            ${this.problem === "" ? nothing : html`<p class="notice" role="alert">${this.problem}</p>`}
            <div class="buttons">
              ${mine
                ? html`<button type="button" class="button" @click=${() => this.edit(profile.name ?? "", profile.avatar ?? "")}>${icon("edit", "small")}${this.t("profile_edit")}</button>`
                : html`<button type="button" class="button primary" @click=${() => this.emit("tl-conversation", { conversation: party })}>${icon("chat", "small")}${this.t("send_message")}</button>
                    <button type="button" class="button ${blocked ? "" : "danger"}" @click=${() => this.block(party, !blocked)}>${icon("block", "small")}${this.t(blocked ? "unblock" : "block")}</button>`}
            </div>
            ${this.facts(profile.custom ?? {})}`}
    </div>
    <tl-confirm></tl-confirm>`;
  }

  private facts(custom: Readonly<Record<string, string>>): TemplateResult | typeof nothing {
    const facts = Object.entries(custom);
    return facts.length === 0
      ? nothing
      : html`<dl class="facts">${facts.slice(0, 20).map(([key, value]) => html`<div><dt dir="auto">${key}</dt><dd dir="auto">${value}</dd></div>`)}</dl>`;
  }

  private form(): TemplateResult {
    const field = (id: string, label: string, value: string, set: (value: string) => void, most: number): TemplateResult => html`<div>
      <label class="label" for=${id}>${label}</label>
      <input class="field" id=${id} maxlength=${most} .value=${value} @input=${(event: Event) => set((event.target as HTMLInputElement).value)} />
    </div>`;
    return html`<form @submit=${this.save}>
      ${field("name", this.t("profile_name"), this.name, (value) => (this.name = value), 200)}
      ${field("avatar", this.t("profile_avatar"), this.avatar, (value) => (this.avatar = value), 2048)}
      ${this.problem === "" ? nothing : html`<p class="field-error" role="alert">${this.problem}</p>`}
      <div class="buttons">
        <button type="button" class="button" @click=${() => (this.editing = false)}>${this.t("cancel")}</button>
        <button class="button primary">${this.t("save")}</button>
      </div>
    </form>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-profile": TlProfile;
  }
}
