/** What a conversation is called, and the party whose presence and picture it shows. */

import type { Conversation } from "@trunkline/core";

import { bareName } from "../base/element.js";

/** The party behind an address: `user/bob` itself, or the peer of a direct conversation; "" for groups. */
export function peerOf(address: string, about: Conversation | undefined): string {
  return about?.peer || (address.includes("/") ? address : "");
}

/** The name of a conversation: its own, or that of the other side. */
export function titleOf(address: string, about: Conversation | undefined, nameOf: (party: string) => string): string {
  const peer = peerOf(address, about);
  if (peer !== "") return nameOf(peer);
  return about?.name || (address ? bareName(address) : "");
}
