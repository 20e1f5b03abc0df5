/** `<tl-provider>`: gives the components inside it a client, a language and a theme. Draws nothing itself. */

import { css, html, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";

import { TlElement } from "./element.js";

/**
 * Put it around components, anywhere up the page, and set `client` once.
 *
 * @attr theme - `light`, `dark`, or nothing to follow the system.
 * @attr lang - The language, such as `en` or `zh-CN`; that of the page by default. Sets the direction of writing as well.
 */
@customElement("tl-provider")
export class TlProvider extends TlElement {
  static override styles = [
    ...[TlElement.styles].flat(),
    css`
      :host {
        display: contents;
      }
    `,
  ];

  /** `light`, `dark`, or empty for the system's. */
  @property({ reflect: true, useDefault: true }) theme: "" | "light" | "dark" = "";

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    if (changed.has("lang") && this.lang) this.dir = this.localizer.direction;
  }

  protected override render(): TemplateResult {
    return html`<slot></slot>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tl-provider": TlProvider;
  }
}
