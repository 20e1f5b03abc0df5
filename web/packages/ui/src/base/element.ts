/**
 * What every component is: a Lit element that finds its client and language, and speaks, subscribes and reports alike.
 *
 * A component takes `client` and `lang` from itself, else from the nearest component around it (`<tl-provider>`,
 * `<tl-chat>`, ...), else from `configure()`. Not here: styles (`theme/`), words (`i18n/`).
 */

import { LitElement, type CSSResultGroup } from "lit";
import { property } from "lit/decorators.js";
import type { ClientApi, Observable, Profile, TrunklineError } from "@trunkline/core";

import { localizer, type Localizer, type MessageKey, type Values } from "../i18n/localizer.js";
import { baseStyles } from "../theme/base.js";
import { installTheme } from "../theme/install.js";
import { Watches } from "./watch.js";

/** Asks the components around for their scope. */
class ScopeRequest extends Event {
  answer: TlElement | undefined;
  constructor() {
    super("tl-scope", { bubbles: true, composed: true });
  }
}

const defaults: { client?: ClientApi; language?: string } = {};
const rootless = new Set<TlElement>();

/** The client and language of components that have no provider around them. */
export function configure(options: { client?: ClientApi; language?: string }): void {
  Object.assign(defaults, options);
  for (const element of rootless) element.scopeChanged();
}

/** The base of all components. */
export class TlElement extends LitElement {
  static override styles: CSSResultGroup = [baseStyles];

  /** The client whose data is shown. Set it here, or on a component around this one. */
  @property({ attribute: false })
  get client(): ClientApi | undefined {
    return this.ownClient ?? this.around?.client ?? defaults.client;
  }
  set client(client: ClientApi | undefined) {
    if (client === this.ownClient) return;
    this.ownClient = client;
    this.scopeChanged();
  }

  /** The language, such as `en` or `zh-CN`: of this component, else of what is around it, the page, the browser. */
  @property({ reflect: true, useDefault: true }) override lang = "";

  /** Observables that the render reads. */
  protected readonly watches = new Watches(this);
  private ownClient: ClientApi | undefined;
  private around: TlElement | undefined;
  private readonly inside = new Set<TlElement>();
  private readonly stops: (() => void)[] = [];

  constructor() {
    super();
    installTheme();
    this.addEventListener("tl-scope", (event) => {
      if (event.composedPath()[0] === this) return;
      event.stopPropagation();
      (event as ScopeRequest).answer = this;
    });
  }

  override connectedCallback(): void {
    const request = new ScopeRequest();
    this.dispatchEvent(request);
    this.around = request.answer;
    if (this.around === undefined) rootless.add(this);
    else this.around.inside.add(this);
    super.connectedCallback();
    this.scopeChanged();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    rootless.delete(this);
    this.around?.inside.delete(this);
    this.around = undefined;
    for (const stop of this.stops.splice(0)) stop();
  }

  /** The client or the language changed, here or around. */
  scopeChanged(): void {
    this.requestUpdate();
    for (const element of this.inside) element.scopeChanged();
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("lang")) for (const element of this.inside) element.scopeChanged();
  }

  /** The language in use. */
  get language(): string {
    if (this.lang) return this.lang;
    if (this.around !== undefined) return this.around.language;
    const near = this.closest("[lang]")?.getAttribute("lang");
    return near || defaults.language || navigator.language || "en";
  }

  /** Formats dates, sizes and plurals in the language in use. */
  get localizer(): Localizer {
    return localizer(this.language);
  }

  /** A message in the language in use. */
  t(key: MessageKey | (string & {}), values?: Values): string {
    return this.localizer.text(key, values);
  }

  /** Read an observable of the client in `render`, and be drawn again when it changes. */
  protected watch<T>(key: string, source: (client: ClientApi) => Observable<T>): T | undefined {
    const client = this.client;
    return client === undefined ? undefined : this.watches.read(key, client, () => source(client));
  }

  /** A party's profile, as far as it is known. */
  profileOf(party: string): Profile {
    const found = party ? this.watch(`profile ${party}`, (client) => client.profile(party)) : undefined;
    return found ?? { party, name: bareName(party) };
  }

  /** What a party is called. */
  nameOf(party: string): string {
    return this.profileOf(party).name || bareName(party);
  }

  /** Keep an ending (a subscription) until this component leaves the page. */
  protected until(stop: () => void): void {
    this.stops.push(stop);
  }

  /** Tell the page. Events bubble out of shadow trees; `detail` is documented with each. */
  protected emit<T>(type: string, detail?: T, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, cancelable, detail }));
  }

  /** What an error says to people. */
  protected explain(error: unknown): string {
    const { slug, message } = (error ?? {}) as Partial<TrunklineError>;
    const key = `error_${slug ?? ""}`;
    const known = this.t(key);
    return known === key ? (message ?? String(error)) : known;
  }
}

/** The name inside a party: `ann` of `user/ann`. */
export function bareName(party: string): string {
  return party.slice(party.indexOf("/") + 1) || party;
}
