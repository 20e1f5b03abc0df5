/**
 * `<tl-group>`: about a group: its members and their roles, inviting, removing and muting them, its settings, and its end.
 *
 * What one may do follows from one's role; the server has the last word, and its refusals are shown. Not here: making a
 * group (`new.ts`).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import type { Conversation } from "@trunkline/core";

import "../base/avatar.js";
import "../base/dialog.js";
import type { TlConfirm } from "../base/dialog.js";
import { TlElement } from "../base/element.js";
import { icon } from "../base/icons.js";
import "../base/menu.js";
import type { MenuItem, TlMenu } from "../base/menu.js";
import { titleOf } from "../conversations/title.js";
import { buttonStyles, fieldStyles, stateStyles } from "../theme/base.js";
import { partiesOf } from "./parties.js";
import { groupStyles } from "./styles.js";

const HOUR_MS = 3_600_000;
const PAGE = 200;

interface Member {
  party: string;
  role: string;
  muted_until_ms?: number;
}

type GroupChange = Partial<{
  name: string; join: "open" | "invite" | "closed"; who_invites: "admin" | "member"; history_before_join: boolean; muted_all: boolean;
}>;

/**
 * A group and its members.
 *
 * @fires tl-close - somebody is done with it.
 * @fires tl-open-profile - `{party}`.
 */
@customElement("tl-group")
export class TlGroup extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, fieldStyles, stateStyles, groupStyles];

  /** The group. */
  @property() conversation = "";

  @state() private members: readonly Member[] = [];
  @state() private count = 0;
  @state() private next = "";
  @state() private phase: "loading" | "ready" | "failed" = "loading";
  @state() private problem = "";
  @state() private done = "";
  @state() private inviting = false;
  @state() private invited = "";
  @state() private name: string | undefined;
  @query("tl-menu") private readonly menu!: TlMenu;
  @query("tl-confirm") private readonly confirmElement!: TlConfirm;
  private shown = "";
  private stop: (() => void) | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop?.();
    this.shown = "";
  }

  protected override willUpdate(): void {
    const { client, conversation } = this;
    if (client === undefined || conversation === "" || this.shown === conversation) return;
    this.stop?.();
    this.shown = conversation;
    this.members = [];
    this.problem = this.done = "";
    this.inviting = false;
    this.name = undefined;
    void this.load();
    // Who comes, goes or changes is an entry of the group's log.
    this.stop = client.on("entry", (entry) => {
      if (entry.conversation === conversation && /^(members?\.|conversation\.transferred)/.test(entry.type)) void this.load();
    });
  }

  private async load(after = ""): Promise<void> {
    const { client, conversation } = this;
    if (client === undefined) return;
    try {
      const page = await client.api.member.list({ conversation, limit: PAGE, ...(after === "" ? {} : { after }) });
      if (this.conversation !== conversation) return;
      this.members = after === "" ? page.members : [...this.members, ...page.members];
      this.count = page.count;
      this.next = page.next ?? "";
      this.phase = "ready";
    } catch (error) {
      if (this.members.length === 0) this.phase = "failed";
      this.problem = this.explain(error);
    }
  }

  private async attempt<T>(work: Promise<T> | undefined, done = ""): Promise<T | undefined> {
    this.problem = this.done = "";
    try {
      const result = await work;
      this.done = done;
      return result;
    } catch (error) {
      this.problem = this.t("failed_because", { reason: this.explain(error) });
      return undefined;
    }
  }

  private async ask(question: string, action: string, work: () => Promise<unknown> | undefined): Promise<void> {
    if (await this.confirmElement.ask(question, action)) await this.attempt(work());
  }

  private change(change: GroupChange): void {
    void this.attempt(this.client?.api.group.update({ conversation: this.conversation, ...change }), this.t("saved"));
  }

  private async invite(event: Event): Promise<void> {
    event.preventDefault();
    const { parties, wrong } = partiesOf(this.invited);
    if (wrong !== "" || parties.length === 0) {
      this.problem = this.t("invalid_party");
      return;
    }
    const result = await this.attempt(this.client?.api.group.invite({ conversation: this.conversation, parties }));
    if (result === undefined) return;
    const added = result.changed?.length ?? 0;
    this.done = added > 0 ? this.t("invite_done", { count: added }) : this.t("invite_nobody");
    this.invited = "";
    this.inviting = false;
    await this.load();
  }

  private memberMenu(event: Event, member: Member, about: Conversation): void {
    const { client, conversation } = this;
    if (client === undefined) return;
    const { party } = member;
    const name = this.nameOf(party);
    const owner = about.role === "owner";
    const muted = (member.muted_until_ms ?? 0) > Date.now();
    const alter = (values: { role?: "admin" | "member"; muted_until_ms?: number }) => () =>
      void this.attempt(client.api.member.change({ conversation, party, ...values })).then(() => this.load());
    const items: (MenuItem | null)[] = [];
    if (owner)
      items.push(
        member.role === "admin"
          ? { label: this.t("make_member"), icon: "user", run: alter({ role: "member" }) }
          : { label: this.t("make_admin"), icon: "shield", run: alter({ role: "admin" }) },
        {
          label: this.t("transfer"),
          icon: "crown",
          run: () => void this.ask(this.t("confirm_transfer", { name }), this.t("transfer"), () => client.api.group.transfer({ conversation, party })).then(() => this.load()),
        },
        null,
      );
    if (muted) items.push({ label: this.t("mute_off"), icon: "mic", run: alter({ muted_until_ms: 0 }) });
    else
      items.push(
        { label: this.t("mute_hour"), icon: "bell_off", run: alter({ muted_until_ms: Date.now() + HOUR_MS }) },
        { label: this.t("mute_day"), icon: "bell_off", run: alter({ muted_until_ms: Date.now() + 24 * HOUR_MS }) },
      );
    items.push(null, {
      label: this.t("kick"),
      icon: "leave",
      danger: true,
      run: () => void this.ask(this.t("confirm_kick", { name }), this.t("kick"), () => client.api.group.kick({ conversation, parties: [party] })).then(() => this.load()),
    });
    this.menu.label = this.t("member_options", { name });
    void this.menu.show(event.currentTarget as HTMLElement, items);
  }

  protected override render(): TemplateResult {
    const about = this.watch("conversation", (client) => client.conversations.one(this.conversation));
    return html`<header>
        <h2>${this.t("group_info")}</h2>
        <button type="button" class="icon-button" aria-label=${this.t("close")} title=${this.t("close")} @click=${() => this.emit("tl-close")}>${icon("close")}</button>
      </header>
      <div class="body scroll" tabindex="0" role="region" aria-label=${this.t("group_info")}>
        ${about === undefined ? nothing : this.hero(about)}
        <div aria-live="polite">
          ${this.problem === "" || this.phase === "failed" ? nothing : html`<p class="notice">${this.problem}</p>`}
          ${this.done === "" ? nothing : html`<p class="ok">${this.done}</p>`}
        </div>
        ${this.memberSection(about)}
        ${about === undefined || about.left_seq > 0 || about.dismissed ? nothing : html`${this.settings(about)} ${this.ends(about)}`}
      </div>
      <tl-menu></tl-menu><tl-confirm></tl-confirm>`;
  }

  private hero(about: Conversation): TemplateResult {
    const title = titleOf(this.conversation, about, (party) => this.nameOf(party));
    return html`<div class="hero">
      <tl-avatar square name=${title} seed=${about.conversation} .src=${about.avatar}></tl-avatar>
      <h3 dir="auto">${title}</h3>
      <small>${this.t("members_count", { count: this.count || about.member_count })}</small>
    </div>`;
  }

  private memberSection(about: Conversation | undefined): TemplateResult {
    const runs = about?.role === "owner" || about?.role === "admin";
    const mayInvite = about !== undefined && about.left_seq === 0 && !about.dismissed;
    return html`<section aria-label=${this.t("group_members")}>
      <h3>${this.t("group_members")}
        ${mayInvite
          ? html`<button type="button" class="button quiet" aria-expanded=${String(this.inviting)} @click=${() => (this.inviting = !this.inviting)}>${icon("plus", "small")}${this.t("invite")}</button>`
          : nothing}
      </h3>
      ${this.inviting
        ? html`<form @submit=${this.invite}>
            <div class="line">
              <input class="field" aria-label=${this.t("invite_hint")} placeholder="user/ann" .value=${this.invited}
                @input=${(event: Event) => (this.invited = (event.target as HTMLInputElement).value)} />
              <button class="button primary">${this.t("invite")}</button>
            </div>
            <p class="hint">${this.t("invite_hint")}</p>
          </form>`
        : nothing}
      ${this.phase === "failed"
        ? html`<div class="empty" role="alert">${icon("alert")}<p>${this.problem}</p><button type="button" class="button" @click=${() => this.load()}>${this.t("retry")}</button></div>`
        : html`<ul>${repeat(this.members, (member) => member.party, (member) => this.memberRow(member, about, runs))}</ul>`}
      ${this.next === "" ? nothing : html`<button type="button" class="button" @click=${() => this.load(this.next)}>${this.t("show_more")}</button>`}
    </section>`;
  }

  private memberRow(member: Member, about: Conversation | undefined, runs: boolean): TemplateResult {
    const profile = this.profileOf(member.party);
    const self = member.party === this.client?.party;
    const online = !self && (this.watch(`presence ${member.party}`, (client) => client.presence(member.party))?.online ?? false);
    const muted = member.muted_until_ms ?? 0;
    const below = about?.role === "owner" || (about?.role === "admin" && member.role === "member");
    return html`<li class="member">
      <tl-avatar name=${profile.name ?? ""} seed=${member.party} .src=${profile.avatar ?? ""} ?online=${online}></tl-avatar>
      <button type="button" class="who" @click=${() => this.emit("tl-open-profile", { party: member.party })}>
        <span class="ellipsis" dir="auto">${profile.name}${self ? ` (${this.t("you")})` : ""}</span>
        <small class="ellipsis">${muted > Date.now() ? this.t("muted_until", { when: this.localizer.recent(muted) }) : online ? this.t("online") : member.party}</small>
      </button>
      ${member.role === "member" ? nothing : html`<span class="role ${member.role}">${icon(member.role === "owner" ? "crown" : "shield", "small")}${this.t(`role_${member.role}`)}</span>`}
      ${runs && !self && below && about !== undefined
        ? html`<button type="button" class="icon-button" aria-haspopup="menu" aria-label=${this.t("member_options", { name: profile.name ?? "" })} @click=${(event: Event) => this.memberMenu(event, member, about)}>${icon("dots")}</button>`
        : nothing}
    </li>`;
  }

  private settings(about: Conversation): TemplateResult | typeof nothing {
    if (about.role !== "owner" && about.role !== "admin") return nothing;
    const choice = (label: string, id: string, now: string, options: readonly (readonly [string, string])[], set: (value: string) => void): TemplateResult => html`<div class="setting">
      <label for=${id}>${label}</label>
      <select class="field" id=${id} @change=${(event: Event) => set((event.target as HTMLSelectElement).value)}>
        ${now === "" ? html`<option value="" selected>${this.t("change")}</option>` : nothing}
        ${options.map(([value, text]) => html`<option value=${value} .selected=${live(value === now)}>${text}</option>`)}
      </select>
    </div>`;
    const name = this.name ?? about.name;
    return html`<section aria-label=${this.t("group_settings")}>
      <h3>${this.t("group_settings")}</h3>
      <form @submit=${(event: Event) => {
        event.preventDefault();
        this.change({ name: name.trim() });
        this.name = undefined;
      }}>
        <label class="label" for="name">${this.t("group_name")}</label>
        <div class="line">
          <input class="field" id="name" maxlength="200" .value=${name} @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)} />
          <button class="button" ?disabled=${this.name === undefined || this.name === about.name}>${this.t("save")}</button>
        </div>
      </form>
      <div class="setting">
        <span id="muted-all">${this.t("muted_all")}</span>
        <button type="button" class="switch" role="switch" aria-checked=${String(about.muted_all)} aria-labelledby="muted-all" @click=${() => this.change({ muted_all: !about.muted_all })}></button>
      </div>
      ${choice(this.t("join_policy"), "join", about.join, [["open", this.t("join_open")], ["invite", this.t("join_invite")], ["closed", this.t("join_closed")]],
        (value) => (value === "open" || value === "invite" || value === "closed") && this.change({ join: value }))}
      ${choice(this.t("who_invites"), "who", about.who_invites, [["admin", this.t("who_invites_admin")], ["member", this.t("who_invites_member")]],
        (value) => (value === "admin" || value === "member") && this.change({ who_invites: value }))}
      ${choice(this.t("history_before_join"), "history", about.history_before_join ? "yes" : "no", [["yes", this.t("yes")], ["no", this.t("no")]],
        (value) => value !== "" && this.change({ history_before_join: value === "yes" }))}
    </section>`;
  }

  private ends(about: Conversation): TemplateResult {
    const { client, conversation } = this;
    return html`<section class="ends">
      ${about.role === "owner"
        ? html`<button type="button" class="button danger" @click=${() => this.ask(this.t("confirm_dismiss"), this.t("dismiss"), () => client?.api.group.dismiss({ conversation }))}>
            ${icon("trash", "small")}${this.t("dismiss")}</button>`
        : html`<button type="button" class="button danger" @click=${() => this.ask(this.t("confirm_leave"), this.t("leave"), () => client?.api.group.leave({ conversation }))}>
            ${icon("leave", "small")}${this.t("leave")}</button>`}
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-group": TlGroup;
  }
}
