/** One row of the list: a message with what its neighbours and the conversation say about how it is drawn. */

import { html, type TemplateResult } from "lit";
import type { Conversation, Message, WindowState } from "@trunkline/core";

import { startOfDay, type Localizer } from "../i18n/localizer.js";
import type { Quote } from "./message.js";
import { noticeOf, summaryOf, type Speaker } from "./summary.js";

/** Messages of one sender closer than this are drawn as one group. */
const GROUP_MS = 300_000;

/** What a row needs of the list. */
export interface Rows {
  readonly items: readonly Message[];
  readonly about: Conversation | undefined;
  readonly view: WindowState | undefined;
  readonly localizer: Localizer;
  readonly speaker: Speaker;
  readonly conversation: string;
  readonly thread: number;
  readonly firstUnread: Message | undefined;
  readonly focusKey: string;
  readonly flashKey: string;
  readonly fresh: ReadonlySet<string>;
  readonly readers: { key: string; count: number } | undefined;
  quoteOf(message: Message): Quote | undefined;
  focused(key: string): void;
}

/** Whether two neighbours are drawn as one group. */
function together(one: Message | undefined, other: Message | undefined, firstUnread: Message | undefined): boolean {
  return (
    one !== undefined && other !== undefined && one.message && other.message && one.sender === other.sender &&
    Math.abs(one.at_ms - other.at_ms) < GROUP_MS && other !== firstUnread && startOfDay(one.at_ms) === startOfDay(other.at_ms)
  );
}

/** The row at a place of the list. */
export function rowTemplate(at: number, rows: Rows): TemplateResult {
  const { items, about, view, localizer, firstUnread, speaker } = rows;
  const message = items[at] as Message;
  const [before, after] = [items[at - 1], items[at + 1]];
  const direct = about?.kind === "direct" || rows.conversation.includes("/");
  const newDay = before === undefined ? (view?.at_start ?? true) : startOfDay(before.at_ms) !== startOfDay(message.at_ms);
  return html`<tl-message
    role="article"
    data-key=${message.key}
    tabindex=${message.key === rows.focusKey ? 0 : -1}
    aria-label=${labelOf(message, speaker)}
    aria-posinset=${at + 1}
    aria-setsize=${view?.at_start && view.at_end ? items.length : -1}
    .message=${message}
    .quote=${rows.quoteOf(message)}
    .day=${newDay ? localizer.day(message.at_ms) : ""}
    .unread=${message === firstUnread}
    .first=${!together(before, message, firstUnread)}
    .last=${!together(message, after, firstUnread)}
    .own=${message.mine && message.message}
    .direct=${direct && rows.thread === 0}
    .inthread=${rows.thread > 0}
    .flash=${message.key === rows.flashKey}
    .fresh=${rows.fresh.has(message.key)}
    .peerread=${about?.peer_read ?? 0}
    .peerdelivered=${about?.peer_delivered ?? 0}
    .readers=${rows.readers?.key === message.key ? rows.readers.count : -1}
    @focus=${() => rows.focused(message.key)}
  ></tl-message>`;
}

/** What a screen reader says of a row. */
function labelOf(message: Message, speaker: Speaker): string {
  if (!message.message) return noticeOf(message, speaker);
  const { localizer } = speaker;
  const name = message.mine ? localizer.text("you") : speaker.nameOf(message.sender);
  return `${localizer.text("message_from", { name, time: localizer.time(message.at_ms) })}: ${summaryOf(message, speaker)}`;
}
