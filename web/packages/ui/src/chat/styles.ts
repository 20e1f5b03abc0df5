/** The layout of the whole: three columns where there is room, one at a time on a phone. */

import { css } from "lit";

export const chatStyles = css`
  :host {
    display: block;
    block-size: 100%;
    min-block-size: 320px;
    container-type: inline-size;
    background: var(--tl-bg);
    overflow: hidden;
  }
  .shell {
    display: grid;
    grid-template-columns: minmax(280px, 340px) minmax(0, 1fr);
    block-size: 100%;
  }
  .shell.with-side {
    grid-template-columns: minmax(280px, 340px) minmax(0, 1fr) minmax(300px, 380px);
  }
  .left,
  .main,
  .side {
    min-inline-size: 0;
    min-block-size: 0;
    block-size: 100%;
    display: flex;
    flex-direction: column;
    overflow: hidden;
  }
  .left {
    border-inline-end: 1px solid var(--tl-line);
  }
  .side {
    border-inline-start: 1px solid var(--tl-line);
  }
  .bar {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    flex: none;
    min-block-size: 60px;
    padding-inline: var(--tl-space-4) var(--tl-space-2);
  }
  .left .bar {
    padding-inline: var(--tl-space-4);
  }
  .main .bar {
    border-block-end: 1px solid var(--tl-line);
  }
  .me {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    min-inline-size: 0;
    border-radius: var(--tl-radius-2);
  }
  .bar tl-avatar {
    --tl-avatar-size: 38px;
  }
  .bar h1,
  .bar h2 {
    font-size: var(--tl-size-4);
    font-weight: var(--tl-weight-bold);
    margin: 0;
    line-height: 1.25;
  }
  .bar h2 {
    font-size: var(--tl-size-3);
  }
  .about {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    border-radius: var(--tl-radius-2);
    text-align: start;
  }
  .about > span {
    min-inline-size: 0;
    display: flex;
    flex-direction: column;
  }
  .about small {
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
    line-height: 1.4;
  }
  .about small.typing {
    color: var(--tl-accent-text);
  }
  .back {
    display: none;
  }
  tl-conversation-list,
  tl-message-list,
  .side > * {
    flex: 1;
    min-block-size: 0;
  }
  tl-composer {
    flex: none;
  }
  .status {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--tl-space-2);
    flex: none;
    padding: var(--tl-space-1) var(--tl-space-4);
    background: var(--tl-warning-soft);
    color: var(--tl-warning);
    font-size: var(--tl-size-2);
    text-align: center;
  }
  .status.stopped {
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
  }
  .pins {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    flex: none;
    inline-size: 100%;
    padding: var(--tl-space-2) var(--tl-space-4);
    border-block-end: 1px solid var(--tl-line);
    background: var(--tl-surface);
    font-size: var(--tl-size-2);
  }
  .pins .icon {
    color: var(--tl-accent-text);
  }
  .pins:focus-visible {
    outline-offset: -2px;
  }
  .pins strong {
    display: block;
    color: var(--tl-accent-text);
    font-size: var(--tl-size-1);
  }
  .nothing {
    flex: 1;
    background: var(--tl-surface);
  }
  .targets {
    display: flex;
    flex-direction: column;
    max-block-size: 50vh;
  }
  .target {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    min-block-size: 52px;
    padding-inline: var(--tl-space-2);
    border-radius: var(--tl-radius-2);
  }
  .target:hover {
    background: var(--tl-surface);
  }
  @container (max-width: 1040px) {
    .shell.with-side {
      grid-template-columns: minmax(0, 1fr) minmax(300px, 400px);
    }
    .shell.with-side .left {
      display: none;
    }
    .shell.with-side .back {
      display: inline-grid;
    }
  }
  @container (max-width: 700px) {
    .shell,
    .shell.with-side {
      grid-template-columns: minmax(0, 1fr);
    }
    .shell:not(.open) .main,
    .shell.open .left,
    .shell.with-side .main,
    .shell.with-side .left {
      display: none;
    }
    .back {
      display: inline-grid;
    }
    .left,
    .side {
      border: 0;
    }
    .main .bar {
      padding-inline-start: var(--tl-space-1);
    }
  }
`;
