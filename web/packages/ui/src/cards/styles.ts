/** The look of cards: one frame, one set of parts, so that all kinds belong together. */

import { css } from "lit";

export const cardStyles = css`
  :host {
    inline-size: 100%;
  }
  .frame {
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-3);
    background: var(--tl-raised);
    color: var(--tl-text);
    overflow: hidden;
    box-shadow: var(--tl-shadow-1);
  }
  header {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: var(--tl-space-2) var(--tl-space-4) 0;
    color: var(--tl-text-2);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-medium);
  }
  header .icon {
    color: var(--tl-accent-text);
  }
  header .end {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    margin-inline-start: auto;
  }
  .end-card {
    padding: 2px 6px;
    border-radius: var(--tl-radius-1);
    color: var(--tl-text-2);
    text-decoration: underline;
    text-underline-offset: 3px;
  }
  .end-card:hover {
    color: var(--tl-text);
  }
  header .state {
    padding: 1px var(--tl-space-2);
    border-radius: var(--tl-radius-round);
    background: var(--tl-surface-2);
    color: var(--tl-text-2);
  }
  header .state.approved {
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
  }
  header .state.rejected {
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
  }
  .body {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-2);
    padding: var(--tl-space-1) var(--tl-space-4) var(--tl-space-3);
  }
  h3 {
    font-size: var(--tl-size-4);
    line-height: 1.3;
    overflow-wrap: anywhere;
    text-wrap: pretty;
  }
  .prose {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
  }
  .hint {
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
  }
  .line {
    display: flex;
    align-items: flex-start;
    gap: 6px;
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
    overflow-wrap: anywhere;
  }
  .line .icon {
    margin-block-start: 2px;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--tl-space-2);
    min-block-size: 24px;
  }
  .buttons {
    display: flex;
    gap: var(--tl-space-2);
  }
  .buttons .button {
    flex: 1;
  }
  .what {
    flex: 1;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }
  tl-avatar {
    --tl-avatar-size: 22px;
    --tl-avatar-ring: var(--tl-raised);
  }
  .tiny.icon-button {
    inline-size: 28px;
    block-size: 28px;
  }
  .error {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: var(--tl-space-2) var(--tl-space-4);
    background: var(--tl-danger-soft);
    color: var(--tl-danger);
    font-size: var(--tl-size-2);
  }

  /* poll */
  .options {
    display: flex;
    flex-direction: column;
    gap: 6px;
  }
  .option {
    position: relative;
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 40px;
    padding: 6px var(--tl-space-3);
    border-radius: var(--tl-radius-2);
    background: var(--tl-surface);
    overflow: hidden;
    cursor: pointer;
  }
  .option > * {
    position: relative;
  }
  .option .fill {
    position: absolute;
    inset-block: 0;
    inset-inline-start: 0;
    background: var(--tl-surface-3);
    border-radius: var(--tl-radius-2);
    transition: inline-size var(--tl-slow) var(--tl-ease);
  }
  .option.chosen .fill {
    background: var(--tl-accent-soft-2);
  }
  .option.chosen {
    box-shadow: inset 0 0 0 1.5px var(--tl-accent);
  }
  .option.best .what {
    font-weight: var(--tl-weight-bold);
  }
  .option .who {
    display: flex;
  }
  .option .who tl-avatar + tl-avatar {
    margin-inline-start: -7px;
  }
  .option .share {
    min-inline-size: 4ch;
    text-align: end;
    font-size: var(--tl-size-2);
    font-variant-numeric: tabular-nums;
  }
  .option:has(:focus-visible) {
    outline: 2px solid var(--tl-accent);
    outline-offset: 1px;
  }
  fieldset:disabled .option {
    cursor: default;
  }

  /* event */
  .event {
    display: flex;
    gap: var(--tl-space-3);
  }
  .leaf {
    flex: none;
    display: grid;
    justify-items: center;
    align-content: start;
    inline-size: 54px;
    block-size: 64px;
    border-radius: var(--tl-radius-2);
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
    font-size: 0.6875rem;
    font-weight: var(--tl-weight-bold);
    overflow: hidden;
    line-height: 1.25;
    padding-block: 5px;
  }
  .leaf strong {
    font-size: var(--tl-size-5);
    line-height: 1.15;
    color: var(--tl-text);
  }
  .about {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    flex-direction: column;
    gap: 2px;
  }
  .segments {
    display: flex;
    gap: 2px;
    padding: 3px;
    border-radius: var(--tl-radius-2);
    background: var(--tl-surface-2);
  }
  .segments button {
    flex: 1;
    min-block-size: 34px;
    padding-inline: var(--tl-space-1);
    border-radius: 8px;
    font-size: var(--tl-size-2);
    font-weight: var(--tl-weight-medium);
    text-align: center;
    color: var(--tl-text-2);
    transition: background var(--tl-fast), color var(--tl-fast);
  }
  .segments button:hover:not(:disabled) {
    color: var(--tl-text);
  }
  .segments button[aria-pressed="true"] {
    background: var(--tl-accent);
    color: var(--tl-on-accent);
  }
  .segments button:disabled:not([aria-pressed="true"]) {
    color: var(--tl-text-3);
  }
  .segments .count {
    margin-inline-start: 3px;
    font-variant-numeric: tabular-nums;
  }
  .faces {
    display: flex;
  }
  .faces tl-avatar {
    --tl-avatar-size: 26px;
    border-radius: 50%;
    box-shadow: 0 0 0 2px var(--tl-raised);
  }
  .faces tl-avatar + tl-avatar {
    margin-inline-start: -6px;
  }

  /* to-do */
  .progress {
    block-size: 6px;
    border-radius: var(--tl-radius-round);
    background: var(--tl-surface-2);
    overflow: hidden;
  }
  .progress span {
    display: block;
    block-size: 100%;
    border-radius: inherit;
    background: var(--tl-accent);
    transition: inline-size var(--tl-slow) var(--tl-ease);
  }
  .todo li {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 38px;
    border-block-end: 1px solid var(--tl-line);
  }
  .todo li:last-child {
    border-block-end: 0;
  }
  .todo label {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    align-items: center;
    gap: var(--tl-space-3);
    padding-block: 6px;
    cursor: pointer;
  }
  .todo small {
    display: block;
    font-size: var(--tl-size-1);
    color: var(--tl-text-2);
  }
  .todo small.late {
    color: var(--tl-danger);
  }
  .todo .done .what > span {
    color: var(--tl-text-3);
    text-decoration: line-through;
  }
  .add {
    display: flex;
    gap: var(--tl-space-1);
  }

  /* approval */
  .steps li {
    position: relative;
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 40px;
    font-size: var(--tl-size-2);
    color: var(--tl-text-2);
  }
  .steps li:not(:last-child)::before {
    content: "";
    position: absolute;
    inset-inline-start: 10px;
    inset-block: calc(50% + 11px) calc(-50% + 11px);
    inline-size: 2px;
    background: var(--tl-line);
  }
  .steps .mark {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 22px;
    block-size: 22px;
    border-radius: 50%;
    background: var(--tl-surface-2);
    font-size: var(--tl-size-1);
    font-weight: var(--tl-weight-bold);
  }
  .steps .mark .icon {
    stroke-width: 2.5;
  }
  .steps .approve .mark {
    background: var(--tl-accent);
    color: var(--tl-on-accent);
  }
  .steps .reject .mark {
    background: var(--tl-danger);
    color: var(--tl-on-danger);
  }
  .steps .waiting {
    color: var(--tl-text);
    font-weight: var(--tl-weight-medium);
  }
  .steps .waiting .mark {
    background: var(--tl-accent-soft);
    color: var(--tl-accent-text);
    box-shadow: inset 0 0 0 1.5px var(--tl-accent);
  }
  .steps q {
    display: block;
    font-weight: 400;
    color: var(--tl-text-2);
    font-style: italic;
  }

  /* form */
  .questions {
    display: flex;
    flex-direction: column;
    gap: var(--tl-space-3);
  }
  .choice {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 32px;
    cursor: pointer;
    overflow-wrap: anywhere;
  }
  .required {
    color: var(--tl-danger);
  }

  /* red packet */
  .frame.kind-red_packet header {
    display: none;
  }
  .frame.kind-red_packet .body {
    padding: 0 0 var(--tl-space-2);
    gap: 0;
  }
  .packet {
    position: relative;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 2px;
    padding: var(--tl-space-6) var(--tl-space-4) var(--tl-space-6);
    background:
      radial-gradient(120% 90% at 50% -30%, rgb(255 220 160 / 0.28), transparent 60%),
      var(--tl-packet);
    color: var(--tl-packet-ink);
    text-align: center;
  }
  .packet .greeting {
    font-size: var(--tl-size-4);
    font-weight: var(--tl-weight-bold);
    overflow-wrap: anywhere;
  }
  .packet .state {
    font-size: var(--tl-size-2);
  }
  .packet .open {
    margin-block-start: var(--tl-space-3);
    inline-size: 64px;
    block-size: 64px;
    border-radius: 50%;
    background: linear-gradient(160deg, #ffe9b8, #eab54e);
    color: #7a2413;
    font-size: var(--tl-size-4);
    font-weight: var(--tl-weight-bold);
    text-align: center;
    box-shadow: 0 3px 10px rgb(0 0 0 / 0.25);
    transition: transform var(--tl-fast);
  }
  .packet .open:hover {
    transform: scale(1.05);
  }
  .packet .open:focus-visible {
    outline-color: #fff;
  }
  .packet.opened {
    padding-block: var(--tl-space-4);
  }
  .claims {
    padding: var(--tl-space-2) var(--tl-space-4) 0;
    font-size: var(--tl-size-2);
  }
  .claims summary {
    cursor: pointer;
    color: var(--tl-text-2);
    border-radius: 4px;
  }
  .claims ul {
    max-block-size: 220px;
    overflow-y: auto;
  }
  .claims li,
  .people li {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    min-block-size: 36px;
    font-variant-numeric: tabular-nums;
  }
  .claims .best {
    font-weight: var(--tl-weight-bold);
    color: var(--tl-mention);
  }
  .packet-foot {
    padding: var(--tl-space-2) var(--tl-space-4) 0;
  }

  /* places */
  .place-link {
    display: block;
    color: inherit;
    text-decoration: none;
    border-radius: var(--tl-radius-2);
    overflow: hidden;
  }
  .place-link .place {
    padding: var(--tl-space-2) 2px 0;
  }
  .live .pin {
    animation: beat 2s ease-in-out infinite;
    transform-origin: 140px 74px;
  }
  @keyframes beat {
    50% {
      transform: scale(1.12);
    }
  }

  /* app cards */
  .facts {
    display: flex;
    flex-direction: column;
  }
  .facts div {
    display: flex;
    justify-content: space-between;
    gap: var(--tl-space-4);
    padding-block: 5px;
    border-block-end: 1px solid var(--tl-line);
    font-size: var(--tl-size-2);
  }
  .facts div:last-child {
    border-block-end: 0;
  }
  .facts dt {
    color: var(--tl-text-2);
    overflow-wrap: anywhere;
  }
  .facts dd {
    text-align: end;
    font-weight: var(--tl-weight-medium);
    overflow-wrap: anywhere;
  }
`;
