// How entries change what a reader sees: messages (overlays), threads, and the views of conversations.
// The same folds as the server's, so that all converge. What does not live here: cards (cards), storing.

import type { ConversationView, EntryView, Overlay } from "../generated/wire.js";
import { foldCard, own } from "./cards.js";

const MESSAGES = new Set("text image voice video file location sticker custom forward card.created".split(" "));
const CHANGES = new Set("message.edited message.recalled message.expired message.reacted message.pinned card.changed".split(" "));
const QUIET = new Set([...CHANGES, "message.erased", "placeholder", "conversation.created"]);
const REMOVALS = new Set(["message.recalled", "message.expired"]);
/** What people said, as opposed to what happened. */
export const isMessage = (type: string): boolean => MESSAGES.has(type);
/** A change of the message named by `target`. */
export const isChange = (type: string): boolean => CHANGES.has(type);
/** A reply was taken back. */
export const isRemoval = (type: string): boolean => REMOVALS.has(type);
/** Whether a list of messages shows the entry: what people said, and notices. */
export const isShown = (type: string): boolean => !QUIET.has(type);

/** Apply one change entry to the overlay of its target; entries already contained are ignored. */
export function fold(now: Overlay, { seq, at_ms, sender, type, content }: EntryView): void {
  if (seq <= (now.as_of ?? 0)) return;
  now.as_of = seq;
  const takenBack = now.recalled || now.expired;
  if (type === "message.edited") {
    if (takenBack) return;
    now.content = content?.content;
    now.edited_seq = seq;
    now.edited_at_ms = at_ms;
  } else if (type === "message.reacted") react(now, sender, content.key, content.on);
  else if (type === "message.pinned") now.pinned = content.on;
  else if (type === "card.changed") {
    if (!takenBack) foldCard((now.card ??= {}), content, seq, at_ms, sender);
  } else if (isRemoval(type)) {
    if (type === "message.recalled") now.recalled = true;
    else now.expired = true;
    now.content = null;
    now.reactions = {};
    now.pinned = false;
    now.card = null;
  }
}

function react(now: Overlay, sender: string, key: string, on: boolean): void {
  const { [key]: _, ...others } = now.reactions ?? {};
  const parties = (own(now.reactions ?? {}, key) ?? []).filter((party) => party !== sender);
  if (on) parties.push(sender);
  now.reactions = parties.length ? { ...now.reactions, [key]: parties } : others;
}

/** Apply a reply, or the removal of one, to the overlay of its thread's first message; once each. */
export function foldReply(now: Overlay, { seq, at_ms, type }: EntryView): void {
  if (seq <= (now.as_of ?? 0)) return;
  now.as_of = seq;
  if (isRemoval(type)) now.replies = (now.replies ?? 0) - 1;
  else {
    now.replies = (now.replies ?? 0) + 1;
    now.last_reply_seq = seq;
    now.last_reply_at_ms = at_ms;
  }
}

/** Up to where `me` has read a thread it begins to follow by this reply; -1: it does not. `root` is as it was before. */
export function followsFrom(reply: EntryView, root: EntryView | undefined, me: string): number {
  if (isRemoval(reply.type)) return -1;
  if (reply.sender === me) return reply.seq;
  if (reply.mentions?.includes(me)) return reply.seq - 1;
  return root?.sender === me && !root.now?.last_reply_seq ? reply.seq - 1 : -1;
}

/** Whether `me` is mentioned by name or with everyone. */
export function mentions(entry: EntryView, me: string): boolean {
  return !!entry.mentions && (entry.mentions.includes(me) || entry.mentions.includes("*"));
}

/** Alter a view by an entry beyond the head that the view was made at. */
export function applyEntry(view: ConversationView, entry: EntryView, me: string): void {
  if (entry.seq <= view.head) return;
  view.head = entry.seq;
  if (entry.thread) return; // a reply, or the removal of one, counts in its thread only
  view.active_at_ms = Math.max(view.active_at_ms ?? 0, entry.at_ms);
  if (isMessage(entry.type)) {
    view.last = entry;
    if (entry.sender !== me && entry.seq > (view.read ?? 0)) {
      view.unread = (view.unread ?? 0) + 1;
      if (mentions(entry, me)) view.unread_mentions = (view.unread_mentions ?? 0) + 1;
    }
  } else if (entry.type === "conversation.dismissed") view.dismissed = true;
  else if (entry.content && typeof entry.content === "object") applyChange(view, entry, me);
}

/** A message was recalled or expired: it no longer counts as unread. */
export function takeBack(view: ConversationView, message: EntryView, me: string): void {
  if (!isMessage(message.type) || message.thread || message.sender === me || message.seq <= (view.read ?? 0)) return;
  view.unread = Math.max(0, (view.unread ?? 0) - 1);
  if (mentions(message, me)) view.unread_mentions = Math.max(0, (view.unread_mentions ?? 0) - 1);
}

const UPDATABLE = ["name", "avatar", "custom", "muted_all", "join", "who_invites", "history_before_join"];

function applyChange(view: ConversationView, { type, seq, content }: EntryView, me: string): void {
  const parties: string[] = content.parties ?? [];
  if (type === "conversation.updated") {
    for (const key of UPDATABLE) if (key in content) (view as any)[key] = content[key];
  } else if (type === "members.added") {
    view.member_count = (view.member_count ?? 0) + parties.length;
    if (parties.includes(me)) view.left_seq = 0;
  } else if (type === "members.removed") {
    view.member_count = Math.max(0, (view.member_count ?? 0) - parties.length);
    if (parties.includes(me)) view.left_seq = seq;
  } else if (type === "member.changed" && content.party === me) {
    view.role = content.role ?? view.role;
    view.muted_until_ms = content.muted_until_ms ?? view.muted_until_ms;
  } else if (type === "conversation.transferred") {
    view.role = content.party === me ? "owner" : view.role === "owner" ? "admin" : view.role;
  } else if (type === "message.erased" && view.last?.sender === content.party) view.last = { ...view.last!, content: null };
}

/** Alter a view by a cursor push; cursors only move forward. */
export function applyCursor(view: ConversationView, party: string, delivered: number, read: number, me: string): void {
  if (party === me) {
    view.delivered = Math.max(view.delivered ?? 0, delivered);
    view.read = Math.max(view.read ?? 0, read);
  } else if (view.peer === party) {
    view.peer_delivered = Math.max(view.peer_delivered ?? 0, delivered);
    view.peer_read = Math.max(view.peer_read ?? 0, read);
  }
}

/** The newest seq this party may see. */
export function reachableHead(view: ConversationView): number {
  return view.left_seq ? Math.min(view.head, view.left_seq) : view.head;
}
