/** How an application shows its own kinds of messages (`custom` messages and app-defined cards). */

import type { TemplateResult } from "lit";
import type { Message } from "@trunkline/core";

/** Draws the content of a message. What it answers is drawn inside the bubble. */
export type Renderer = (content: Readonly<Record<string, unknown>>, message: Message) => TemplateResult;

const renderers = new Map<string, Renderer>();

/**
 * Show a kind of custom message.
 *
 * @param kind The `kind` of its content; for app-defined cards, `card:` and the `name` of its data.
 */
export function registerRenderer(kind: string, renderer: Renderer): void {
  renderers.set(kind, renderer);
}

/** The renderer an application registered for a kind. */
export function rendererOf(kind: string): Renderer | undefined {
  return renderers.get(kind);
}
