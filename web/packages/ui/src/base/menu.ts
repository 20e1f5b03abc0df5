/** `<tl-menu>`: a menu at a button or a point, in the top layer. And where such things are put. */

import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { buttonStyles } from "../theme/base.js";
import { TlElement } from "./element.js";
import { icon, type IconName } from "./icons.js";
import { focusItem, rove } from "./roving.js";

/** One choice of a menu; `null` in a list of choices is a line between two groups. */
export interface MenuItem {
  label: string;
  icon?: IconName;
  /** Something irreversible: red. */
  danger?: boolean;
  disabled?: boolean;
  /** A choice that is on or off. */
  checked?: boolean;
  run: () => void;
}

/** Put a shown popover beside an anchor, inside the window. */
export function placeBeside(popover: HTMLElement, anchor: DOMRect, gap = 6): void {
  const { offsetWidth: width, offsetHeight: height } = popover;
  const rtl = popover.matches(":dir(rtl)");
  const below = anchor.bottom + gap;
  const above = anchor.top - gap - height;
  const top = below + height <= innerHeight - 8 || above < 8 ? Math.min(below, innerHeight - height - 8) : above;
  const start = rtl ? anchor.left : anchor.right - width;
  const left = start < 8 ? anchor.left : start;
  popover.style.setProperty("top", `${Math.max(8, top)}px`);
  popover.style.setProperty("left", `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`);
}

/** A menu. `show(anchor, items)` opens it; it closes by a choice, Escape, or a click elsewhere, and gives the focus back. */
@customElement("tl-menu")
export class TlMenu extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    css`
      :host {
        display: contents;
      }
      [popover] {
        position: fixed;
        inset: auto;
        margin: 0;
        padding: var(--tl-space-1);
        border: 1px solid var(--tl-line);
        border-radius: var(--tl-radius-2);
        min-inline-size: 180px;
        max-inline-size: min(320px, calc(100vw - 16px));
        max-block-size: calc(100vh - 16px);
        overflow-y: auto;
        background: var(--tl-raised);
        color: var(--tl-text);
        box-shadow: var(--tl-shadow-2);
      }
      [popover]:popover-open {
        animation: appear var(--tl-fast) var(--tl-ease);
      }
      @keyframes appear {
        from {
          opacity: 0;
          transform: translateY(-4px);
        }
      }
      button {
        display: flex;
        align-items: center;
        gap: var(--tl-space-3);
        inline-size: 100%;
        min-block-size: var(--tl-control);
        padding: var(--tl-space-1) var(--tl-space-3);
        border-radius: var(--tl-radius-1);
        font-size: var(--tl-size-2);
      }
      button:hover:not(:disabled),
      button:focus-visible {
        background: var(--tl-surface-2);
      }
      button:focus-visible {
        outline-offset: -2px;
      }
      button .icon {
        color: var(--tl-text-2);
      }
      button.danger,
      button.danger .icon {
        color: var(--tl-danger);
      }
      button.danger:hover:not(:disabled) {
        background: var(--tl-danger-soft);
      }
      button:disabled {
        color: var(--tl-text-3);
      }
      hr {
        border: 0;
        border-block-start: 1px solid var(--tl-line);
        margin: var(--tl-space-1) 0;
      }
      .tail {
        margin-inline-start: auto;
      }
      @media (pointer: coarse) {
        button {
          min-block-size: var(--tl-touch);
        }
      }
    `,
  ];

  /** What the menu is about, for screen readers. */
  @property() label = "";
  @state() private items: readonly (MenuItem | null)[] = [];
  private anchor: HTMLElement | undefined;

  /** Open beside an element, or at a point. */
  async show(anchor: HTMLElement | DOMRect, items: readonly (MenuItem | null)[]): Promise<void> {
    this.items = items;
    this.anchor = anchor instanceof HTMLElement ? anchor : undefined;
    await this.updateComplete;
    const popover = this.popoverElement;
    if (popover === null) return;
    popover.showPopover();
    placeBeside(popover, anchor instanceof HTMLElement ? anchor.getBoundingClientRect() : anchor);
    this.anchor?.setAttribute("aria-expanded", "true");
    const first = this.buttons[0];
    if (first !== undefined) focusItem(this.buttons, first);
  }

  /** Close without a choice. */
  hide(): void {
    this.popoverElement?.hidePopover();
  }

  private get popoverElement(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>("[popover]");
  }

  private get buttons(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("button:not(:disabled)")];
  }

  private toggled(event: Event): void {
    if ((event as ToggleEvent).newState !== "closed") return;
    this.anchor?.removeAttribute("aria-expanded");
    if (this.shadowRoot?.activeElement || document.activeElement === document.body) this.anchor?.focus();
    this.emit("tl-menu-closed");
  }

  private choose(item: MenuItem): void {
    this.hide();
    this.anchor?.focus();
    item.run();
  }

  protected override render(): TemplateResult {
    return html`<div
      popover="auto"
      role="menu"
      aria-label=${this.label}
      @toggle=${this.toggled}
      @keydown=${(event: KeyboardEvent) => {
        if (rove(event, this.buttons, { direction: "vertical", wrap: true })) event.stopPropagation();
        if (event.key === "Tab") this.hide();
        if (event.key === "Escape") event.stopPropagation();
      }}
    >
      ${this.items.map((item) =>
        item === null
          ? html`<hr role="separator" />`
          : html`<button
              type="button"
              role=${item.checked === undefined ? "menuitem" : "menuitemcheckbox"}
              aria-checked=${item.checked === undefined ? nothing : String(item.checked)}
              class=${item.danger ? "danger" : ""}
              ?disabled=${item.disabled ?? false}
              tabindex="-1"
              @click=${() => this.choose(item)}
            >
              ${item.icon === undefined ? "" : icon(item.icon)}<span>${item.label}</span>
              ${item.checked ? html`<span class="tail">${icon("check", "small")}</span>` : ""}
            </button>`,
      )}
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-menu": TlMenu;
  }
}
