/** `<tl-dialog>`, a modal window with a heading, and `<tl-confirm>`, which asks before something irreversible. */

import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { buttonStyles } from "../theme/base.js";
import { TlElement } from "./element.js";
import { icon } from "./icons.js";

const dialogStyles = css`
  dialog {
    padding: 0;
    border: 1px solid var(--tl-line);
    border-radius: var(--tl-radius-3);
    background: var(--tl-raised);
    color: var(--tl-text);
    box-shadow: var(--tl-shadow-3);
    inline-size: min(var(--tl-dialog-size, 440px), calc(100vw - 32px));
    max-block-size: min(720px, calc(100dvh - 32px));
    overflow: hidden;
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
    animation: rise var(--tl-slow) var(--tl-ease);
  }
  dialog::backdrop {
    background: var(--tl-scrim);
  }
  @keyframes rise {
    from {
      opacity: 0;
      transform: translateY(12px) scale(0.985);
    }
  }
  header {
    display: flex;
    align-items: center;
    gap: var(--tl-space-2);
    padding: var(--tl-space-3) var(--tl-space-3) var(--tl-space-2) var(--tl-space-5);
    padding-inline: var(--tl-space-5) var(--tl-space-3);
  }
  h2 {
    flex: 1;
    font-size: var(--tl-size-4);
    overflow-wrap: anywhere;
  }
  .body {
    padding: var(--tl-space-2) var(--tl-space-5) var(--tl-space-5);
    overflow-y: auto;
  }
`;

/** A modal window: `show()` and `close()`. The focus stays inside and goes back where it was. Fires `tl-dialog-closed`. */
@customElement("tl-dialog")
export class TlDialog extends TlElement {
  static override styles = [...[TlElement.styles].flat(), buttonStyles, dialogStyles, css`:host { display: contents; }`];

  /** What the window is about. */
  @property() heading = "";
  /** Whether it is open. */
  @property({ type: Boolean, reflect: true }) open = false;

  /** Open it. */
  async show(): Promise<void> {
    this.open = true;
    await this.updateComplete;
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog !== null && !dialog.open) dialog.showModal();
  }

  /** Close it. */
  close(): void {
    this.renderRoot.querySelector("dialog")?.close();
  }

  private closed(): void {
    this.open = false;
    this.emit("tl-dialog-closed");
  }

  protected override render(): TemplateResult {
    return html`<dialog
      aria-labelledby="heading"
      @close=${this.closed}
      @keydown=${(event: KeyboardEvent) => event.key === "Escape" && event.stopPropagation()}
      @click=${(event: MouseEvent) => event.target === event.currentTarget && this.close()}
    >
      <header>
        <h2 id="heading">${this.heading}</h2>
        <button type="button" class="icon-button" aria-label=${this.t("close")} @click=${this.close}>${icon("close")}</button>
      </header>
      <div class="body">${this.open ? html`<slot></slot>` : ""}</div>
    </dialog>`;
  }
}

/** Asks a yes-or-no question. */
@customElement("tl-confirm")
export class TlConfirm extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    buttonStyles,
    dialogStyles,
    css`
      :host {
        display: contents;
      }
      dialog {
        --tl-dialog-size: 380px;
      }
      .body {
        padding: var(--tl-space-5);
      }
      p {
        overflow-wrap: anywhere;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: var(--tl-space-2);
        margin-block-start: var(--tl-space-5);
      }
    `,
  ];

  @state() private question = { text: "", action: "", danger: false };
  private answer: (yes: boolean) => void = () => undefined;

  /** Ask; resolves with whether the action was chosen. */
  async ask(text: string, action: string, danger = true): Promise<boolean> {
    this.question = { text, action, danger };
    await this.updateComplete;
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog === null) return false;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => (this.answer = resolve));
  }

  protected override render(): TemplateResult {
    const { text, action, danger } = this.question;
    return html`<dialog
      role="alertdialog"
      aria-labelledby="text"
      @close=${(event: Event) => this.answer((event.target as HTMLDialogElement).returnValue === "yes")}
      @keydown=${(event: KeyboardEvent) => event.key === "Escape" && event.stopPropagation()}
    >
      <form method="dialog" class="body">
        <p id="text">${text}</p>
        <div class="actions">
          <button class="button" value="no" autofocus>${this.t("cancel")}</button>
          <button class="button ${danger ? "danger" : "primary"}" value="yes">${action}</button>
        </div>
      </form>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-dialog": TlDialog;
    "tl-confirm": TlConfirm;
  }
}
