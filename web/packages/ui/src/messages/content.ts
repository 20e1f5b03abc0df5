/** What messages of each type look like inside their bubble. Media, voice and cards have components of their own. */

import { html, nothing, type TemplateResult } from "lit";
import type { EntryView, Message } from "@trunkline/core";

import { bareName } from "../base/element.js";
import { icon } from "../base/icons.js";
import { pieces, safeLink, safeMedia } from "../base/links.js";
import type { Localizer, MessageKey, Values } from "../i18n/localizer.js";
import { rendererOf } from "./renderers.js";
import { contentOf, summaryOf, textOf } from "./summary.js";

/** What content needs from the component around it. */
export interface ContentHost {
  t(key: MessageKey, values?: Values): string;
  localizer: Localizer;
  self: string;
  name(party: string): string;
  /** Whether a long text is shown whole, and how to change that. */
  expanded: boolean;
  expand(): void;
  openForward(message: Message): void;
}

/** Texts longer than this are folded up. */
const LONG_CHARS = 1_400;
const LONG_LINES = 22;

/** The inside of a bubble. */
export function contentTemplate(message: Message, host: ContentHost): TemplateResult {
  const content = contentOf(message);
  switch (message.type) {
    case "text":
      return textTemplate(textOf(content["text"]), message, host);
    case "image":
    case "video":
    case "file":
      return html`<tl-media .type=${message.type} .content=${content} from=${host.name(message.sender)}></tl-media>
        ${textOf(content["caption"]) ? textTemplate(textOf(content["caption"]), message, host) : nothing}`;
    case "voice":
      return html`<tl-voice .content=${content}></tl-voice>`;
    case "location":
      return locationTemplate(content, host);
    case "sticker":
      return stickerTemplate(content, host);
    case "forward":
      return forwardTemplate(message, host);
    case "card.created":
      return html`<tl-card .message=${message}></tl-card>`;
    default:
      return customTemplate(message, host);
  }
}

/** Whether a text is nothing but a few emoji, which are shown large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 24 && /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s)+$/u.test(text) && /\p{Extended_Pictographic}/u.test(text)
    && [...new Intl.Segmenter().segment(text.trim())].length <= 3;
}

/** A text with its links and mentions; every piece is a text node. */
export function textPieces(text: string, mentions: readonly string[], host: Pick<ContentHost, "name" | "self" | "t">): unknown {
  const names = mentions
    .flatMap((party) =>
      party === "*"
        ? [{ name: host.t("mention_all"), party }, { name: "everyone", party }, { name: "all", party }, { name: "所有人", party }]
        : [{ name: host.name(party), party }, { name: bareName(party), party }],
    )
    .sort((one, other) => other.name.length - one.name.length);
  return pieces(text, names).map((piece) =>
    piece.kind === "link"
      ? html`<a href=${piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">${piece.text}</a>`
      : piece.kind === "mention"
        ? html`<span class="mention ${piece.party === host.self || piece.party === "*" ? "me" : ""}">${piece.text}</span>`
        : piece.text,
  );
}

function textTemplate(text: string, message: Message, host: ContentHost): TemplateResult {
  const long = text.length > LONG_CHARS || text.split("\n", LONG_LINES + 1).length > LONG_LINES;
  const shown = textPieces(text, message.mentions ?? [], host);
  return html`<div class="text ${long && !host.expanded ? "folded" : ""}" dir="auto">${shown}</div>
    ${long
      ? html`<button type="button" class="unfold" aria-expanded=${String(host.expanded)} @click=${() => host.expand()}>
          ${host.t(host.expanded ? "show_less" : "show_more")}
        </button>`
      : nothing}`;
}

/** An address that shows a point on a map. */
export function mapLink(latitude: number, longitude: number): string {
  const [lat, lon] = [latitude.toFixed(6), longitude.toFixed(6)];
  return `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=16/${lat}/${lon}`;
}

/** A drawn map with a pin: no map service learns who looks at what. */
export function mapPicture(latitude: number, longitude: number): TemplateResult {
  // Streets that differ from place to place, and are the same for everyone.
  const tilt = ((Math.abs(latitude * 977) % 1) - 0.5) * 40;
  const shift = (Math.abs(longitude * 613) % 1) * 60;
  return html`<svg class="map" viewBox="0 0 280 120" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
    <rect class="land" width="280" height="120"></rect>
    <path class="park" d="M ${20 + shift} -10 l 70 0 l 12 52 l -66 16 Z M ${210 - shift} 84 l 60 -14 l 30 60 l -80 10 Z"></path>
    <path class="water" d="M -10 ${96 + tilt / 4} C 60 ${80 + tilt / 3} 90 126 160 ${108 - tilt / 4} S 250 96 300 ${112 + tilt / 5} L 300 140 L -10 140 Z"></path>
    <path class="street" d="M -10 ${40 + tilt / 2} L 300 ${28 - tilt / 2} M ${70 + shift / 2} -10 L ${96 + shift / 3} 130 M ${200 - shift / 3} -10 L ${182 - shift / 4} 130 M -10 ${84 - tilt / 3} L 300 ${70 + tilt / 4}"></path>
    <path class="lane" d="M ${30 + shift} -10 L ${42 + shift} 130 M ${140 - shift / 5} -10 L ${150 - shift / 5} 130 M ${240 - shift / 2} -10 L ${232 - shift / 2} 130 M -10 ${14 + tilt / 4} L 300 ${6 - tilt / 5}"></path>
    <path class="pin" d="M140 74c12-13 18-22 18-31a18 18 0 1 0-36 0c0 9 6 18 18 31Z"></path>
    <circle class="hole" cx="140" cy="43" r="6.5"></circle>
  </svg>`;
}

function locationTemplate(content: Readonly<Record<string, unknown>>, host: ContentHost): TemplateResult {
  const [latitude, longitude] = [Number(content["latitude"]), Number(content["longitude"])];
  const known = Number.isFinite(latitude) && Number.isFinite(longitude);
  const title = textOf(content["title"]) || host.t("location");
  const address = textOf(content["address"]) || (known ? `${latitude.toFixed(4)}, ${longitude.toFixed(4)}` : "");
  const inner = html`${mapPicture(known ? latitude : 0, known ? longitude : 0)}
    <span class="place"><strong dir="auto">${title}</strong><span dir="auto">${address}</span></span>`;
  return known
    ? html`<a class="location" href=${mapLink(latitude, longitude)} target="_blank" rel="noopener noreferrer nofollow"
        ><span class="visually-hidden">${host.t("open_map")}: </span>${inner}</a>`
    : html`<div class="location">${inner}</div>`;
}

function stickerTemplate(content: Readonly<Record<string, unknown>>, host: ContentHost): TemplateResult {
  const address = safeMedia(content["url"]);
  const name = textOf(content["id"]) || host.t("sticker");
  return address === undefined
    ? html`<span class="sticker missing" role="img" aria-label="${host.t("sticker")}: ${name}">${icon("smile")}<span>${name}</span></span>`
    : html`<img class="sticker" src=${address} alt="${host.t("sticker")}: ${name}" loading="lazy" referrerpolicy="no-referrer" />`;
}

/** The entries inside a merged forward, as messages nobody can act on. */
export function forwardedMessages(message: Message): Message[] {
  const entries = contentOf(message)["entries"];
  if (!Array.isArray(entries)) return [];
  return entries
    .filter((entry): entry is Record<string, unknown> => typeof entry === "object" && entry !== null)
    .map((entry, at) => ({
      conversation: message.conversation,
      epoch: message.epoch,
      seq: 0,
      at_ms: Number(entry["at_ms"]) || 0,
      sender: textOf(entry["sender"]),
      type: textOf(entry["type"]) || "custom",
      content: entry["content"] as EntryView["content"],
      key: `${message.key}/${at}`,
      mine: false,
      status: "sent",
      message: true,
      gone: "",
    }) as Message);
}

function forwardTemplate(message: Message, host: ContentHost): TemplateResult {
  const inner = forwardedMessages(message);
  const title = textOf(contentOf(message)["title"]) || host.t("forwarded");
  const speaker = { localizer: host.localizer, self: host.self, nameOf: (party: string) => host.name(party) };
  return html`<button type="button" class="forward" @click=${() => host.openForward(message)}>
    <span class="visually-hidden">${host.t("view_forwarded")}: </span>
    <strong dir="auto">${title}</strong>
    ${inner.slice(0, 4).map((entry) => html`<span class="line" dir="auto">${host.name(entry.sender)}: ${summaryOf(entry, speaker)}</span>`)}
    <span class="foot">${host.t("forwarded_count", { count: inner.length })}</span>
  </button>`;
}

function customTemplate(message: Message, host: ContentHost): TemplateResult {
  const content = contentOf(message);
  const kind = textOf(content["kind"]) || message.type;
  const renderer = rendererOf(kind);
  if (renderer !== undefined) return renderer(content, message);
  const text = textOf(content["text"]);
  const link = safeLink(content["url"]);
  return html`<div class="custom">
    <span class="kind">${icon("puzzle", "small")}<span>${kind === "custom" ? host.t("custom_unnamed") : host.t("custom", { kind })}</span></span>
    ${text ? textTemplate(text, message, host) : nothing}
    ${link === undefined ? nothing : html`<a href=${link} target="_blank" rel="noopener noreferrer nofollow ugc">${link}</a>`}
  </div>`;
}
