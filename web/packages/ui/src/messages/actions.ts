/** What may be done with a message, as choices of a menu. */

import type { ClientApi, Message } from "@trunkline/core";

import type { MenuItem } from "../base/menu.js";
import type { MessageKey } from "../i18n/localizer.js";
import type { MessageAction } from "./message.js";
import { contentOf, textOf } from "./summary.js";

/** What the menu needs of the list. */
export interface ActionContext {
  client: ClientApi;
  /** My role in the conversation. */
  role: string;
  direct: boolean;
  inThread: boolean;
  t(key: MessageKey): string;
  attempt(work: Promise<unknown>): void;
  confirm(text: string, yes: string): Promise<boolean>;
  act(action: MessageAction, anchor?: HTMLElement): void;
  emit(type: string, detail: unknown): void;
  anchor: HTMLElement;
}

/** The choices for a message that was sent and is not gone. */
export function menuOf(message: Message, context: ActionContext): (MenuItem | null)[] {
  const { client, t } = context;
  const { conversation, seq } = message;
  const runs = context.role === "owner" || context.role === "admin";
  const text = textOf(contentOf(message)["text"]);
  const pinned = message.now?.pinned === true;
  const items: (MenuItem | null)[] = [
    { label: t("react"), icon: "smile_plus", run: () => context.act("pick_reaction", context.anchor) },
    { label: t("reply"), icon: "reply", run: () => context.act("reply") },
  ];
  if (!context.inThread && !message.thread) items.push({ label: t("reply_in_thread"), icon: "thread", run: () => context.act("thread") });
  items.push({ label: t("forward"), icon: "forward", run: () => context.emit("tl-forward", { messages: [message] }) });
  if (text !== "" && message.type === "text")
    items.push({ label: t("copy"), icon: "copy", run: () => context.attempt(navigator.clipboard.writeText(text)) });
  if (message.mine && message.type === "text") items.push({ label: t("edit"), icon: "edit", run: () => context.emit("tl-edit", { message }) });
  if (context.direct || runs)
    items.push({ label: t(pinned ? "unpin_message" : "pin_message"), icon: "pin", run: () => context.attempt(client.pin(conversation, seq, !pinned)) });
  if (message.mine && !context.direct) items.push({ label: t("details"), icon: "checks", run: () => context.act("readers") });
  items.push(null, { label: t("delete_for_me"), icon: "trash", run: () => context.attempt(client.hide(conversation, [seq])) });
  if (message.mine || runs)
    items.push({
      label: t("recall"),
      icon: "undo",
      danger: true,
      run: () => void context.confirm(t("confirm_recall"), t("recall")).then((yes) => yes && context.attempt(client.recall(conversation, seq))),
    });
  return items;
}
