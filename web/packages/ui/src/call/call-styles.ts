/** How a call looks: a dark stage in both themes, as pictures want it; panels follow the theme. */

import { css } from "lit";

export const callStyles = css`
  :host {
    display: block;
    block-size: 100%;
    min-block-size: 320px;
    container-type: inline-size;
    background: #0f1714;
    color: #fff;
  }
  .call {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    grid-template-rows: minmax(0, 1fr) auto;
    block-size: 100%;
  }
  .tiles {
    position: relative;
    min-block-size: 0;
    margin: var(--tl-space-3);
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-content: center;
    justify-content: center;
  }
  .tiles.speaker {
    flex-wrap: nowrap;
    flex-direction: column;
    align-items: center;
  }
  .main {
    position: relative;
    flex: 1;
    min-block-size: 0;
    inline-size: 100%;
  }
  .main tl-call-tile {
    inline-size: 100%;
    block-size: 100%;
  }
  .strip {
    display: flex;
    gap: 8px;
    max-inline-size: 100%;
    overflow-x: auto;
    flex: none;
  }
  .strip .place {
    flex: none;
    inline-size: 176px;
    block-size: 99px;
  }
  .place {
    position: relative;
  }
  .place tl-call-tile {
    inline-size: 100%;
    block-size: 100%;
  }
  .call .pin {
    position: absolute;
    inset-block-start: 6px;
    inset-inline-end: 6px;
    z-index: 2;
    inline-size: 32px;
    block-size: 32px;
    background: rgb(8 16 13 / 0.66);
    color: #fff;
    opacity: 0;
  }
  .place:hover .pin,
  .main:hover .pin,
  .pin:focus-visible,
  .pin[aria-pressed="true"] {
    opacity: 1;
  }
  .note {
    position: absolute;
    inset-block-start: var(--tl-space-3);
    inset-inline: 0;
    margin-inline: auto;
    inline-size: fit-content;
    max-inline-size: calc(100% - 32px);
    z-index: 3;
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding: var(--tl-space-2) var(--tl-space-4);
    border-radius: var(--tl-radius-round);
    background: rgb(8 16 13 / 0.85);
    font-size: var(--tl-size-2);
  }
  .controls {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: center;
    gap: var(--tl-space-2);
    padding: var(--tl-space-2) var(--tl-space-3) var(--tl-space-4);
  }
  .controls .icon-button,
  .switches .icon-button {
    inline-size: 48px;
    block-size: 48px;
    background: #26332f;
    color: #fff;
  }
  .controls .icon-button:hover:not(:disabled),
  .switches .icon-button:hover:not(:disabled) {
    background: #354540;
  }
  .controls .icon-button.off,
  .switches .icon-button.off {
    background: #fbe9e7;
    color: #a11f17;
  }
  .controls .icon-button.on {
    background: #5fcdb7;
    color: #06211b;
  }
  .controls .leave {
    background: #c8362c;
    inline-size: 64px;
    border-radius: 24px;
  }
  .controls .leave:hover:not(:disabled) {
    background: #ad2a21;
  }
  :focus-visible {
    outline-color: #5fcdb7;
  }
  .gap {
    inline-size: var(--tl-space-3);
  }
  .people {
    inline-size: 260px;
    margin: var(--tl-space-3) var(--tl-space-3) var(--tl-space-3) 0;
    padding: var(--tl-space-3);
    border-radius: var(--tl-radius-3);
    background: var(--tl-bg);
    color: var(--tl-text);
  }
  .people h3 {
    padding: var(--tl-space-1) var(--tl-space-2) var(--tl-space-2);
    font-size: var(--tl-size-3);
  }
  .people li {
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding: 6px var(--tl-space-2);
    font-size: var(--tl-size-2);
  }
  .people tl-avatar {
    --tl-avatar-size: 32px;
  }
  .people .grow {
    flex: 1;
  }
  .people .off {
    color: var(--tl-danger);
  }
  .people .hand {
    color: var(--tl-warning);
  }
  .reactions {
    position: fixed;
    inset: auto;
    margin: 0;
    padding: 6px;
    border: 0;
    border-radius: var(--tl-radius-round);
    background: #26332f;
    box-shadow: var(--tl-shadow-3);
  }
  .reactions:popover-open {
    display: flex;
    gap: 2px;
  }
  .reactions button {
    inline-size: 44px;
    block-size: 44px;
    display: grid;
    place-items: center;
    border-radius: 50%;
    font-family: var(--tl-font-emoji);
    font-size: 24px;
    line-height: 1;
  }
  .reactions button:hover {
    background: #3c4d47;
  }
  .lobby {
    display: grid;
    grid-template-columns: minmax(0, 1.4fr) minmax(260px, 1fr);
    gap: var(--tl-space-8);
    align-items: center;
    max-inline-size: 980px;
    min-block-size: 100%;
    margin-inline: auto;
    padding: var(--tl-space-6);
  }
  .looking {
    position: relative;
    aspect-ratio: 16 / 9;
    overflow: hidden;
    border-radius: var(--tl-radius-3);
    background: #1d2825;
  }
  .looking video {
    position: absolute;
    inset: 0;
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
    transform: scaleX(-1);
  }
  .looking > p {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    place-content: center;
    gap: var(--tl-space-3);
    color: #c9d6d1;
    font-size: var(--tl-size-2);
  }
  .looking tl-avatar {
    --tl-avatar-size: 88px;
  }
  .switches {
    position: absolute;
    inset-inline: 0;
    inset-block-end: var(--tl-space-4);
    display: flex;
    justify-content: center;
    gap: var(--tl-space-3);
  }
  .lobby h2 {
    font-size: var(--tl-size-5);
    margin-block-end: var(--tl-space-4);
  }
  .lobby .label {
    color: #c9d6d1;
    margin-block-start: var(--tl-space-3);
  }
  .lobby .field,
  .devices .field {
    color-scheme: dark;
    background: #1d2825;
    border-color: #6f7e78;
    color: #fff;
  }
  .lobby .button {
    inline-size: 100%;
    margin-block-start: var(--tl-space-5);
    min-block-size: var(--tl-touch);
    background: #5fcdb7;
    color: #06211b;
  }
  .lobby .button:hover:not(:disabled) {
    background: #7cdcc8;
  }
  .trouble {
    display: flex;
    align-items: flex-start;
    gap: var(--tl-space-2);
    margin-block-start: var(--tl-space-3);
    font-size: var(--tl-size-2);
    color: #ffb4ab;
  }
  .trouble button {
    color: #7ad8c4;
    text-decoration: underline;
  }
  meter {
    inline-size: 100%;
    block-size: 8px;
    margin-block-start: var(--tl-space-2);
  }
  .over {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--tl-space-4);
    min-block-size: 100%;
    block-size: 100%;
    padding: var(--tl-space-6);
    text-align: center;
  }
  .over h2 {
    font-size: var(--tl-size-5);
  }
  @container (max-width: 700px) {
    .lobby {
      grid-template-columns: minmax(0, 1fr);
      gap: var(--tl-space-4);
      align-content: center;
    }
    .people {
      position: absolute;
      inset-inline-end: 0;
      inset-block-start: 0;
      z-index: 4;
      box-shadow: var(--tl-shadow-3);
    }
    .controls {
      gap: 4px;
      padding-inline: 4px;
    }
    .controls .icon-button,
    .controls .leave {
      inline-size: 42px;
      block-size: 42px;
    }
    .gap {
      display: none;
    }
    .strip .place {
      inline-size: 120px;
      block-size: 68px;
    }
  }
`;
