/**
 * Puts the tokens into the document, once, as a constructed style sheet: no `<style>` element, so a strict
 * Content-Security-Policy needs no exception.
 */

import { tokens } from "./tokens.js";

let installed = false;

/** Declare the design tokens in the document. Components call it; calling it again does nothing. */
export function installTheme(): void {
  if (installed || typeof document === "undefined") return;
  installed = true;
  const sheet = tokens.styleSheet;
  // In front of the page's own sheets: whatever the page declares, wins.
  if (sheet !== undefined) document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
}
