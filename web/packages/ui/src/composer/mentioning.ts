/**
 * Mentioning somebody while writing: who fits what was typed behind an `@`, choosing by keys or pointer, and the list.
 *
 * Not here: the text itself (`composer.ts`), and the rules that need no conversation (`mentions.ts`).
 */

import { html, nothing, type TemplateResult } from "lit";
import type { ClientApi, Conversation, Profile } from "@trunkline/core";

import type { MessageKey } from "../i18n/localizer.js";
import { matching, mentionAt, mentioned, withMention, type Candidate } from "./mentions.js";

/** What mentioning needs of the composer. */
export interface Writing {
  readonly client: ClientApi | undefined;
  readonly conversation: string;
  readonly written: string;
  readonly caret: number;
  /** Put another text in, and the caret there. */
  rewrite(text: string, caret: number): void;
  requestUpdate(): void;
  t(key: MessageKey): string;
  nameOf(party: string): string;
  profileOf(party: string): Profile;
}

/** Of one composer. */
export class Mentioning {
  /** Who fits; made anew at each drawing, because names come in. */
  candidates: readonly Candidate[] = [];
  chosen = 0;
  /** What was typed behind an `@` at the caret; undefined while nobody is being mentioned. */
  private typed: string | undefined;
  private picked: Candidate[] = [];
  private members: { conversation: string; parties: string[] } | undefined;

  constructor(private readonly host: Writing) {}

  /** Another text: these were mentioned in it. */
  begin(parties: readonly string[] = []): void {
    this.picked = parties.map((party) => ({ party, name: this.host.nameOf(party) }));
    this.typed = undefined;
  }

  /** The parties that a text still names. */
  in(text: string): string[] {
    return mentioned(text, this.picked);
  }

  /** The text or the caret changed. */
  async look(): Promise<void> {
    const { host } = this;
    const { client, conversation } = host;
    const about = client?.conversations.one(conversation).get();
    const start = about?.kind === "direct" || conversation.includes("/") ? undefined : mentionAt(host.written, host.caret);
    if (start === undefined || client === undefined) return this.type(undefined);
    if (this.members?.conversation !== conversation) {
      this.members = { conversation, parties: [] };
      const page = await client.api.member.list({ conversation, limit: 500 }).catch(() => undefined);
      this.members = { conversation, parties: page?.members.map((member) => member.party) ?? [] };
    }
    this.chosen = 0;
    this.type(mentionAt(host.written, host.caret)?.text);
  }

  private type(typed: string | undefined): void {
    this.typed = typed;
    this.host.requestUpdate();
  }

  /** Find who may be meant; while drawing, so that names which come later are seen. */
  find(about: Conversation | undefined): void {
    this.candidates = this.fitting(about);
  }

  private fitting(about: Conversation | undefined): readonly Candidate[] {
    const { host } = this;
    if (this.typed === undefined || this.members?.conversation !== host.conversation) return [];
    const others = this.members.parties
      .filter((party) => party !== host.client?.party)
      .map((party) => ({ party, name: host.nameOf(party) }));
    if (about?.role === "owner" || about?.role === "admin") others.push({ party: "*", name: host.t("mention_all") });
    return matching(others, this.typed);
  }

  /** Keys while somebody is being chosen. Returns whether it was one of them. */
  key(event: KeyboardEvent): boolean {
    const count = this.candidates.length;
    const candidate = this.candidates[this.chosen];
    if (count === 0) return false;
    if (event.key === "ArrowDown") this.chosen = (this.chosen + 1) % count;
    else if (event.key === "ArrowUp") this.chosen = (this.chosen + count - 1) % count;
    else if (event.key === "Escape") this.typed = undefined;
    else if ((event.key === "Enter" || event.key === "Tab") && candidate !== undefined) this.put(candidate);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    this.host.requestUpdate();
    return true;
  }

  private put(candidate: Candidate): void {
    const { host } = this;
    const start = mentionAt(host.written, host.caret);
    this.typed = undefined;
    if (start === undefined) return;
    const { text, caret } = withMention(host.written, start, host.caret, candidate.name);
    this.picked = [...this.picked, candidate];
    host.rewrite(text, caret);
  }

  /** The list above the text. */
  list(): TemplateResult | typeof nothing {
    const { host } = this;
    if (this.candidates.length === 0) return nothing;
    return html`<div class="mentions scroll" role="listbox" id="mentions" aria-label=${host.t("mention_pick")}>
      ${this.candidates.map(
        (candidate, at) => html`<div role="option" id="option-${at}" aria-selected=${String(at === this.chosen)}
          @pointerdown=${(event: Event) => event.preventDefault()} @click=${() => this.put(candidate)}>
          <tl-avatar name=${candidate.name} seed=${candidate.party} .symbol=${candidate.party === "*" ? "users" : ""} .src=${candidate.party === "*" ? "" : (host.profileOf(candidate.party).avatar ?? "")}></tl-avatar>
          <span class="ellipsis" dir="auto">${candidate.name}</span>
          <small class="ellipsis">${candidate.party === "*" ? host.t("mention_all_hint") : candidate.party}</small>
        </div>`,
      )}
    </div>`;
  }
}
