/**
 * Observables in components: what `render` reads through `watch` is subscribed to, and given up when a later render no
 * longer reads it.
 */

import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Observable, Unsubscribe } from "@trunkline/core";

interface Watched {
  source: Observable<unknown>;
  owner: unknown;
  end: Unsubscribe;
  used: boolean;
}

/** Subscribes a component to the observables its render reads. */
export class Watches implements ReactiveController {
  private readonly watched = new Map<string, Watched>();

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  /**
   * The present value of an observable; the component is drawn again when it changes.
   *
   * @param key Names the observable among those of the component.
   * @param owner Where it comes from; another owner means another observable (a new client).
   */
  read<T>(key: string, owner: unknown, source: () => Observable<T>): T {
    let found = this.watched.get(key);
    if (found === undefined || found.owner !== owner) {
      found?.end();
      const observable = source();
      found = { source: observable, owner, used: true, end: observable.subscribe(() => this.host.requestUpdate()) };
      this.watched.set(key, found);
    }
    found.used = true;
    return found.source.get() as T;
  }

  hostUpdate(): void {
    for (const watched of this.watched.values()) watched.used = false;
  }

  hostUpdated(): void {
    for (const [key, watched] of this.watched) {
      if (watched.used) continue;
      watched.end();
      this.watched.delete(key);
    }
  }

  hostConnected(): void {
    this.host.requestUpdate();
  }

  hostDisconnected(): void {
    for (const watched of this.watched.values()) watched.end();
    this.watched.clear();
  }
}
