/** How high a message is likely to be, before it was drawn and measured. */

import type { Message } from "@trunkline/core";

import { contentOf, textOf } from "./summary.js";

/** What a message is likely to be high, by its type, before it was measured. */
export function estimate(message: Message, width: number): number {
  const column = Math.max(160, Math.min(560, (width || 640) * 0.8) - 40);
  switch (message.type) {
    case "text": {
      const text = textOf(contentOf(message)["text"]);
      return 38 + 21 * Math.min(22, Math.ceil((text.length * 7.4) / column));
    }
    case "image": case "video": return 280;
    case "location": return 220;
    case "sticker": return 170;
    case "forward": return 160;
    case "card.created": return 260;
    default: return message.message ? 90 : 34;
  }
}
