/**
 * What people do with messages of the list: reacts, answers, opens menus and dialogs; failures are said.
 *
 * Not here: which choices there are (`actions.ts`), what dialogs show (`dialogs.ts`).
 */

import type { ClientApi, Message } from "@trunkline/core";

import type { TlConfirm, TlDialog } from "../base/dialog.js";
import type { TlMenu } from "../base/menu.js";
import type { TlEmojiPicker } from "../composer/emoji-picker.js";
import type { MessageKey } from "../i18n/localizer.js";
import { menuOf } from "./actions.js";
import type { ListDialog } from "./dialogs.js";
import type { MessageActionDetail } from "./message.js";

/** What acting needs of the list. */
export interface Stage {
  readonly client: ClientApi | undefined;
  readonly conversation: string;
  readonly thread: number;
  readonly element: HTMLElement;
  readonly menu: TlMenu;
  readonly picker: TlEmojiPicker;
  readonly confirm: TlConfirm;
  readonly dialog: TlDialog;
  /** What the dialog shows. */
  shown: ListDialog | undefined;
  show(seq: number): Promise<boolean>;
  emit(type: string, detail?: unknown): void;
  t(key: MessageKey): string;
  /** An action failed. */
  failed(error: unknown): void;
}

/** Of one list. */
export class Acting {
  constructor(private readonly stage: Stage) {}

  /** Carry out what a message asks for. */
  async act({ action, message, value, anchor }: MessageActionDetail): Promise<void> {
    const { stage } = this;
    const { client } = stage;
    if (client === undefined) return;
    const { conversation, seq } = message;
    switch (action) {
      case "react": case "unreact":
        return this.attempt(client.react(conversation, seq, value ?? "", action === "react"));
      case "pick_reaction": {
        const key = await stage.picker.pick(anchor ?? stage.element);
        return key === undefined ? undefined : this.attempt(client.react(conversation, seq, key, true));
      }
      case "reply":
        return stage.emit("tl-reply", { message });
      case "thread":
        return stage.emit("tl-open-thread", { conversation, thread: message.thread || seq });
      case "quote":
        if (message.reply_to) await stage.show(message.reply_to);
        return;
      case "retry":
        client.resend(message);
        return;
      case "discard":
        return this.attempt(client.discard(message));
      case "readers": {
        stage.shown = { kind: "readers", receipt: undefined, message };
        await stage.dialog.show();
        const receipt = await client.receipt(conversation, seq, 200).catch(() => undefined);
        if (stage.shown?.kind === "readers") stage.shown = { kind: "readers", receipt, message };
        return;
      }
      case "forwarded":
        stage.shown = { kind: "forwarded", message };
        return stage.dialog.show();
      case "menu":
        return this.openMenu(message, anchor);
      default:
        return;
    }
  }

  /** Open the menu of a message. */
  async openMenu(message: Message, anchor: HTMLElement = this.stage.element): Promise<void> {
    const { stage } = this;
    const about = stage.client?.conversations.one(stage.conversation).get();
    if (stage.client === undefined || message.status !== "sent" || message.gone !== "" || !message.message) return;
    const items = menuOf(message, {
      client: stage.client,
      role: about?.role ?? "",
      direct: about?.kind === "direct",
      inThread: stage.thread > 0,
      t: (key) => stage.t(key),
      attempt: (work) => void this.attempt(work),
      confirm: (text, yes) => stage.confirm.ask(text, yes),
      act: (action, element) => void this.act(element === undefined ? { action, message } : { action, message, anchor: element }),
      emit: (type, detail) => stage.emit(type, detail),
      anchor,
    });
    stage.menu.label = stage.t("message_actions");
    await stage.menu.show(anchor, items);
  }

  private async attempt(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.stage.failed(error);
    }
  }
}
