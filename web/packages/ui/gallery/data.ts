/** The fixed people, conversations and messages of the gallery: every message type, card kind and state. */

import type { Conversation, EntryView, Message, Profile } from "@trunkline/core";
import { localCard } from "../../core/src/protocol/card_views.js";

export const ME = "user/ann";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Noon of today: all times of the gallery are relative to it. */
export const NOON = new Date(new Date().setHours(12, 0, 0, 0)).getTime();

/** A picture made here, so that the gallery loads nothing from elsewhere. */
export function picture(from: string, to: string, width = 640, height = 420, seed = 3): Promise<string> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const draw = canvas.getContext("2d") as CanvasRenderingContext2D;
  const sky = draw.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, from);
  sky.addColorStop(1, to);
  draw.fillStyle = sky;
  draw.fillRect(0, 0, width, height);
  draw.fillStyle = "rgba(255,244,214,.9)";
  draw.beginPath();
  draw.arc(width * 0.7, height * 0.3, height * 0.1, 0, 7);
  draw.fill();
  for (let layer = 0; layer < 4; layer++) {
    draw.fillStyle = `rgba(${20 + layer * 6},${52 - layer * 8},${58 - layer * 9},${0.45 + layer * 0.16})`;
    draw.beginPath();
    draw.moveTo(0, height);
    for (let x = 0; x <= width; x += 8)
      draw.lineTo(x, height * (0.52 + layer * 0.11) + Math.sin((x / width) * (5 + layer * seed) + layer * 2) * height * 0.07);
    draw.lineTo(width, height);
    draw.fill();
  }
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(URL.createObjectURL(blob as Blob)), "image/png"));
}

export const profiles: Record<string, Profile> = {
  "user/ann": { party: "user/ann", name: "Ann Lee", custom: {} },
  "user/bo": { party: "user/bo", name: "Bo Chen", custom: { Team: "Field service", Pronouns: "he/him" } },
  "user/carla": { party: "user/carla", name: "Carla Díaz", custom: {} },
  "user/dmitri": { party: "user/dmitri", name: "Dmitri Novak", custom: {} },
  "user/eve": { party: "user/eve", name: "Eve Okafor", custom: {} },
  "user/li": { party: "user/li", name: "李雨桐", custom: {} },
  "user/omar": { party: "user/omar", name: "Omar Haddad", custom: {} },
  "bot/release": { party: "bot/release", name: "Release bot", custom: {} },
};

let seq = 0;
function message(conversation: string, sender: string, minutes_ago: number, type: string, content: unknown, more: Partial<Message> = {}): Message {
  seq += 1;
  const entry: EntryView = { conversation, epoch: 1, seq, at_ms: NOON - minutes_ago * MINUTE, sender, type, content, ...more };
  const isMessage = !/^(conversation|members?)\./.test(type);
  const built: Message = { ...entry, key: `${conversation}/${seq}`, mine: sender === ME, status: "sent", message: isMessage, gone: "", ...more } as Message;
  if (type === "card.created") built.card = localCard(entry, ME, []);
  return built;
}

type Cell = [field: string, merge: "set" | "first" | "last" | "counter", key: string, value: unknown, by?: string];

function card(conversation: string, sender: string, minutes_ago: number, kind: string, data: Record<string, unknown>, cells: Cell[] = [], more: Partial<Message> = {}): Message {
  const fields: Record<string, [string, Record<string, unknown>]> = {};
  cells.forEach(([field, merge, key, value, by], at) => {
    const cell = (fields[field] ??= [merge, {}]);
    cell[1][key] = [1000 + at, NOON - (minutes_ago - at - 1) * MINUTE, by ?? (key.includes("/") ? key : sender), value];
  });
  return message(conversation, sender, minutes_ago, "card.created", { kind, text: String(data["question"] ?? data["title"] ?? kind), data }, { now: { as_of: 9999, card: { fields } }, ...more } as Partial<Message>);
}

const wave = Array.from({ length: 64 }, (_, at) => Math.round(40 + 90 * Math.abs(Math.sin(at / 3)) + 90 * Math.abs(Math.sin(at / 11 + 1)) * ((at * 7) % 5) / 5));

/** A group with text, media and everything that hangs on a message. */
export async function groupMessages(): Promise<Message[]> {
  seq = 0;
  const dunes = await picture("#f6b26b", "#d9534f");
  const lake = await picture("#7fb2d6", "#dff1f4", 420, 560, 2);
  const poster = await picture("#2f4858", "#86bbd8", 640, 360, 4);
  const g = "g.summit";
  const quotedSeq = 4;
  return [
    message(g, "user/ann", 2 * 1440 + 90, "conversation.created", { kind: "group", name: "Summit weekend" }),
    message(g, "user/ann", 2 * 1440 + 89, "members.added", { parties: ["user/bo", "user/carla", "user/li"] }),
    message(g, "user/bo", 2 * 1440 + 80, "text", { text: "Morning! I looked at the forecast for the ridge: clear until Saturday noon, wind after that." }),
    message(g, "user/bo", 2 * 1440 + 79, "text", { text: "So if we start at six we are back before it turns. Route is here: https://maps.example.org/routes/ridge-east?via=hut" }, {
      now: { as_of: 99, reactions: { "👍": ["user/ann", "user/carla", "user/li"], "🥾": ["user/li"] } },
    } as Partial<Message>),
    message(g, "user/carla", 2 * 1440 + 60, "image", { url: dunes, width: 640, height: 420, caption: "Last year, same week" }, { now: { as_of: 99, reactions: { "😍": ["user/ann", "user/bo"] } } } as Partial<Message>),
    message(g, "user/ann", 1440 + 130, "text", { text: "Six it is. I bring the stove." }, { reply_to: quotedSeq } as Partial<Message>),
    message(g, "user/ann", 1440 + 129, "text", { text: "☕️🏔️" }),
    message(g, "user/li", 1440 + 100, "voice", { url: "blob:none", duration_ms: 14_000, waveform: wave }),
    message(g, "user/li", 1440 + 99, "text", { text: "我也可以早点到，顺便带些水果 🍊" }, { now: { as_of: 99, replies: 3, last_reply_at_ms: NOON - 1440 * MINUTE + 20 * MINUTE } } as Partial<Message>),
    message(g, "user/bo", 1440 + 40, "file", { url: "https://files.example.org/ridge-east.gpx", name: "ridge-east-2026-final.gpx", size_bytes: 184_320, mime: "application/gpx+xml" }),
    message(g, "user/ann", 1440 + 30, "member.changed", { party: "user/bo", role: "admin" }),
    message(g, "user/carla", 200, "video", { url: "https://files.example.org/clip.mp4", poster, width: 640, height: 360, duration_ms: 42_000 }),
    message(g, "user/ann", 190, "location", { latitude: 46.558, longitude: 7.893, title: "Ridge car park", address: "Upper valley road 12" }),
    message(g, "user/bo", 120, "text", { text: "Meet at the lower one instead, the upper is closed." }, { now: { as_of: 99, edited_seq: 50, pinned: true, content: { text: "Let's meet at the lower car park instead: the upper one is closed until May." } }, mentions: ["user/ann"] } as Partial<Message>),
    message(g, "user/carla", 110, "text", { text: "@Ann Lee can you bring the rope too?" }, { mentions: ["user/ann"] } as Partial<Message>),
    message(g, "user/carla", 109, "text", { text: "" }, { gone: "recalled", content: null } as Partial<Message>),
    message(g, "user/ann", 60, "forward", {
      title: "Hut reservation",
      entries: [
        { sender: "user/omar", at_ms: NOON - 5 * HOUR, type: "text", content: { text: "Four beds from Friday, confirmed." } },
        { sender: "user/omar", at_ms: NOON - 5 * HOUR + MINUTE, type: "file", content: { name: "voucher.pdf", size_bytes: 90_112, url: "https://files.example.org/v.pdf" } },
        { sender: "user/eve", at_ms: NOON - 4 * HOUR, type: "text", content: { text: "Dinner is at seven, tell them about allergies." } },
      ],
    }),
    message(g, "user/li", 50, "image", { url: lake, width: 420, height: 560 }),
    message(g, "user/ann", 12, "text", { text: "Rope, stove, map. Packed." }, { now: { as_of: 99, reactions: { "🎉": ["user/bo", "user/carla"], "❤️": ["user/li"] } } } as Partial<Message>),
    message(g, "user/bo", 6, "custom", { kind: "weather.report", text: "Saturday: 11 °C, clear until 13:00, gusts of 60 km/h after." }),
    message(g, "user/ann", 2, "text", { text: "See you all there. I am on the train without much signal, so this may take a moment." }, { seq: 0, status: "pending" } as Partial<Message>),
    message(g, "user/ann", 1, "text", { text: "Also: who has the key?" }, {
      seq: 0, status: "failed", error: Object.assign(new Error("You are muted in this group"), { slug: "muted", code: 3004 }),
    } as unknown as Partial<Message>),
  ];
}

/** One card of every kind, some open, some closed. */
export function cardMessages(): Message[] {
  seq = 100;
  const g = "g.cards";
  return [
    card(g, "user/bo", 300, "poll", { question: "Which hut for the second night?", options: ["Lake hut", "Eagle’s nest", "Bivouac on the ridge", "Back down to the valley"] }, [
      ["votes", "last", "user/ann", [1]], ["votes", "last", "user/bo", [1]], ["votes", "last", "user/carla", [0]], ["votes", "last", "user/li", [1]], ["votes", "last", "user/eve", [2]],
    ]),
    card(g, "user/carla", 290, "poll", { question: "What do you eat?", options: ["Everything", "No meat", "No dairy"], multiple: true, anonymous: true }, [["votes", "last", "a1", [1, 2]], ["votes", "last", "a2", [0]]]),
    card(g, "user/carla", 280, "event", { title: "Ridge walk", starts_at_ms: NOON + 3 * DAY - 6 * HOUR, ends_at_ms: NOON + 3 * DAY + 3 * HOUR, place: "Lower car park", description: "Easy pace, one scramble. Bring a headlamp.", capacity: 8 }, [
      ["rsvp", "last", "user/ann", { answer: "yes", guests: 0, note: "" }], ["rsvp", "last", "user/bo", { answer: "yes", guests: 1, note: "" }],
      ["rsvp", "last", "user/li", { answer: "maybe", guests: 0, note: "" }], ["rsvp", "last", "user/eve", { answer: "no", guests: 0, note: "" }], ["rsvp", "last", "user/dmitri", { answer: "yes", guests: 0, note: "" }],
    ]),
    card(g, "user/ann", 270, "todo", { title: "Packing", items: [{ text: "Rope (30 m)" }, { text: "Stove and gas", assignee: "user/ann" }, { text: "First-aid kit", assignee: "user/bo", due_at_ms: NOON + DAY }, { text: "Map and compass" }] }, [
      ["done", "last", "1", true], ["done", "last", "2", true],
    ]),
    card(g, "user/eve", 260, "approval", { title: "Expenses: hut, 4 beds, 2 nights", description: "184.00 EUR, receipt in the files.", approvers: ["user/bo", "user/ann", "user/dmitri"], mode: "ordered" }, [
      ["decisions", "first", "user/bo", { decision: "approve", comment: "Fine, thank you for booking" }],
    ]),
    card(g, "user/eve", 250, "form", {
      title: "Before we leave", description: "So that we know whom to call and what to cook.",
      questions: [
        { id: "phone", label: "Whom do we call in an emergency?", required: true },
        { id: "level", label: "How do you feel about the scramble?", type: "choice", options: ["Great", "With a rope", "I would rather not"] },
        { id: "bring", label: "I can bring", type: "choices", options: ["A car", "A tent", "Snacks"] },
        { id: "nights", label: "Nights", type: "number", min: 1, max: 3 },
      ],
    }, [["responses", "last", "user/bo", { phone: "Mum", level: "Great" }]]),
    card(g, "user/li", 240, "red_packet", { amount: 8800, shares: 5, currency: "CNY", greeting: "新年快乐，万事如意！" }, [
      ["claims", "first", "user/bo", { amount: 2310, share: 0 }], ["claims", "first", "user/carla", { amount: 1275, share: 1 }],
    ]),
    card(g, "user/omar", 230, "red_packet", { amount: 600, shares: 2, currency: "USD", greeting: "For the winners of the map quiz" }, [
      ["claims", "first", "user/ann", { amount: 412, share: 0 }], ["claims", "first", "user/bo", { amount: 188, share: 1 }], ["closed", "first", "", "finished"],
    ]),
    card(g, "user/dmitri", 220, "location", { latitude: 46.62, longitude: 8.03, title: "Lake hut", address: "2,134 m, key in the box" }),
    card(g, "user/bo", 210, "live_location", { latitude: 46.6, longitude: 7.9, title: "On the way up", shared: true }, [
      ["positions", "last", "user/bo", { latitude: 46.601, longitude: 7.903 }], ["positions", "last", "user/carla", { latitude: 46.598, longitude: 7.899 }],
    ]),
    card(g, "user/ann", 200, "custom", { name: "scoreboard", title: "Map quiz, final round", data: { Round: 3, Prize: "Coffee" }, fields: { points: { merge: "counter" }, ready: { merge: "set" } } }, [
      ["points", "counter", "user/bo", 12], ["points", "counter", "user/ann", 9], ["ready", "set", "user/bo", true],
    ]),
    card(g, "user/dmitri", 190, "poll", { question: "Start at six?", options: ["Yes", "Rather seven"] }, [["votes", "last", "user/ann", [0]], ["votes", "last", "user/bo", [0]], ["closed", "first", "", "expired"]]),
    card(g, "user/eve", 180, "approval", { title: "Take the dog along", approvers: ["user/ann", "user/bo"], mode: "any", needed: 1 }, [["decisions", "first", "user/ann", { decision: "reject", comment: "Not above the hut" }], ["closed", "first", "", "rejected"]]),
    card(g, "user/eve", 170, "hologram", { title: "From a newer version" }),
  ];
}

/** A conversation of two. */
export function directMessages(): Message[] {
  seq = 0;
  const d = "d.ann.bo";
  return [
    message(d, "user/bo", 30, "text", { text: "Hi Ann, do you have five minutes for the release notes?" }),
    message(d, "user/ann", 28, "text", { text: "Sure." }),
    message(d, "user/ann", 27, "text", { text: "Send me the draft, I read it on the train." }),
    message(d, "user/bo", 20, "text", { text: "Here it is. The second paragraph is too long, I know." }),
    message(d, "user/ann", 10, "text", { text: "Much better than the last one. I would cut “in order to” everywhere and put the breaking change first; people stop reading after the first line." }),
    message(d, "user/ann", 9, "text", { text: "Otherwise: ship it 🚀" }),
  ];
}

/** As many messages as wanted, of several kinds and lengths. */
export function manyMessages(count: number): Message[] {
  const senders = Object.keys(profiles);
  const words = "the route is clear until noon and we should start early because wind comes up after lunch on the upper ridge where the path turns".split(" ");
  const messages: Message[] = [];
  for (let at = 0; at < count; at++) {
    const sender = senders[Math.floor(at / 3) % senders.length] as string;
    const length = 3 + ((at * 7919) % 37);
    const text = `${at + 1}. ${Array.from({ length }, (_, word) => words[(at * 31 + word * 7) % words.length]).join(" ")}`;
    const base = { conversation: "g.many", epoch: 1, seq: at + 1, at_ms: NOON - (count - at) * 40_000, sender, key: `m${at}`, mine: sender === ME, status: "sent" as const, message: true, gone: "" as const };
    if (at % 41 === 7) messages.push({ ...base, type: "file", content: { url: "https://files.example.org/f.pdf", name: `report-${at}.pdf`, size_bytes: 1000 + at } } as Message);
    else if (at % 53 === 11) messages.push({ ...base, type: "voice", content: { url: "blob:none", duration_ms: 4000 + at, waveform: wave } } as Message);
    else messages.push({ ...base, type: "text", content: { text }, ...(at % 17 === 3 ? { now: { as_of: 1, reactions: { "👍": ["user/bo"] } } } : {}), ...(at % 23 === 5 && at > 10 ? { reply_to: at - 4 } : {}) } as Message);
  }
  return messages;
}

function conversation(id: string, more: Partial<Conversation>): Conversation {
  return {
    conversation: id, kind: "group", epoch: 1, head: 100, unread: 0, unread_mentions: 0, read: 100, delivered: 100, peer_read: 0, peer_delivered: 0,
    role: "member", peer: "", name: "", avatar: "", custom: {}, member_count: 4, muted_all: false, muted_until_ms: 0, first_visible_seq: 1, left_seq: 0, join: "invite", who_invites: "member", history_before_join: true,
    dismissed: false, active_at_ms: NOON, community: "", last: null, pending: 0, failed: 0, draft: "", silent: false,
    ...more,
    settings: { pinned: false, order: 0, mute: false, dnd_until_ms: 0, draft: "", hidden: false, notify: "", ...(more.settings ?? {}) },
  } as Conversation;
}

const said = (id: string, sender: string, text: string): EntryView => ({ conversation: id, epoch: 1, seq: 100, at_ms: NOON, sender, type: "text", content: { text } });
const settings = (values: Partial<Conversation["settings"]>): Conversation["settings"] => values as Conversation["settings"];

/** The list: pins, unread, mentions, a draft, silence, presence, a failed message, long names and another script. */
export const conversations: Conversation[] = [
  conversation("g.summit", { name: "Summit weekend", role: "owner", unread: 3, unread_mentions: 1, read: 12, head: 20, failed: 1, pending: 1, settings: settings({ pinned: true }), last: said("g.summit", "user/carla", "@Ann Lee can you bring the rope too?"), active_at_ms: NOON - 2 * MINUTE }),
  conversation("d.ann.bo", { kind: "direct", peer: "user/bo", peer_read: 5, peer_delivered: 6, settings: settings({ pinned: true }), last: said("d.ann.bo", "user/ann", "Otherwise: ship it 🚀"), active_at_ms: NOON - 9 * MINUTE }),
  conversation("d.ann.carla", { kind: "direct", peer: "user/carla", unread: 12, last: { conversation: "d.ann.carla", epoch: 1, seq: 9, at_ms: NOON, sender: "user/carla", type: "voice", content: { duration_ms: 14_000 } }, active_at_ms: NOON - 40 * MINUTE }),
  conversation("g.cards", { name: "Weekend planning", role: "admin", member_count: 8, last: { conversation: "g.cards", epoch: 1, seq: 9, at_ms: NOON, sender: "user/bo", type: "card.created", content: { kind: "poll", text: "Which hut for the second night?" } }, active_at_ms: NOON - 3 * HOUR }),
  conversation("g.release", { name: "Release train with an unusually long name that has to end somewhere", unread: 148, silent: true, settings: settings({ mute: true }), last: said("g.release", "bot/release", "Build 4182 is green on all platforms"), active_at_ms: NOON - 5 * HOUR }),
  conversation("d.ann.dmitri", { kind: "direct", peer: "user/dmitri", draft: "I can take the late shift on", last: said("d.ann.dmitri", "user/dmitri", "Who takes Friday?"), active_at_ms: NOON - DAY }),
  conversation("d.ann.li", { kind: "direct", peer: "user/li", last: said("d.ann.li", "user/li", "谢谢！照片我晚上发给你"), silent: true, settings: settings({ dnd_until_ms: NOON + 20 * DAY }), active_at_ms: NOON - 2 * DAY }),
  conversation("d.ann.omar", { kind: "direct", peer: "user/omar", last: said("d.ann.omar", "user/omar", "شكرا، أراك غدا"), active_at_ms: NOON - 3 * DAY }),
  conversation("g.muted", { name: "Announcements", muted_all: true, member_count: 1204, last: { conversation: "g.muted", epoch: 1, seq: 9, at_ms: NOON, sender: "user/eve", type: "file", content: { name: "minutes.pdf", size_bytes: 9 } }, active_at_ms: NOON - 20 * DAY }),
  conversation("g.many", { name: "A hundred thousand", member_count: 8, head: 100_000, read: 100_000, last: said("g.many", "user/bo", "…"), active_at_ms: NOON - 400 * DAY }),
];

export const members = [
  { party: "user/ann", role: "owner", joined_seq: 1 },
  { party: "user/bo", role: "admin", joined_seq: 2 },
  { party: "user/carla", role: "member", joined_seq: 2 },
  { party: "user/li", role: "member", joined_seq: 2, muted_until_ms: NOON + 20 * DAY },
];
