/** The look of the composer. */

import { css } from "lit";

export const composerStyles = css`
  :host {
    position: relative;
    background: var(--tl-bg);
    border-block-start: 1px solid var(--tl-line);
  }
  .above {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding: var(--tl-space-2) var(--tl-space-3) 0 var(--tl-space-4);
    padding-inline: var(--tl-space-4) var(--tl-space-3);
    font-size: var(--tl-size-2);
    animation: unfold var(--tl-fast) var(--tl-ease);
  }
  @keyframes unfold {
    from {
      opacity: 0;
      transform: translateY(6px);
    }
  }
  .above .mark {
    align-self: stretch;
    inline-size: 3px;
    border-radius: 2px;
    background: var(--tl-accent);
  }
  .above .what {
    flex: 1;
    min-inline-size: 0;
  }
  .above strong {
    display: block;
    color: var(--tl-accent-text);
    font-weight: var(--tl-weight-bold);
  }
  .above .text {
    color: var(--tl-text-2);
  }
  .bar {
    display: flex;
    align-items: flex-end;
    gap: var(--tl-space-1);
    padding: var(--tl-space-2) var(--tl-space-3);
    padding-block-end: max(var(--tl-space-2), env(safe-area-inset-bottom));
  }
  .box {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    align-items: flex-end;
    border-radius: 20px;
    background: var(--tl-surface);
    border: 1px solid var(--tl-line-strong);
    transition: border-color var(--tl-fast);
  }
  .box:focus-within {
    border-color: var(--tl-accent);
    box-shadow: 0 0 0 1px var(--tl-accent);
  }
  textarea {
    flex: 1;
    min-inline-size: 0;
    min-block-size: 38px;
    max-block-size: min(220px, 40vh);
    padding: 8px var(--tl-space-1) 8px var(--tl-space-4);
    padding-inline: var(--tl-space-4) var(--tl-space-1);
    border: 0;
    outline: none;
    resize: none;
    background: none;
    color: var(--tl-text);
    line-height: var(--tl-leading);
    overflow-y: auto;
    scrollbar-width: thin;
    unicode-bidi: plaintext;
  }
  textarea:focus-visible {
    outline: none;
  }
  textarea::placeholder {
    color: var(--tl-text-3);
    opacity: 1;
    white-space: nowrap;
  }
  .bar > .icon-button {
    inline-size: 40px;
    block-size: 40px;
  }
  .box .icon-button {
    margin: 1px;
  }
  .send {
    inline-size: 40px;
    block-size: 40px;
  }
  .send .icon {
    fill: none;
  }
  .closed {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--tl-space-2);
    padding: var(--tl-space-4);
    color: var(--tl-text-2);
    font-size: var(--tl-size-2);
    text-align: center;
  }
  .long {
    padding-inline: var(--tl-space-5);
    color: var(--tl-danger);
    font-size: var(--tl-size-1);
  }

  /* recording */
  .recording {
    flex: 1;
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    min-block-size: 40px;
    padding-inline: var(--tl-space-4);
    border-radius: 20px;
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
    font-variant-numeric: tabular-nums;
  }
  .recording .dot {
    inline-size: 10px;
    block-size: 10px;
    border-radius: 50%;
    background: currentColor;
    animation: blink 1.2s ease-in-out infinite;
  }
  @keyframes blink {
    50% {
      opacity: 0.25;
    }
  }
  .recording .level {
    flex: 1;
    block-size: 4px;
    border-radius: 2px;
    background: color-mix(in srgb, currentColor 20%, transparent);
    overflow: hidden;
  }
  .recording .level span {
    display: block;
    block-size: 100%;
    background: currentColor;
    transition: inline-size 100ms linear;
  }

  /* uploads */
  .uploads {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-1);
    padding: var(--tl-space-2) var(--tl-space-3) 0;
  }
  .upload {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    padding: 4px 4px 4px var(--tl-space-3);
    padding-inline: var(--tl-space-3) 4px;
    border-radius: var(--tl-radius-2);
    background: var(--tl-surface);
    font-size: var(--tl-size-2);
  }
  .upload.failed {
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
  }
  .upload .what {
    flex: 1;
    min-inline-size: 0;
  }
  progress {
    appearance: none;
    display: block;
    inline-size: 100%;
    block-size: 4px;
    margin-block-start: 3px;
    border: 0;
    border-radius: 2px;
    overflow: hidden;
    background: var(--tl-surface-3);
    color: var(--tl-accent);
  }
  progress::-webkit-progress-bar {
    background: var(--tl-surface-3);
  }
  progress::-webkit-progress-value {
    background: var(--tl-accent);
    transition: inline-size var(--tl-fast);
  }
  progress::-moz-progress-bar {
    background: var(--tl-accent);
  }

  /* mentions */
  .mentions {
    position: absolute;
    z-index: 5;
    inset-block-end: calc(100% + var(--tl-space-1));
    inset-inline: var(--tl-space-3);
    max-inline-size: 360px;
    max-block-size: 280px;
    padding: var(--tl-space-1);
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-2);
    background: var(--tl-raised);
    box-shadow: var(--tl-shadow-2);
    animation: unfold var(--tl-fast) var(--tl-ease);
  }
  .mentions [role="option"] {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 40px;
    padding-inline: var(--tl-space-2);
    border-radius: var(--tl-radius-1);
    cursor: pointer;
  }
  .mentions [aria-selected="true"] {
    background: var(--tl-accent-soft);
  }
  .mentions tl-avatar {
    --tl-avatar-size: 28px;
  }
  .mentions small {
    margin-inline-start: auto;
    color: var(--tl-text-2);
  }

  .drop {
    position: absolute;
    inset: 4px;
    z-index: 4;
    display: grid;
    place-items: center;
    border: 2px dashed var(--tl-accent);
    border-radius: var(--tl-radius-2);
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
    font-weight: var(--tl-weight-bold);
    pointer-events: none;
  }
`;
