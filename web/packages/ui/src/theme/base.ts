/**
 * Rules every component shares: a small reset, type, focus rings, buttons, fields, and what only a screen reader sees.
 *
 * Not here: values (`tokens.ts`).
 */

import { css } from "lit";

/** Reset, type and visibility, for every component. */
export const baseStyles = css`
  :host {
    box-sizing: border-box;
    display: block;
    color: var(--tl-text);
    font-family: var(--tl-font);
    font-size: var(--tl-size-3);
    line-height: var(--tl-leading);
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  figure,
  dl,
  dd,
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
    min-inline-size: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h1,
  h2,
  h3 {
    font-size: inherit;
    font-weight: var(--tl-weight-bold);
    line-height: 1.3;
  }
  img,
  svg,
  video {
    display: block;
    max-inline-size: 100%;
  }
  a {
    color: var(--tl-accent-text);
    text-underline-offset: 2px;
  }
  :focus {
    outline: none;
  }
  :focus-visible {
    outline: 2px solid var(--tl-accent);
    outline-offset: 2px;
  }
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    padding: 0;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
    border: 0;
  }
  .ellipsis {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    min-inline-size: 0;
  }
  .scroll {
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-width: thin;
    scrollbar-color: var(--tl-surface-3) transparent;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation-duration: 0.01ms !important;
      animation-iteration-count: 1 !important;
      /* Not "very short": that would hold back every computed style until the next frame, also those of spacers. */
      transition-duration: 0s !important;
      scroll-behavior: auto !important;
    }
  }
`;

/** Buttons: `.button` with `.primary`, `.danger` or `.quiet`, and round `.icon-button`. */
export const buttonStyles = css`
  button {
    font: inherit;
    color: inherit;
    background: none;
    border: 0;
    padding: 0;
    margin: 0;
    cursor: pointer;
    text-align: start;
    -webkit-tap-highlight-color: transparent;
  }
  button:disabled,
  button[aria-disabled="true"] {
    cursor: default;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--tl-space-2);
    min-block-size: var(--tl-control);
    padding-inline: var(--tl-space-4);
    border-radius: var(--tl-radius-2);
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-bold);
    white-space: nowrap;
    background: var(--tl-surface-2);
    color: var(--tl-text);
    transition: background var(--tl-fast), transform var(--tl-fast);
  }
  .button:hover:not(:disabled) {
    background: var(--tl-surface-3);
  }
  .button:active:not(:disabled) {
    transform: translateY(1px);
  }
  .button:disabled {
    opacity: 0.55;
  }
  .button.primary {
    background: var(--tl-accent);
    color: var(--tl-on-accent);
  }
  .button.primary:hover:not(:disabled) {
    background: var(--tl-accent-hover);
  }
  .button.danger {
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
  }
  .button.quiet {
    background: none;
    color: var(--tl-accent-text);
  }
  .button.quiet:hover:not(:disabled) {
    background: var(--tl-accent-soft);
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    flex: none;
    inline-size: var(--tl-control);
    block-size: var(--tl-control);
    border-radius: var(--tl-radius-round);
    color: var(--tl-text-2);
    transition: background var(--tl-fast), color var(--tl-fast);
  }
  .icon-button:hover:not(:disabled) {
    background: var(--tl-surface-2);
    color: var(--tl-text);
  }
  .icon-button[aria-pressed="true"],
  .icon-button[aria-expanded="true"] {
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
  }
  .icon-button:disabled {
    opacity: 0.4;
  }
  .icon-button.primary {
    background: var(--tl-accent);
    color: var(--tl-on-accent);
  }
  .icon-button.primary:hover:not(:disabled) {
    background: var(--tl-accent-hover);
    color: var(--tl-on-accent);
  }
  .icon {
    inline-size: 20px;
    block-size: 20px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .icon.dots {
    stroke-width: 3;
  }
  .icon.small {
    inline-size: 16px;
    block-size: 16px;
  }
  :host(:dir(rtl)) .icon.mirror,
  .icon.mirror:dir(rtl) {
    transform: scaleX(-1);
  }
  @media (pointer: coarse) {
    .icon-button {
      inline-size: var(--tl-touch);
      block-size: var(--tl-touch);
    }
    .button {
      min-block-size: var(--tl-touch);
    }
  }
`;

/** Text fields, selects, check boxes and switches. */
export const fieldStyles = css`
  input,
  textarea,
  select {
    font: inherit;
    color: inherit;
  }
  .field {
    inline-size: 100%;
    min-block-size: var(--tl-control);
    padding: 6px var(--tl-space-3);
    border: 1px solid var(--tl-line-strong);
    border-radius: var(--tl-radius-2);
    background: var(--tl-bg);
    color: var(--tl-text);
    transition: border-color var(--tl-fast);
  }
  .field::placeholder {
    color: var(--tl-text-3);
    opacity: 1;
  }
  .field:focus-visible {
    outline-offset: -1px;
    border-color: var(--tl-accent);
  }
  .field[aria-invalid="true"] {
    border-color: var(--tl-danger);
  }
  input[type="checkbox"],
  input[type="radio"] {
    accent-color: var(--tl-accent);
    inline-size: 18px;
    block-size: 18px;
    margin: 0;
    flex: none;
  }
  .label {
    display: block;
    margin-block-end: var(--tl-space-1);
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-medium);
    color: var(--tl-text-2);
  }
  .field-error {
    margin-block-start: var(--tl-space-1);
    font-size: var(--tl-size-2);
    color: var(--tl-danger);
  }
  .switch {
    position: relative;
    flex: none;
    inline-size: 40px;
    block-size: 24px;
    border-radius: var(--tl-radius-round);
    background: var(--tl-line-strong);
    transition: background var(--tl-fast);
  }
  .switch::after {
    content: "";
    position: absolute;
    inset-block-start: 3px;
    inset-inline-start: 3px;
    inline-size: 18px;
    block-size: 18px;
    border-radius: 50%;
    background: var(--tl-bg);
    transition: inset-inline-start var(--tl-fast) var(--tl-ease);
  }
  .switch[aria-checked="true"] {
    background: var(--tl-accent);
  }
  .switch[aria-checked="true"]::after {
    inset-inline-start: 19px;
  }
`;

/** Places with nothing to show: empty, loading and failed. */
export const stateStyles = css`
  .empty {
    display: grid;
    justify-items: center;
    align-content: center;
    gap: var(--tl-space-2);
    padding: var(--tl-space-8) var(--tl-space-6);
    text-align: center;
    color: var(--tl-text-2);
    min-block-size: 200px;
  }
  .empty .icon {
    inline-size: 40px;
    block-size: 40px;
    stroke-width: 1.25;
    color: var(--tl-text-3);
    margin-block-end: var(--tl-space-1);
  }
  .empty h2 {
    font-size: var(--tl-size-4);
    color: var(--tl-text);
  }
  .empty p {
    max-inline-size: 36ch;
    font-size: var(--tl-size-2);
  }
  .skeleton {
    border-radius: var(--tl-radius-1);
    background: linear-gradient(
      90deg,
      var(--tl-surface-2) 25%,
      var(--tl-surface-3) 50%,
      var(--tl-surface-2) 75%
    );
    background-size: 200% 100%;
    animation: shimmer 1.6s linear infinite;
  }
  @keyframes shimmer {
    from {
      background-position: 200% 0;
    }
    to {
      background-position: -200% 0;
    }
  }
  .notice {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    padding: var(--tl-space-2) var(--tl-space-3);
    border-radius: var(--tl-radius-2);
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
    font-size: var(--tl-size-2);
  }
  .spinner {
    inline-size: 18px;
    block-size: 18px;
    border-radius: 50%;
    border: 2px solid var(--tl-surface-3);
    border-block-start-color: var(--tl-accent);
    animation: turn 0.8s linear infinite;
  }
  @keyframes turn {
    to {
      transform: rotate(360deg);
    }
  }
`;
