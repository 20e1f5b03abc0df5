/** The look of a message: its row, bubble, content and what hangs on it. */

import { css } from "lit";

export const messageStyles = css`
  :host {
    position: relative;
    padding-inline: var(--tl-space-4);
    padding-block-start: 2px;
    contain: layout style;
    outline: none;
  }
  :host([first]) {
    padding-block-start: var(--tl-space-3);
  }
  :host(:focus-visible) .bubble,
  :host(:focus-visible) .notice-line span {
    outline: 2px solid var(--tl-accent);
    outline-offset: 2px;
  }

  /* separators above a message */
  .day {
    display: flex;
    justify-content: center;
    padding-block: var(--tl-space-4) var(--tl-space-2);
  }
  .day span {
    padding: 3px var(--tl-space-3);
    border-radius: var(--tl-radius-round);
    background: var(--tl-surface);
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-medium);
  }
  .unread {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding-block: var(--tl-space-3);
    color: var(--tl-mention);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-bold);
  }
  .unread::before,
  .unread::after {
    content: "";
    flex: 1;
    block-size: 1px;
    background: currentColor;
    opacity: 0.45;
  }

  /* notices */
  .notice-line {
    display: flex;
    justify-content: center;
    padding-block: var(--tl-space-1);
    color: var(--tl-text-2);
    font-size: var(--tl-size-2);
    text-align: center;
  }
  .notice-line span {
    max-inline-size: 52ch;
    overflow-wrap: anywhere;
    border-radius: var(--tl-radius-1);
    padding-inline: var(--tl-space-2);
  }

  /* the row */
  .row {
    display: grid;
    grid-template-columns: 32px minmax(0, 1fr);
    column-gap: var(--tl-space-2);
    justify-items: start;
  }
  :host([direct]) .row {
    grid-template-columns: minmax(0, 1fr);
  }
  :host([own]) .row {
    grid-template-columns: minmax(0, 1fr);
    justify-items: end;
  }
  tl-avatar {
    --tl-avatar-size: 32px;
    align-self: end;
    grid-row: 1;
    grid-column: 1;
  }
  .stack {
    grid-row: 1;
    grid-column: -2;
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    max-inline-size: min(560px, 84%);
    min-inline-size: 0;
  }
  :host([own]) .stack {
    align-items: flex-end;
  }
  .name {
    padding-inline-start: var(--tl-space-3);
    padding-block-end: 3px;
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-bold);
    max-inline-size: 100%;
  }
  .hue-0 { color: var(--tl-hue-0); }
  .hue-1 { color: var(--tl-hue-1); }
  .hue-2 { color: var(--tl-hue-2); }
  .hue-3 { color: var(--tl-hue-3); }
  .hue-4 { color: var(--tl-hue-4); }
  .hue-5 { color: var(--tl-hue-5); }
  .hue-6 { color: var(--tl-hue-6); }
  .hue-7 { color: var(--tl-hue-7); }

  /* the bubble */
  .bubble {
    position: relative;
    max-inline-size: 100%;
    min-inline-size: 0;
    padding: 7px var(--tl-space-3) 6px;
    border-radius: var(--tl-radius-3);
    background: var(--tl-bubble);
    color: var(--tl-bubble-text);
  }
  :host([own]) .bubble {
    background: var(--tl-bubble-own);
    color: var(--tl-bubble-own-text);
  }
  :host([last]:not([own])) .bubble {
    border-end-start-radius: var(--tl-radius-1);
  }
  :host([last][own]) .bubble {
    border-end-end-radius: var(--tl-radius-1);
  }
  .bubble.media {
    padding: 4px 4px 5px;
  }
  .bubble.media .meta {
    padding-inline: var(--tl-space-2);
  }
  .bubble.media .text {
    padding: var(--tl-space-1) var(--tl-space-2) 0;
  }
  .bubble.card {
    padding: 0;
    background: none;
    color: var(--tl-text);
    inline-size: 380px;
  }
  .bubble.bare {
    padding: 0;
    background: none;
  }
  :host([own]) .bubble.card,
  :host([own]) .bubble.bare {
    background: none;
    color: var(--tl-text);
  }
  .bubble.mentioned {
    background: var(--tl-mention-soft);
  }
  :host([flash]) .bubble {
    animation: flash 1.6s ease-out;
  }
  @keyframes flash {
    0%,
    40% {
      background: var(--tl-highlight);
    }
  }
  :host([fresh]) .row {
    animation: arrive var(--tl-slow) var(--tl-ease);
  }
  @keyframes arrive {
    from {
      opacity: 0;
      transform: translateY(8px);
    }
  }
  .gone {
    font-style: italic;
    color: var(--tl-text-2);
  }
  :host([own]) .pending .bubble {
    background: color-mix(in srgb, var(--tl-bubble-own) 55%, var(--tl-bg));
  }

  /* text */
  .text {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    unicode-bidi: plaintext;
  }
  .text.folded {
    max-block-size: 20em;
    overflow: hidden;
    mask-image: linear-gradient(#000 70%, transparent);
  }
  .unfold {
    color: var(--tl-accent-text);
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-bold);
    padding-block: var(--tl-space-1);
  }
  .text.jumbo,
  .jumbo .text {
    font-size: 2.5rem;
    line-height: 1.2;
  }
  .mention {
    font-weight: var(--tl-weight-bold);
    color: var(--tl-accent-text);
  }
  .mention.me {
    padding-inline: 3px;
    border-radius: 4px;
    background: var(--tl-mention);
    color: var(--tl-on-mention);
  }
  .bubble a {
    color: inherit;
    text-decoration-color: color-mix(in srgb, currentColor 50%, transparent);
  }
  .bubble a:hover {
    text-decoration-color: currentColor;
  }

  /* time and state */
  .meta {
    display: flex;
    align-items: center;
    justify-content: flex-end;
    gap: 4px;
    margin-block-start: 1px;
    font-size: 0.6875rem;
    line-height: 1.35;
    color: var(--tl-text-2);
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
    user-select: none;
  }
  :host([own]) .bubble .meta {
    color: var(--tl-bubble-own-quiet);
  }
  :host([own]) .bubble.card .meta,
  :host([own]) .bubble.bare .meta {
    color: var(--tl-text-2);
  }
  .meta .icon {
    inline-size: 14px;
    block-size: 14px;
    stroke-width: 2;
  }
  .meta .seen {
    color: var(--tl-accent-text);
  }
  /* The time fits beside a short last line. */
  .bubble.flow {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-end;
    justify-content: flex-end;
    column-gap: var(--tl-space-2);
  }
  .bubble.flow > .quote,
  .bubble.flow > .unfold {
    flex: 1 1 100%;
  }
  .bubble.flow > .text {
    flex: 1 1 auto;
    max-inline-size: 100%;
  }

  /* a quote */
  .quote {
    display: block;
    inline-size: 100%;
    margin-block: 2px var(--tl-space-1);
    padding: var(--tl-space-1) var(--tl-space-2);
    border-inline-start: 3px solid var(--tl-accent);
    border-radius: 4px var(--tl-radius-1) var(--tl-radius-1) 4px;
    background: color-mix(in srgb, currentColor 6%, transparent);
    font-size: var(--tl-size-2);
    line-height: 1.35;
    text-align: start;
  }
  .quote strong {
    display: block;
    color: var(--tl-accent-text);
    font-weight: var(--tl-weight-bold);
  }
  .quote span {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    overflow-wrap: anywhere;
  }
  .thread-note {
    display: flex;
    align-items: center;
    gap: var(--tl-space-1);
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
  }

  /* reactions, thread, receipts */
  .reactions {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    margin-block-start: 4px;
  }
  .reaction {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    min-block-size: 26px;
    padding-inline: 8px;
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-round);
    background: var(--tl-bg);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-medium);
    color: var(--tl-text-2);
    transition: background var(--tl-fast), border-color var(--tl-fast);
  }
  .reaction .key {
    font-family: var(--tl-font-emoji);
    font-size: 0.9375rem;
    max-inline-size: 12ch;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    color: var(--tl-text);
  }
  .reaction:hover:not(:disabled) {
    border-color: var(--tl-line-strong);
  }
  .reaction[aria-pressed="true"] {
    border-color: var(--tl-accent);
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
  }
  .replies {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-block-size: 28px;
    margin-block-start: 2px;
    padding-inline: var(--tl-space-2);
    border-radius: var(--tl-radius-1);
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
  }
  .replies strong {
    color: var(--tl-accent-text);
    font-weight: var(--tl-weight-bold);
  }
  .replies:hover {
    background: var(--tl-surface);
  }
  .readers {
    margin-block-start: 2px;
    padding-inline: var(--tl-space-1);
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
    border-radius: 4px;
  }
  button.readers:hover {
    text-decoration: underline;
  }
  .failed {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: flex-end;
    gap: var(--tl-space-1) var(--tl-space-3);
    margin-block-start: 4px;
    font-size: var(--tl-size-2);
    color: var(--tl-danger);
  }
  .failed button {
    color: var(--tl-text);
    font-weight: var(--tl-weight-bold);
    min-block-size: 28px;
    text-decoration: underline;
    text-underline-offset: 3px;
  }
  .failed .why {
    display: flex;
    align-items: center;
    gap: var(--tl-space-1);
  }

  /* the actions */
  .actions {
    position: absolute;
    z-index: 1;
    inset-block-start: -18px;
    inset-inline-end: var(--tl-space-2);
    display: flex;
    padding: 2px;
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-2);
    background: var(--tl-raised);
    box-shadow: var(--tl-shadow-1);
    opacity: 0;
    pointer-events: none;
    transition: opacity var(--tl-fast);
  }
  :host([own]) .actions {
    inset-inline-end: auto;
    inset-inline-start: calc(-1 * var(--tl-space-2));
  }
  .bubble:hover .actions,
  .actions:focus-within,
  .actions:has([aria-expanded="true"]) {
    opacity: 1;
    pointer-events: auto;
  }
  .actions .icon-button {
    inline-size: 30px;
    block-size: 30px;
    border-radius: var(--tl-radius-1);
  }
  .actions .icon {
    inline-size: 18px;
    block-size: 18px;
  }
  @media (hover: none) {
    .actions {
      display: none;
    }
    .actions:focus-within {
      display: flex;
    }
  }

  /* location, sticker, forward, custom */
  .location {
    display: block;
    inline-size: 280px;
    max-inline-size: 100%;
    border-radius: var(--tl-radius-2);
    overflow: hidden;
    text-decoration: none;
  }
  .sticker {
    inline-size: 140px;
    block-size: 140px;
    object-fit: contain;
  }
  .sticker.missing {
    display: grid;
    place-items: center;
    align-content: center;
    gap: var(--tl-space-1);
    border-radius: var(--tl-radius-3);
    border: 1px dashed var(--tl-line-strong);
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
    overflow-wrap: anywhere;
    padding: var(--tl-space-2);
    text-align: center;
  }
  .forward {
    display: flex;
    flex-direction: column;
    gap: 2px;
    inline-size: 280px;
    max-inline-size: 100%;
    text-align: start;
    font-size: var(--tl-size-2);
  }
  .forward strong {
    font-size: var(--tl-size-3);
    overflow-wrap: anywhere;
  }
  .forward .line {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    opacity: 0.85;
  }
  .forward .foot {
    margin-block-start: var(--tl-space-1);
    padding-block-start: var(--tl-space-1);
    border-block-start: 1px solid color-mix(in srgb, currentColor 15%, transparent);
    font-size: var(--tl-size-1);
  }
  .custom .kind {
    display: flex;
    align-items: center;
    gap: var(--tl-space-1);
    font-size: var(--tl-size-2);
    opacity: 0.85;
    overflow-wrap: anywhere;
  }
`;

/** A drawn map and the words below it. */
export const mapStyles = css`
  .place {
    display: flex;
    flex-direction: column;
    padding: var(--tl-space-2) var(--tl-space-2) 0;
    font-size: var(--tl-size-2);
    overflow-wrap: anywhere;
  }
  .map {
    inline-size: 100%;
    block-size: 120px;
    border-radius: var(--tl-radius-2);
  }
  .map .land { fill: light-dark(#eef1ea, #2a3330); }
  .map .park { fill: light-dark(#cfe6cf, #2c4a38); }
  .map .water { fill: light-dark(#c5dfee, #22405a); }
  .map .street { fill: none; stroke: light-dark(#ffffff, #46524d); stroke-width: 7; }
  .map .lane { fill: none; stroke: light-dark(#ffffff, #3b4642); stroke-width: 3; }
  .map .pin { fill: var(--tl-danger); stroke: var(--tl-bg); stroke-width: 2; }
  .map .hole { fill: var(--tl-bg); }
`;
