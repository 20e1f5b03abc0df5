/** The look of the list of conversations. */

import { css } from "lit";

export const conversationStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    block-size: 100%;
    min-block-size: 0;
    background: var(--tl-bg);
  }
  .tools {
    display: flex;
    align-items: center;
    gap: var(--tl-space-1);
    padding: var(--tl-space-2) var(--tl-space-3);
  }
  .search {
    position: relative;
    flex: 1;
  }
  .search .icon {
    position: absolute;
    inset-inline-start: 11px;
    inset-block-start: 50%;
    translate: 0 -50%;
    color: var(--tl-text-3);
    pointer-events: none;
  }
  .search .field {
    padding-inline-start: 34px;
    border-color: transparent;
    background: var(--tl-surface-2);
    border-radius: var(--tl-radius-round);
    appearance: none;
  }
  .search .field:hover {
    background: var(--tl-surface-3);
  }
  .search .field:focus {
    background: var(--tl-bg);
    border-color: var(--tl-accent);
  }
  .notice {
    margin-inline: var(--tl-space-3);
  }
  .list {
    flex: 1;
    min-block-size: 0;
    padding: 0 var(--tl-space-2) var(--tl-space-2);
  }
  .row {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    inline-size: 100%;
    min-block-size: 66px;
    padding: var(--tl-space-2) var(--tl-space-2);
    border-radius: var(--tl-radius-2);
    transition: background var(--tl-fast);
    content-visibility: auto;
    contain-intrinsic-block-size: 66px;
  }
  .row:hover {
    background: var(--tl-surface);
  }
  .row:focus-visible {
    outline-offset: -2px;
  }
  .row.selected {
    background: var(--tl-accent-soft);
  }
  .row tl-avatar {
    --tl-avatar-size: 46px;
  }
  .row.selected tl-avatar {
    --tl-avatar-ring: var(--tl-accent-soft);
  }
  .middle {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    flex-direction: column;
    gap: 2px;
  }
  .top,
  .bottom {
    display: flex;
    align-items: center;
    gap: 6px;
    min-inline-size: 0;
  }
  .title {
    font-weight: var(--tl-weight-medium);
  }
  .unread .title {
    font-weight: var(--tl-weight-bold);
  }
  .time {
    margin-inline-start: auto;
    flex: none;
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
    font-variant-numeric: tabular-nums;
  }
  .last {
    flex: 1;
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
  }
  .unread .last {
    color: var(--tl-text);
  }
  .draft {
    color: var(--tl-danger);
  }
  .typing {
    color: var(--tl-accent-text);
  }
  .sign {
    flex: none;
    color: var(--tl-text-3);
  }
  .sign .icon {
    inline-size: 14px;
    block-size: 14px;
  }
  .sign.failed {
    color: var(--tl-danger);
  }
  .badge {
    flex: none;
    min-inline-size: 20px;
    padding: 0 6px;
    border-radius: var(--tl-radius-round);
    background: var(--tl-accent);
    color: var(--tl-on-accent);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-bold);
    line-height: 20px;
    text-align: center;
    font-variant-numeric: tabular-nums;
  }
  .badge.silent {
    background: var(--tl-surface-3);
    color: var(--tl-text-2);
  }
  .badge.mention {
    background: var(--tl-mention);
    color: var(--tl-on-mention);
  }
  .skeletons {
    padding-inline: var(--tl-space-4);
  }
  .ghost {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    block-size: 66px;
  }
  .ghost .disc {
    inline-size: 46px;
    block-size: 46px;
    border-radius: 50%;
  }
  .ghost .lines {
    flex: 1;
    display: grid;
    gap: var(--tl-space-2);
  }
  .ghost .lines .skeleton {
    block-size: 11px;
    inline-size: 45%;
  }
  .ghost .lines .skeleton + .skeleton {
    inline-size: 80%;
  }
`;
