// Entries and outbox rows as the messages that a view shows.
// What lives here: what a message looks like. What does not: which ones a window holds (window).

import type { LocalCard, Message } from "../api.js";
import { TrunklineError } from "../errors.js";
import type { EntryView } from "../generated/wire.js";
import { CARD_CHANGED, CARD_CREATED } from "../engine/lane.js";
import { sendKey } from "../engine/notices.js";
import { isMessage } from "../protocol/entries.js";
import type { OutboxRow } from "../store/store.js";

type Views = typeof import("../later.js");
let views: Views | undefined;

/** What draws cards, loaded when the first one is to be shown; resolves at once when it is there. */
export async function cardViews(): Promise<Views> {
  return (views ??= await import("../later.js"));
}

/** Whether cards can be shown now. */
export const cardsReady = (): boolean => views !== undefined;

/** An entry as a message; `rows` are those of the outbox that may act on it. */
export function messageOf(entry: EntryView, me: string, rows: readonly OutboxRow[] = []): Message {
  const now = entry.now;
  const message: Message = {
    ...entry,
    key: entry.outbox ? sendKey(entry.outbox, entry.n ?? 0) : `#${entry.seq}`,
    mine: entry.sender === me,
    status: "sent",
    message: isMessage(entry.type),
    gone: now?.recalled ? "recalled" : now?.expired ? "expired" : now?.erased ? "erased" : "",
  };
  if (entry.type === CARD_CREATED && views) message.card = cardOf(views, entry, me, rows);
  return message;
}

/** A card with the actions of this device on top that have not come back yet. */
function cardOf(views: Views, entry: EntryView, me: string, rows: readonly OutboxRow[]): LocalCard {
  const acting = rows.filter((row) => row.type === CARD_CHANGED && row.status !== "refused" && row.content.seq === entry.seq);
  return views.localCard(entry, me, acting.map((row) => ({ ...row.content, at_ms: row.created_at_ms })));
}

/** A row of the outbox as a message. */
export function messageOfRow(row: OutboxRow, me: string): Message {
  const { conversation, outbox, n, seq, type, content, reply_to, mentions, thread, created_at_ms, status, error } = row;
  const entry: EntryView = {
    conversation, epoch: 0, seq, at_ms: created_at_ms, sender: me, type, content, outbox, n,
    ...(reply_to && { reply_to }), ...(mentions.length && { mentions }), ...(thread && { thread }),
  };
  const message = messageOf(entry, me);
  message.status = status === "refused" ? "failed" : status;
  if (error) message.error = new TrunklineError(error);
  return message;
}
