/**
 * Styles that are computed: set through the CSSOM, property by property.
 *
 * A strict Content-Security-Policy refuses `style` attributes, also those that Lit's `styleMap` writes at first.
 */

import { noChange } from "lit";
import { directive, Directive, PartType, type ElementPart, type PartInfo } from "lit/directive.js";

/** CSS properties in their written form, such as `inline-size`. */
export type StyleValues = Readonly<Record<string, string>>;

class Styled extends Directive {
  private before: StyleValues = {};

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("styled() stands in a tag: <div ${styled({...})}>");
  }

  override render(_values: StyleValues): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [values]: [StyleValues]): typeof noChange {
    const { style } = part.element as HTMLElement;
    for (const name of Object.keys(this.before)) if (!(name in values)) style.removeProperty(name);
    for (const [name, value] of Object.entries(values)) if (this.before[name] !== value) style.setProperty(name, value);
    this.before = values;
    return noChange;
  }
}

/** Sets computed styles of the element it stands in: `<div ${styled({ "inline-size": "40%" })}>`. */
export const styled = directive(Styled);
