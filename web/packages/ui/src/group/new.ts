/** `<tl-new-conversation>`: begins a chat of two, or a group. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import "../base/dialog.js";
import type { TlDialog } from "../base/dialog.js";
import { TlElement } from "../base/element.js";
import { buttonStyles, fieldStyles } from "../theme/base.js";
import { partiesOf } from "./parties.js";

/**
 * A dialog: parties, and a name when there is more than one.
 *
 * @fires tl-conversation - `{conversation}`: it is there.
 */
@customElement("tl-new-conversation")
export class TlNewConversation extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    fieldStyles,
    css`
      form {
        display: flex;
        flex-direction: column;
        gap: var(--tl-space-3);
      }
      .actions {
        display: flex;
        justify-content: flex-end;
        gap: var(--tl-space-2);
      }
      .hint {
        margin-block-start: var(--tl-space-1);
        font-size: var(--tl-size-1);
        color: var(--tl-text-2);
      }
    `,
  ];

  @state() private who = "";
  @state() private name = "";
  @state() private problem = "";
  @state() private busy = false;
  @query("tl-dialog") private readonly dialog!: TlDialog;

  /** Open the dialog. */
  async show(): Promise<void> {
    this.who = this.name = this.problem = "";
    await this.dialog.show();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLInputElement>("input")?.focus();
  }

  private async begin(event: Event): Promise<void> {
    event.preventDefault();
    const { parties, wrong } = partiesOf(this.who);
    if (wrong !== "" || parties.length === 0) {
      this.problem = this.t("invalid_party");
      return;
    }
    this.problem = "";
    this.busy = true;
    try {
      let conversation = parties[0] as string;
      if (parties.length > 1 || this.name.trim() !== "") {
        const made = await this.client?.api.group.create({ name: this.name.trim(), members: parties });
        conversation = made?.conversation ?? conversation;
        await this.client?.conversations.fetch(conversation);
      }
      this.dialog.close();
      this.emit("tl-conversation", { conversation });
    } catch (error) {
      this.problem = this.t("failed_because", { reason: this.explain(error) });
    } finally {
      this.busy = false;
    }
  }

  protected override render(): TemplateResult {
    return html`<tl-dialog heading=${this.t("new_conversation")}>
      <form @submit=${this.begin}>
        <div>
          <label class="label" for="who">${this.t("new_group_members")}</label>
          <input class="field" id="who" autocomplete="off" placeholder="user/ann" aria-describedby="hint" aria-invalid=${this.problem === "" ? nothing : "true"} .value=${this.who}
            @input=${(event: Event) => (this.who = (event.target as HTMLInputElement).value)} />
          <p class="hint" id="hint">${this.t("invite_hint")}</p>
        </div>
        <div>
          <label class="label" for="name">${this.t("group_name")}</label>
          <input class="field" id="name" maxlength="200" .value=${this.name} @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)} />
        </div>
        ${this.problem === "" ? nothing : html`<p class="field-error" role="alert">${this.problem}</p>`}
        <div class="actions">
          <button type="button" class="button" @click=${() => this.dialog.close()}>${this.t("cancel")}</button>
          <button class="button primary" ?disabled=${this.busy || this.who.trim() === ""}>${this.t("create")}</button>
        </div>
      </form>
    </tl-dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-new-conversation": TlNewConversation;
  }
}
