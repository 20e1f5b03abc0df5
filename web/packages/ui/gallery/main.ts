/** The gallery: `?show=NAME` draws one component with fixed data; `theme`, `lang` and `dir` change how. */

import "../src/index.js";
import type { Message, WindowState } from "@trunkline/core";
import type { TlCard, TlChat, TlComposer, TlConversationList, TlGroup, TlMessageList, TlProfile, TlSearch, TlThread } from "../src/index.js";
import { cardMessages, conversations, directMessages, groupMessages, manyMessages } from "./data.js";
import { fixture, type Value } from "./fixture.js";

const query = new URLSearchParams(location.search);
const show = query.get("show") ?? "chat";
const root = document.documentElement;
root.lang = query.get("lang") ?? "en";
if (query.has("theme")) root.dataset["tlTheme"] = query.get("theme") ?? "";
if (query.has("dir")) root.dir = query.get("dir") ?? "ltr";

const group = await groupMessages();
const replies = [
  { ...(group[3] as Message), key: "t1", seq: 301, thread: 9, sender: "user/bo", content: { text: "Oranges travel well, good idea." }, now: undefined },
  { ...(group[3] as Message), key: "t2", seq: 302, thread: 9, sender: "user/ann", mine: true, content: { text: "I take the big box then." }, now: undefined },
  { ...(group[3] as Message), key: "t3", seq: 303, thread: 9, sender: "user/li", content: { text: "好的，明天见！" }, now: undefined },
] as unknown as Message[];
const logs: Record<string, readonly Message[]> = { "g.summit": group, "g.summit#9": replies, "g.cards": cardMessages(), "d.ann.bo": directMessages() };
if (show === "many") logs["g.many"] = manyMessages(Number(query.get("count") ?? 100_000));
const made = fixture(query.has("empty") ? [] : conversations, query.has("empty") ? {} : logs);
const { client } = made;

const stage = document.createElement("main");
stage.id = "stage";
stage.className = show;
document.body.append(stage);
if (show !== "chat") {
  const heading = document.createElement("h1");
  heading.className = "page";
  heading.textContent = show;
  stage.append(heading);
  if (show === "cards") stage.append(Object.assign(document.createElement("h2"), { className: "page", textContent: "All kinds" }));
}

function put<T extends HTMLElement>(name: string, values: Partial<T>, label = ""): T {
  const element = document.createElement(name) as T;
  Object.assign(element, { client, ...values });
  if (label) element.setAttribute("aria-label", label);
  stage.append(element);
  return element;
}

switch (show) {
  case "conversations":
    put<TlConversationList>("tl-conversation-list", { selected: "g.cards" });
    break;
  case "messages":
    put<TlMessageList>("tl-message-list", { conversation: query.get("conversation") ?? "g.summit" });
    break;
  case "many":
    put<TlMessageList>("tl-message-list", { conversation: "g.many", max: 1_000_000 });
    break;
  case "cards":
    for (const message of logs["g.cards"] ?? []) put<TlCard>("tl-card", { message });
    break;
  case "composer": {
    const composer = put<TlComposer>("tl-composer", { conversation: "g.summit" });
    const other = put<TlComposer>("tl-composer", { conversation: "d.ann.dmitri" });
    put<TlComposer>("tl-composer", { conversation: "g.muted" });
    await composer.updateComplete;
    composer.reply(group[3] as Message);
    other.addFiles([new File([new Uint8Array(2_400_000)], "panorama-east-ridge.jpg", { type: "image/jpeg" })]);
    break;
  }
  case "thread":
    put<TlThread>("tl-thread", { conversation: "g.summit", thread: 9 });
    break;
  case "group":
    put<TlGroup>("tl-group", { conversation: "g.summit" });
    break;
  case "search":
    put<TlSearch>("tl-search", { conversation: "g.summit" });
    break;
  case "profile":
    put<TlProfile>("tl-profile", { party: "user/bo" });
    put<TlProfile>("tl-profile", { party: "user/ann" });
    break;
  case "states": {
    const views: Partial<WindowState>[] = [
      { items: [], loading: "before" }, { items: [] }, { items: [], error: Object.assign(new Error("The server is busy; try again in a moment"), { slug: "busy" }) as never },
    ];
    views.forEach((view, at) => {
      const id = `s${at}`;
      client.messages(id);
      (made.messages.get(id) as Value<WindowState>).set({ items: [], at_start: true, at_end: true, loading: "", ...view });
      put<TlMessageList>("tl-message-list", { conversation: id });
    });
    const empty = put<TlConversationList>("tl-conversation-list", {});
    empty.client = fixture([], {}).client;
    const loading = put<TlConversationList>("tl-conversation-list", {});
    const waiting = fixture([], {});
    waiting.state.set({ ...waiting.state.get(), state: "connecting" });
    loading.client = waiting.client;
    break;
  }
  default: {
    const chat = put<TlChat>("tl-chat", { conversation: query.get("conversation") ?? "g.summit" });
    if (query.has("offline")) made.state.set({ ...made.state.get(), state: "offline", reason: "no network" });
    if (root.dataset["tlTheme"] === undefined) chat.theme = "";
  }
}
Object.assign(window, { gallery: made });
document.body.dataset["ready"] = "yes";
