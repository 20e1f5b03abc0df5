/** Messages in one line of plain text: for lists, quotes, announcements. And what notices say. */

import type { EntryView, Message } from "@trunkline/core";

import type { Localizer } from "../i18n/localizer.js";

/** What a summary needs besides the entry. */
export interface Speaker {
  localizer: Localizer;
  /** The party at this screen. */
  self: string;
  nameOf: (party: string) => string;
}

type Content = Readonly<Record<string, unknown>>;

/** The present content of an entry: edits included; an empty map when there is none. */
export function contentOf(entry: EntryView): Content {
  const content: unknown = entry.now?.content ?? entry.content;
  return typeof content === "object" && content !== null && !Array.isArray(content) ? (content as Content) : {};
}

/** A value if it is text, else "". */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** What kind of card an entry is; "" for none. */
export function cardKindOf(entry: EntryView): string {
  return entry.type === "card.created" ? textOf(contentOf(entry)["kind"]) || "custom" : "";
}

/** An entry's text on one line: what a list shows under a name. */
export function summaryOf(entry: EntryView, speaker: Speaker): string {
  const { localizer } = speaker;
  const content = contentOf(entry);
  const now = entry.now;
  if (now?.recalled) {
    if (entry.sender === speaker.self) return localizer.text("recalled_own");
    return localizer.text("recalled", { name: speaker.nameOf(entry.sender) });
  }
  if (now?.expired) return localizer.text("expired");
  if (now?.erased) return localizer.text("erased");
  if (entry.content === null && entry.now === undefined && isMessage(entry.type))
    return localizer.text("recalled", { name: speaker.nameOf(entry.sender) });
  const labelled = (label: string, text: unknown): string => (textOf(text) ? `[${label}] ${textOf(text)}` : `[${label}]`);
  switch (entry.type) {
    case "text":
      return textOf(content["text"]).replace(/\s+/gu, " ").slice(0, 300);
    case "image":
      return labelled(localizer.text("image"), content["caption"]);
    case "voice":
      return `[${localizer.text("voice")}] ${localizer.duration(Number(content["duration_ms"]) || 0)}`;
    case "video":
      return labelled(localizer.text("video"), "");
    case "file":
      return labelled(localizer.text("file"), content["name"]);
    case "location":
      return labelled(localizer.text("location"), content["title"] ?? content["address"]);
    case "sticker":
      return labelled(localizer.text("sticker"), "");
    case "forward":
      return labelled(localizer.text("forwarded"), content["title"]);
    case "custom":
      return textOf(content["text"]) || localizer.text("custom_unnamed");
    case "card.created": {
      const kind = cardKindOf(entry);
      const label = localizer.text(kind === "custom" ? "app_card" : kind);
      return labelled(label === kind ? localizer.text("app_card") : label, content["text"]);
    }
    default:
      return noticeOf(entry, speaker) || textOf(content["text"]) || localizer.text("custom_unnamed");
  }
}

/** Whether an entry type is something somebody said. */
export function isMessage(type: string): boolean {
  return type === "card.created" || !/^(conversation|members?|message|card|community|room)\./.test(type) && type !== "placeholder";
}

/** What a change entry says to people; "" for those that are shown where they took effect. */
export function noticeOf(entry: EntryView, speaker: Speaker): string {
  const { localizer } = speaker;
  const content = contentOf(entry);
  const name = entry.sender === speaker.self ? localizer.text("you") : speaker.nameOf(entry.sender);
  const parties = Array.isArray(content["parties"]) ? content["parties"].filter((party) => typeof party === "string") : [];
  const called = (party: unknown): string =>
    party === speaker.self ? localizer.text("you") : speaker.nameOf(textOf(party));
  const others = localizer.list(
    parties.length > 5 ? [...parties.slice(0, 4).map(called), `+${parties.length - 4}`] : parties.map(called),
  );
  switch (entry.type) {
    case "conversation.created":
      return content["kind"] === "direct" ? "" : localizer.text("group_created", { name });
    case "conversation.updated":
      if (typeof content["muted_all"] === "boolean")
        return localizer.text(content["muted_all"] ? "everyone_muted" : "everyone_unmuted", { name });
      if (textOf(content["name"])) return localizer.text("group_renamed", { name, title: textOf(content["name"]) });
      return localizer.text("group_updated", { name });
    case "conversation.dismissed":
      return localizer.text("group_dismissed");
    case "conversation.transferred":
      return localizer.text("group_transferred", { name, other: called(content["party"]) });
    case "members.added":
      if (parties.length === 1 && parties[0] === entry.sender) return localizer.text("member_joined", { name });
      return localizer.text("members_added", { name, others });
    case "members.removed":
      if (parties.length === 1 && parties[0] === entry.sender) return localizer.text("member_left", { name });
      return localizer.text("members_removed", { name, others });
    case "member.changed": {
      const other = called(content["party"]);
      const role = textOf(content["role"]);
      if (role !== "") {
        const word = localizer.text(`role_${role}`);
        return localizer.text("role_changed", { name, other, role: word });
      }
      return localizer.text(Number(content["muted_until_ms"]) > 0 ? "member_muted" : "member_unmuted", { name, other });
    }
    case "message.pinned":
      return localizer.text(content["on"] === false ? "message_unpinned" : "message_pinned", { name });
    default:
      return "";
  }
}

/** Whether a list has a row for an item: a message, or a notice with something to say. */
export function isShown(item: Message): boolean {
  if (item.message) return true;
  return /^(conversation\.(updated|dismissed|transferred|created)|members\.|member\.changed)/.test(item.type)
    && !(item.type === "conversation.created" && contentOf(item)["kind"] === "direct");
}
