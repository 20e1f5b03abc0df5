/** How a live room looks. Text over the picture is light on dark in both themes, because the picture decides. */

import { css } from "lit";

export const roomStyles = css`
  :host {
    display: block;
    block-size: 100%;
    min-block-size: 320px;
    container-type: inline-size;
    background: var(--tl-bg);
  }
  .room {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(300px, 360px);
    block-size: 100%;
    min-block-size: 0;
  }
  .stage {
    position: relative;
    overflow: hidden;
    min-block-size: 0;
    background: #0c1613;
    color: #fff;
    isolation: isolate;
  }
  .picture {
    position: absolute;
    inset: 0;
    display: grid;
  }
  ::slotted(*) {
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
    min-block-size: 0;
  }
  .no-picture {
    background:
      radial-gradient(60% 80% at 20% 110%, #1c6f61 0%, transparent 70%),
      radial-gradient(50% 70% at 85% -10%, #7a4a1d 0%, transparent 70%), #10201c;
  }
  canvas {
    position: absolute;
    inset: 0;
    inline-size: 100%;
    block-size: 100%;
    pointer-events: none;
    padding: 0;
  }
  .shade {
    position: absolute;
    inset-inline: 0;
    inset-block-end: 0;
    block-size: 120px;
    background: linear-gradient(transparent, rgb(0 0 0 / 0.55));
    pointer-events: none;
  }
  .head {
    position: absolute;
    inset-block-start: var(--tl-space-3);
    inset-inline: var(--tl-space-3);
    display: flex;
    align-items: flex-start;
    gap: var(--tl-space-2);
    z-index: 3;
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 36px;
    padding: 4px var(--tl-space-3);
    border-radius: var(--tl-radius-round);
    background: rgb(8 16 13 / 0.66);
    color: #fff;
    font-size: var(--tl-size-2);
    max-inline-size: 100%;
    min-inline-size: 0;
  }
  .chip .icon {
    inline-size: 16px;
    block-size: 16px;
  }
  .chip h2 {
    font-size: var(--tl-size-2);
  }
  .live-dot {
    flex: none;
    inline-size: 8px;
    block-size: 8px;
    border-radius: 50%;
    background: #ff5d5d;
    box-shadow: 0 0 0 3px rgb(255 93 93 / 0.3);
  }
  .grow {
    flex: 1;
  }
  .stage .icon-button {
    background: rgb(8 16 13 / 0.66);
    color: #fff;
  }
  .stage .icon-button:hover:not(:disabled) {
    background: rgb(8 16 13 / 0.85);
    color: #fff;
  }
  .stage :focus-visible {
    outline-color: #fff;
  }
  .announcement {
    position: absolute;
    inset-block-start: 60px;
    inset-inline: var(--tl-space-3);
    margin-inline: auto;
    inline-size: fit-content;
    max-inline-size: min(560px, calc(100% - 24px));
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding: var(--tl-space-2) var(--tl-space-2) var(--tl-space-2) var(--tl-space-4);
    border-radius: var(--tl-radius-2);
    background: #fff4d6;
    color: #3d2c00;
    box-shadow: var(--tl-shadow-2);
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-medium);
    z-index: 3;
    animation: drop var(--tl-slow) var(--tl-ease);
  }
  .announcement a {
    color: #0b5e52;
  }
  .announcement p {
    overflow-wrap: anywhere;
    max-block-size: 6em;
    overflow-y: auto;
  }
  .stage .announcement .icon-button {
    background: none;
    color: #3d2c00;
    inline-size: 28px;
    block-size: 28px;
  }
  @keyframes drop {
    from {
      opacity: 0;
      transform: translateY(-12px);
    }
  }
  .combos {
    position: absolute;
    inset-inline-start: var(--tl-space-3);
    inset-block-end: var(--tl-space-4);
    display: grid;
    gap: var(--tl-space-2);
    justify-items: start;
    max-inline-size: calc(100% - 160px);
    z-index: 2;
  }
  .combo {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    padding: 4px var(--tl-space-4) 4px 5px;
    border-radius: var(--tl-radius-round);
    background: linear-gradient(90deg, #8a4a0c, rgb(48 28 8 / 0.92));
    max-inline-size: 100%;
    animation: slide 320ms var(--tl-ease);
  }
  .combo tl-avatar {
    --tl-avatar-size: 34px;
  }
  .combo div {
    min-inline-size: 0;
    line-height: 1.25;
  }
  .combo b {
    display: block;
    font-size: var(--tl-size-2);
  }
  .combo small {
    display: block;
    font-size: var(--tl-size-1);
    color: #ffe3b8;
  }
  .gift-picture {
    flex: none;
    inline-size: 40px;
    block-size: 40px;
  }
  .times {
    font-size: 1.5rem;
    font-weight: 800;
    font-style: italic;
    color: #ffd166;
    line-height: 1;
    animation: beat 260ms var(--tl-ease);
  }
  .times i {
    font-size: 0.65em;
    margin-inline-end: 1px;
  }
  @keyframes slide {
    from {
      opacity: 0;
      transform: translateX(-40px);
    }
  }
  @keyframes beat {
    from {
      transform: scale(1.7);
    }
  }
  .like {
    position: absolute;
    inset-inline-end: var(--tl-space-4);
    inset-block-end: var(--tl-space-4);
    display: grid;
    justify-items: center;
    gap: 2px;
    z-index: 2;
    font-size: var(--tl-size-1);
    text-shadow: 0 1px 3px #000;
  }
  .stage .like .icon-button {
    inline-size: 52px;
    block-size: 52px;
    background: #e8395a;
    transition: transform var(--tl-fast) var(--tl-ease);
  }
  .stage .like .icon-button:hover {
    background: #d12a4a;
  }
  .like .icon-button:active {
    transform: scale(0.88);
  }
  .like .icon {
    fill: currentColor;
    inline-size: 26px;
    block-size: 26px;
  }
  .quiz {
    position: absolute;
    inset-inline: 0;
    inset-block: 56px 76px;
    display: grid;
    place-items: center;
    padding-inline: var(--tl-space-3);
    pointer-events: none;
    z-index: 4;
  }
  .quiz > * {
    pointer-events: auto;
  }
  .cover {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--tl-space-3);
    padding: var(--tl-space-6);
    text-align: center;
    background: rgb(6 12 10 / 0.78);
    z-index: 5;
  }
  .cover h2 {
    font-size: var(--tl-size-5);
  }
  .side {
    display: flex;
    flex-direction: column;
    min-block-size: 0;
    min-inline-size: 0;
    border-inline-start: 1px solid var(--tl-line);
    background: var(--tl-bg);
  }
  [role="tablist"] {
    display: flex;
    gap: var(--tl-space-1);
    padding: var(--tl-space-2) var(--tl-space-3) 0;
    border-block-end: 1px solid var(--tl-line);
  }
  [role="tab"] {
    padding: var(--tl-space-2) var(--tl-space-3);
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-bold);
    color: var(--tl-text-2);
    border-block-end: 2px solid transparent;
    min-block-size: var(--tl-control);
  }
  [role="tab"][aria-selected="true"] {
    color: var(--tl-accent-text);
    border-block-end-color: var(--tl-accent);
  }
  [role="tab"]:focus-visible {
    outline-offset: -2px;
    border-radius: var(--tl-radius-1);
  }
  .panel {
    flex: 1;
    min-block-size: 0;
    display: flex;
    flex-direction: column;
  }
  .panel > * {
    min-block-size: 0;
  }
  tl-room-feed {
    flex: 1;
  }
  @container (max-width: 700px) {
    .room {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: minmax(200px, 46%) minmax(0, 1fr);
    }
    .side {
      border-inline-start: 0;
      border-block-start: 1px solid var(--tl-line);
    }
    .stage .like .icon-button {
      inline-size: 44px;
      block-size: 44px;
    }
  }
`;
