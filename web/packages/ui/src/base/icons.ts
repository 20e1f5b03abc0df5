/** The icons, drawn on a grid of 24 with one stroke width. They are decoration: what a button does is in its label. */

import { html, type TemplateResult } from "lit";

const shapes = {
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5",
  plus: "M12 5v14M5 12h14",
  close: "m6 6 12 12M18 6 6 18",
  back: "m14.5 5.5-7 6.5 7 6.5",
  forward_arrow: "m9.5 5.5 7 6.5-7 6.5",
  down: "m6 9.5 6 6 6-6",
  up: "m6 14.5 6-6 6 6",
  send: "M4.5 12 20 4.5 14.5 20l-3-6.5L4.5 12Zm7 1.5 4-4.5",
  smile: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM8.5 14c1.8 2.6 5.2 2.6 7 0M9 9.4v.6M15 9.4v.6",
  smile_plus: "M19.8 9.5A8.5 8.5 0 1 1 13.5 3.6M8.3 14c1.8 2.6 5.1 2.6 6.9 0M8.8 9.4v.6M14.8 9.4v.6M19 2.5v5M16.5 5h5",
  paperclip: "m19.5 11.5-7.6 7.4a4.6 4.6 0 0 1-6.5-6.5l7.9-7.7a3 3 0 0 1 4.3 4.3l-7.7 7.5a1.4 1.4 0 0 1-2-2l6.9-6.7",
  mic: "M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 1 0-6 0v5a3 3 0 0 0 3 3ZM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
  stop: "M7 7h10v10H7z",
  play: "M8 5.5v13l10.5-6.5L8 5.5Z",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  reply: "M9.5 6 4 11l5.5 5M4.5 11H13c4 0 6.5 2.5 6.5 7",
  thread: "M5 5h14v10H11l-4 4v-4H5V5Zm3.5 4h7M8.5 11.8h4",
  edit: "M5 19h3.5L19 8.5 15.5 5 5 15.5V19Zm8.5-12L17 10.5",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  undo: "M8 5 4 9l4 4M4.5 9H14a5 5 0 0 1 0 10H9",
  copy: "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
  forward: "m14.5 6 5.5 5-5.5 5M19.5 11H11c-4 0-6.5 2.5-6.5 7",
  pin: "m14.5 4 5.5 5.5-3 .8-3.2 3.2-.6 4-7.2-7.2 4-.6L13.7 7 14.5 4ZM9 15l-4.5 4.5",
  bell_off: "M7 16.5V11a5 5 0 0 1 8.8-3.3M17 11.5v5M5 16.5h11.5M10.5 19.5h3M4.5 4.5l15 15",
  moon: "M19 14.2A7.7 7.7 0 0 1 9.8 5a7.7 7.7 0 1 0 9.2 9.2Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2.5 12.5 4 4 8.5-9M10.5 15.5l1.2 1 8.8-9",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm0-12.5V12l3 2",
  alert: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 8v5M12 16v.3",
  info: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11v5M12 8v.3",
  dots: "M6 12h.01M12 12h.01M18 12h.01",
  users: "M9 11.5a3.2 3.2 0 1 0 0-6.5 3.2 3.2 0 0 0 0 6.5ZM3 19c.4-3 2.8-4.8 6-4.8s5.6 1.8 6 4.8M15.5 5.3a3.2 3.2 0 0 1 0 6M17.5 14.7c2 .6 3.2 2 3.5 4.3",
  user: "M12 11.5a3.7 3.7 0 1 0 0-7.5 3.7 3.7 0 0 0 0 7.5ZM4.5 20c.6-3.6 3.5-5.7 7.5-5.7s6.9 2.1 7.5 5.7",
  crown: "M4.5 17.5 3.5 8l4.7 3.5L12 5.5l3.8 6L20.5 8l-1 9.5h-15Z",
  shield: "M12 3.5 5 6v5.5c0 4.2 2.8 7.2 7 9 4.2-1.8 7-4.8 7-9V6l-7-2.5Z",
  file: "M6.5 3.5h7l4 4v13h-11v-17Zm7 0v4h4",
  image: "M4.5 5h15v14h-15zM4.5 16l4.5-4.5 4 4 2.5-2.5 4 4M15 9.5v.3",
  film: "M4 6.5h11v11H4zM15 10.5l5-3v9l-5-3",
  download: "M12 4v11M7.5 11l4.5 4.5L16.5 11M5 20h14",
  map_pin: "M12 21c4.3-4.5 6.5-8 6.5-11a6.5 6.5 0 1 0-13 0c0 3 2.2 6.5 6.5 11Zm0-8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  poll: "M6 20v-7M12 20V5M18 20V10",
  calendar: "M4.5 6h15v14h-15zM4.5 10.5h15M8.5 3.5V8M15.5 3.5V8",
  list: "m4.5 7 1.5 1.5L8.5 6M4.5 16 6 17.5 8.5 15M12 7.5h8M12 16.5h8",
  stamp: "M9.5 13.5C9.5 11 8 10 8 7.5a4 4 0 0 1 8 0c0 2.5-1.5 3.5-1.5 6H18v3H6v-3h3.5ZM6 20h12",
  form: "M6 3.5h12v17H6zM9 8h6M9 12h6M9 16h3",
  gift: "M4.5 9.5h15V13h-15zM6 13v7.5h12V13M12 9.5v11M12 9.5c-5.5 0-5-5.5-1.8-4.8 1.3.3 1.8 2.5 1.8 4.8Zm0 0c5.5 0 5-5.5 1.8-4.8-1.3.3-1.8 2.5-1.8 4.8Z",
  puzzle: "M5 9h3.5a2.3 2.3 0 1 1 4.5 0H17v4a2.3 2.3 0 1 1 0 4.5V20H5V9Z",
  hash: "M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  chat: "M12 19.5c4.7 0 8.5-3.2 8.5-7.5S16.7 4.5 12 4.5 3.5 7.7 3.5 12c0 2 .8 3.7 2.2 5L5 20.5l4-1.5c1 .3 2 .5 3 .5Z",
  megaphone: "M4.5 10v4.5l3 .5 9.5 4V5.5l-9.5 4-3 .5ZM8 15l1 5h2.5l-1-4M20 10.5v3.5",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5",
  settings: "M4.5 7.5h8M16.5 7.5h3M4.5 16.5h3M11.5 16.5h8M14.5 9.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM9.5 18.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
  block: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM6 6l12 12",
  leave: "M13.5 5H5v14h8.5M10 12h10M16.5 8.5 20 12l-3.5 3.5",
  phone: "M6.5 4 9 4l1.5 4-2 1.5a11 11 0 0 0 6 6l1.5-2 4 1.5v2.5A2.5 2.5 0 0 1 17.5 20 13.5 13.5 0 0 1 4 6.5 2.5 2.5 0 0 1 6.5 4Z",
} as const;

/** The names of the icons. */
export type IconName = keyof typeof shapes;

/** Icons that point along the line of writing, and turn round with it. */
const MIRRORED = new Set<IconName>(["back", "forward_arrow", "reply", "forward", "send", "undo", "leave", "list"]);

/** An icon. */
export function icon(name: IconName, size: "" | "small" = ""): TemplateResult {
  return html`<svg
    class="icon ${size} ${MIRRORED.has(name) ? "mirror" : ""} ${name === "dots" ? "dots" : ""}"
    viewBox="0 0 24 24"
    aria-hidden="true"
    focusable="false"
  ><path d=${shapes[name]}></path></svg>`;
}
