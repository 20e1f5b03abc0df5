/** The look of the panel about a group. */

import { css } from "lit";

export const groupStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    block-size: 100%;
    min-block-size: 0;
    background: var(--tl-bg);
  }
  header {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    flex: none;
    min-block-size: 60px;
    padding-inline: var(--tl-space-4) var(--tl-space-2);
    border-block-end: 1px solid var(--tl-line);
  }
  header h2 {
    flex: 1;
  }
  .body {
    flex: 1;
    min-block-size: 0;
    padding-block-end: var(--tl-space-6);
  }
  .hero {
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: var(--tl-space-1);
    padding: var(--tl-space-5) var(--tl-space-4) var(--tl-space-4);
    text-align: center;
  }
  .hero tl-avatar {
    --tl-avatar-size: 76px;
    margin-block-end: var(--tl-space-2);
  }
  .hero h3 {
    font-size: var(--tl-size-5);
    overflow-wrap: anywhere;
  }
  .hero small {
    color: var(--tl-text-2);
  }
  section {
    padding: var(--tl-space-3) var(--tl-space-4);
    border-block-start: 8px solid var(--tl-surface);
  }
  section > h3 {
    display: flex;
    align-items: center;
    min-block-size: 36px;
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
  }
  section > h3 .button {
    margin-inline-start: auto;
  }
  .notice {
    margin: var(--tl-space-2) var(--tl-space-4);
  }
  .ok {
    margin: var(--tl-space-2) var(--tl-space-4);
    font-size: var(--tl-size-2);
    color: var(--tl-accent-text);
  }
  .member {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    min-block-size: 52px;
  }
  .member .who {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    flex-direction: column;
    text-align: start;
    border-radius: 4px;
  }
  .member small {
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
  }
  .member tl-avatar {
    --tl-avatar-size: 36px;
  }
  .role {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 1px 8px;
    border-radius: var(--tl-radius-round);
    background: var(--tl-surface-2);
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-medium);
  }
  .role.owner {
    background: var(--tl-warning-soft);
    color: var(--tl-warning);
  }
  .role .icon {
    inline-size: 13px;
    block-size: 13px;
  }
  .setting {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: var(--tl-space-3);
    min-block-size: 48px;
    font-size: var(--tl-size-2);
  }
  .setting .field {
    inline-size: auto;
    max-inline-size: 55%;
  }
  form {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-2);
    padding-block-end: var(--tl-space-2);
  }
  form .line {
    display: flex;
    gap: var(--tl-space-2);
  }
  .hint {
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
  }
  .ends {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-2);
  }
`;
