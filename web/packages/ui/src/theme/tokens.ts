/**
 * The design tokens: every colour, distance, size and duration that components use, as CSS custom properties.
 *
 * They are declared with no specificity, so any rule of the page that sets one wins. Colours are
 * `light-dark()` pairs and follow `color-scheme`, which the `theme` attribute (or the page) decides.
 * Not here: rules for elements (`base.ts`), and who puts the sheet into the document (`install.ts`).
 */

import { css } from "lit";

export const tokens = css`
  :where(:root) {
    /* surfaces, from the page to what floats above it */
    --tl-bg: light-dark(#ffffff, #121715);
    --tl-surface: light-dark(#f5f7f4, #181f1c);
    --tl-surface-2: light-dark(#eaeeea, #222b28);
    --tl-surface-3: light-dark(#dde4df, #2d3834);
    --tl-raised: light-dark(#ffffff, #1f2825);
    --tl-line: light-dark(#dfe5e0, #2c3733);
    --tl-line-strong: light-dark(#8a9690, #6f7e78);
    --tl-scrim: light-dark(rgb(16 28 24 / 0.4), rgb(0 0 0 / 0.6));

    /* ink */
    --tl-text: light-dark(#16201c, #e9efec);
    --tl-text-2: light-dark(#4c5a54, #aebbb5);
    --tl-text-3: light-dark(#5d6b65, #94a29c);
    --tl-text-inverse: light-dark(#ffffff, #0c1512);

    /* the one accent, and what it is laid on */
    --tl-accent: light-dark(#0d6b5d, #5fcdb7);
    --tl-accent-hover: light-dark(#0a584d, #7cdcc8);
    --tl-on-accent: light-dark(#ffffff, #06211b);
    --tl-accent-soft: light-dark(#e0f1ec, #173a33);
    --tl-accent-soft-2: light-dark(#cbe6de, #1f4a41);
    --tl-accent-text: light-dark(#0b5e52, #7ad8c4);

    /* a bubble of mine, and of others */
    --tl-bubble-own: light-dark(#d8efe7, #17453b);
    --tl-bubble-own-text: light-dark(#0e231d, #e9f6f2);
    --tl-bubble-own-quiet: light-dark(#3e5c52, #a8ccc1);
    --tl-bubble: light-dark(#f1f4f1, #212a27);
    --tl-bubble-text: var(--tl-text);

    /* states */
    --tl-danger: light-dark(#b3261e, #ff8f83);
    --tl-danger-soft: light-dark(#fbe9e7, #45211d);
    --tl-on-danger: light-dark(#ffffff, #3a0906);
    --tl-warning: light-dark(#8a5200, #f4bd68);
    --tl-warning-soft: light-dark(#fdf1dc, #3d2f16);
    --tl-success: light-dark(#1b7a3d, #6fd28f);
    --tl-mention: light-dark(#b8410b, #ff9f6e);
    --tl-mention-soft: light-dark(#fdeee4, #47291a);
    --tl-on-mention: light-dark(#ffffff, #2d1204);
    --tl-online: light-dark(#2aa35a, #52d084);
    --tl-packet: light-dark(#c0392b, #b5392c);
    --tl-packet-ink: #fff3dc;
    --tl-highlight: light-dark(#ffe9a8, #5a4a14);

    /* type */
    --tl-font: Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei",
      "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif;
    --tl-font-mono: ui-monospace, "SF Mono", "Cascadia Code", "Liberation Mono", monospace;
    --tl-font-emoji: "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif;
    --tl-size-1: 0.75rem;
    --tl-size-2: 0.8125rem;
    --tl-size-3: 0.9375rem;
    --tl-size-4: 1.0625rem;
    --tl-size-5: 1.375rem;
    --tl-leading: 1.45;
    --tl-weight-medium: 500;
    --tl-weight-bold: 620;

    /* distances: a scale of four */
    --tl-space-1: 4px;
    --tl-space-2: 8px;
    --tl-space-3: 12px;
    --tl-space-4: 16px;
    --tl-space-5: 20px;
    --tl-space-6: 24px;
    --tl-space-8: 32px;
    --tl-control: 36px;
    --tl-touch: 44px;

    /* shape and depth */
    --tl-radius-1: 6px;
    --tl-radius-2: 10px;
    --tl-radius-3: 16px;
    --tl-radius-round: 999px;
    --tl-shadow-1: 0 1px 2px light-dark(rgb(16 32 28 / 0.08), rgb(0 0 0 / 0.4));
    --tl-shadow-2: 0 4px 16px light-dark(rgb(16 32 28 / 0.12), rgb(0 0 0 / 0.5)),
      0 1px 3px light-dark(rgb(16 32 28 / 0.1), rgb(0 0 0 / 0.4));
    --tl-shadow-3: 0 16px 48px light-dark(rgb(16 32 28 / 0.2), rgb(0 0 0 / 0.65));

    /* motion */
    --tl-fast: 120ms;
    --tl-slow: 240ms;
    --tl-ease: cubic-bezier(0.2, 0.8, 0.2, 1);

    /* a name's colour: text on the page, and the disc behind initials */
    --tl-hue-0: light-dark(#0b6a5c, #6fd3bf);
    --tl-hue-1: light-dark(#1c5fa8, #8cc0f5);
    --tl-hue-2: light-dark(#7a3fa0, #d3a8ee);
    --tl-hue-3: light-dark(#a8326a, #f3a3c6);
    --tl-hue-4: light-dark(#a5450f, #f6b184);
    --tl-hue-5: light-dark(#7a5a00, #e3c46a);
    --tl-hue-6: light-dark(#3f6b12, #a9d67a);
    --tl-hue-7: light-dark(#4a55a8, #b3baf4);
    --tl-disc-0: light-dark(#d3ece6, #1c4a41);
    --tl-disc-1: light-dark(#d6e6f8, #1d3c5e);
    --tl-disc-2: light-dark(#ecdff5, #452a58);
    --tl-disc-3: light-dark(#f8dde9, #552539);
    --tl-disc-4: light-dark(#fae2d3, #572f17);
    --tl-disc-5: light-dark(#f5ebc9, #483a10);
    --tl-disc-6: light-dark(#e2f0d3, #2f4418);
    --tl-disc-7: light-dark(#e0e3f8, #2f3560);
  }

  @media (prefers-reduced-motion: reduce) {
    :where(:root) {
      --tl-fast: 0.01ms;
      --tl-slow: 0.01ms;
    }
  }

  /* Who decides between light and dark: the nearest theme attribute, else the page for single components, else the system. */
  :where(tl-provider, tl-chat) {
    color-scheme: light dark;
  }
  :where([data-tl-theme] tl-provider, [data-tl-theme] tl-chat, tl-provider tl-chat) {
    color-scheme: inherit;
  }
  :where([data-tl-theme="light"], [theme="light"]:is(tl-provider, tl-chat)) {
    color-scheme: light;
  }
  :where([data-tl-theme="dark"], [theme="dark"]:is(tl-provider, tl-chat)) {
    color-scheme: dark;
  }
`;
