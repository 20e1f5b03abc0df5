/**
 * `<tl-card>`: an interactive card of any kind, in one frame.
 *
 * Actions go to the client, which shows them at once and keeps them until the server answered. Not here: what each kind
 * looks like (one module per kind).
 */

import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { LocalCard, Message } from "@trunkline/core";

import "../base/avatar.js";
import { TlElement } from "../base/element.js";
import { icon, type IconName } from "../base/icons.js";
import { buttonStyles, fieldStyles } from "../theme/base.js";
import { mapStyles } from "../messages/styles.js";
import { contentOf, textOf } from "../messages/summary.js";
import { approvalView } from "./approval.js";
import { customView, unknownView } from "./custom.js";
import { eventView } from "./event.js";
import { formView } from "./form.js";
import { mapOf, numberOf, type CardHost, type CardView } from "./host.js";
import { packetView } from "./packet.js";
import { livePlaceView, placeView } from "./places.js";
import { pollView } from "./poll.js";
import { cardStyles } from "./styles.js";
import { todoView } from "./todo.js";

const KINDS: Readonly<Record<string, { view: CardView; icon: IconName; label: string }>> = {
  poll: { view: pollView, icon: "poll", label: "poll" },
  event: { view: eventView, icon: "calendar", label: "event" },
  location: { view: placeView, icon: "map_pin", label: "location" },
  live_location: { view: livePlaceView, icon: "map_pin", label: "live_location" },
  todo: { view: todoView, icon: "list", label: "todo" },
  approval: { view: approvalView, icon: "stamp", label: "approval" },
  form: { view: formView, icon: "form", label: "form" },
  red_packet: { view: packetView, icon: "gift", label: "red_packet" },
  custom: { view: customView, icon: "puzzle", label: "app_card" },
};
const UNKNOWN = { view: unknownView, icon: "puzzle" as IconName, label: "app_card" };

/** An interactive card. */
@customElement("tl-card")
export class TlCard extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, fieldStyles, mapStyles, cardStyles];

  /** The message the card came with. */
  @property({ attribute: false }) message: Message | undefined;
  /** The card, where it does not hang on the message (live rooms). */
  @property({ attribute: false }) card: LocalCard | undefined;
  /** How actions are carried out, where not by the client's `cards.act` (live rooms). */
  @property({ attribute: false }) perform: ((action: string, value: Record<string, unknown>) => Promise<unknown>) | undefined;

  @state() private error = "";
  @state() private mine = "";
  private readonly draft = new Map<string, unknown>();
  private asked = "";

  private async act(action: string, value: Record<string, unknown>): Promise<unknown> {
    const { message, client } = this;
    if (message === undefined) return undefined;
    this.error = "";
    try {
      if (this.perform !== undefined) return (await this.perform(action, value)) ?? {};
      return (await client?.cards.act(message.conversation, message.seq, action, value)) ?? {};
    } catch (error) {
      this.error = this.t("failed_because", { reason: this.explain(error) });
      // Controls show the state again, not what was tried.
      this.requestUpdate();
      return undefined;
    }
  }

  /** Who I am on an anonymous poll only the server can tell. */
  private findMine(message: Message, card: LocalCard): string {
    const self = this.client?.party ?? "";
    if (mapOf(card.data)["anonymous"] !== true || message.seq === 0) return self;
    const key = `${message.conversation} ${message.seq}`;
    if (this.asked !== key && this.client !== undefined) {
      this.asked = key;
      void this.client.cards.get(message.conversation, message.seq).then(
        (view) => (this.mine = view.mine ?? ""),
        () => undefined,
      );
    }
    return this.mine;
  }

  private host(message: Message, card: LocalCard): CardHost {
    const self = this.client?.party ?? "";
    const role = this.watch(`conversation ${message.conversation}`, (client) => client.conversations.one(message.conversation))?.role ?? "";
    return {
      message,
      card,
      data: mapOf(card.data),
      summary: mapOf(card.summary),
      self,
      mine: this.findMine(message, card),
      open: card.closed === "" && message.status === "sent" && this.client !== undefined && (message.seq > 0 || this.perform !== undefined),
      mayClose: message.sender === self || role === "owner" || role === "admin",
      draft: this.draft,
      localizer: this.localizer,
      t: (key, values) => this.t(key, values),
      name: (party) => this.nameOf(party),
      act: (action, value = {}) => this.act(action, value),
      set: (key, value) => {
        if (value === undefined) this.draft.delete(key);
        else this.draft.set(key, value);
        this.requestUpdate();
      },
      avatar: (party) => {
        const profile = this.profileOf(party);
        return html`<tl-avatar name=${profile.name ?? ""} seed=${party} .src=${profile.avatar ?? ""} title=${profile.name ?? ""}></tl-avatar>`;
      },
    };
  }

  protected override render(): TemplateResult {
    const { message } = this;
    if (message === undefined) return html``;
    const content = contentOf(message);
    const card: LocalCard = this.card ?? message.card ?? {
      kind: textOf(content["kind"]), data: mapOf(content["data"]), state: {}, summary: {}, closed: "", on_their_way: 0, partial: false,
    };
    const kind = Object.hasOwn(KINDS, card.kind) ? (KINDS[card.kind] ?? UNKNOWN) : UNKNOWN;
    const host = this.host(message, card);
    return html`<div class="frame kind-${card.kind}" role="group" aria-label=${this.t(kind.label)}>
      <header>${icon(kind.icon, "small")}<span>${this.t(kind.label)}</span><span class="end">${this.status(card, content)}${this.closing(host)}</span></header>
      <div class="body">${kind.view(host)}</div>
      ${this.error === "" ? nothing : html`<p class="error" role="alert">${icon("alert", "small")}${this.error}</p>`}
    </div>`;
  }

  private status(card: LocalCard, content: Readonly<Record<string, unknown>>): TemplateResult | typeof nothing {
    if (card.closed !== "") {
      const key = `card_closed_${card.closed}`;
      const known = this.t(key);
      return html`<span class="state ${card.closed}">${known === key ? this.t("card_closed") : known}</span>`;
    }
    const closes = numberOf(content["closes_at_ms"]) || (this.message?.expires_at_ms ?? 0);
    return closes > 0 && card.kind !== "red_packet"
      ? html`<span class="state">${this.t("card_closes", { when: this.localizer.recent(closes) })}</span>`
      : nothing;
  }

  private closing(host: CardHost): TemplateResult | typeof nothing {
    if (!host.open || !host.mayClose || !["poll", "form", "todo"].includes(host.card.kind)) return nothing;
    return html`<button type="button" class="end-card" @click=${() => void host.act("close")}>${this.t("close_card")}</button>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-card": TlCard;
  }
}
