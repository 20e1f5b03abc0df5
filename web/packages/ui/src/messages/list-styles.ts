/** The look of the list around its messages. */

import { css } from "lit";

export const listStyles = css`
  :host {
    position: relative;
    display: flex;
    flex-direction: column;
    min-block-size: 0;
    block-size: 100%;
    background: var(--tl-bg);
  }
  .scroller {
    flex: 1;
    min-block-size: 0;
    display: flex;
    flex-direction: column;
    overflow-x: hidden;
    contain: strict;
    block-size: 100%;
  }
  .scroller:focus-visible {
    outline-offset: -2px;
  }
  .scroller > * {
    flex: none;
  }
  /* Few messages stand at the bottom, above the composer. */
  .space.before {
    margin-block-start: auto;
  }
  .space {
    pointer-events: none;
  }
  .tail {
    block-size: var(--tl-space-4);
  }
  .edge {
    display: grid;
    place-items: center;
    padding: var(--tl-space-3);
  }
  .scroller > .empty {
    block-size: 100%;
  }
  .skeletons {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-4);
    justify-content: flex-end;
    block-size: 100%;
    padding: var(--tl-space-5);
  }
  .skeletons .skeleton {
    block-size: 42px;
    border-radius: var(--tl-radius-3);
  }
  .skeletons .own {
    align-self: flex-end;
  }
  .jumps {
    position: absolute;
    inset-inline: var(--tl-space-4);
    inset-block-end: var(--tl-space-3);
    display: flex;
    justify-content: space-between;
    align-items: end;
    pointer-events: none;
  }
  .jump {
    pointer-events: auto;
    display: inline-flex;
    align-items: center;
    gap: var(--tl-space-1);
    min-block-size: 38px;
    padding-inline: 9px;
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-round);
    background: var(--tl-raised);
    color: var(--tl-text);
    box-shadow: var(--tl-shadow-2);
    font-size: var(--tl-size-2);
    animation: pop var(--tl-slow) var(--tl-ease);
  }
  .jump.unread {
    padding-inline: var(--tl-space-3);
    color: var(--tl-mention);
    font-weight: var(--tl-weight-bold);
  }
  .jump .count {
    min-inline-size: 22px;
    padding: 1px 6px;
    border-radius: var(--tl-radius-round);
    background: var(--tl-accent);
    color: var(--tl-on-accent);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-bold);
    text-align: center;
  }
  @keyframes pop {
    from {
      opacity: 0;
      transform: translateY(8px);
    }
  }
  .hint {
    color: var(--tl-text-2);
    font-size: var(--tl-size-2);
  }
  .people li {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding-block: var(--tl-space-2);
  }
  .people tl-avatar {
    --tl-avatar-size: 32px;
  }
  .forwarded {
    margin-inline: calc(-1 * var(--tl-space-4));
  }
  .full {
    inline-size: 100%;
    max-block-size: 75vh;
    object-fit: contain;
    border-radius: var(--tl-radius-2);
  }
  tl-dialog.image {
    --tl-dialog-size: 960px;
  }
`;
