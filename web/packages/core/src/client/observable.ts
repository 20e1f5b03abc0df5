// Values that change, and who is told.
// What lives here: the implementation of `Observable`. What does not: any particular value.

import type { Observable, Unsubscribe } from "../api.js";

/** A value with subscribers, told once per turn of the event loop. */
export class Value<T> implements Observable<T> {
  protected listeners = new Set<(value: T) => void>();
  #planned = false;

  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.changed();
  }

  subscribe(listener: (value: T) => void): Unsubscribe {
    // The same function twice is two subscriptions.
    const own = (value: T): void => listener(value);
    this.listeners.add(own);
    if (this.listeners.size === 1) this.onFirst();
    return () => {
      if (this.listeners.delete(own) && !this.listeners.size) this.onLast();
    };
  }

  /** Somebody listens now. */
  protected onFirst(): void {}
  /** Nobody listens any more. */
  protected onLast(): void {}

  protected changed(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      const value = this.get();
      for (const listener of [...this.listeners]) safely(() => listener(value));
    });
  }
}

/** A value computed from others when somebody asks after `stale`. */
export class Computed<T> extends Value<T> {
  #fresh = false;
  #result!: T;

  readonly #compute: (before: T | undefined) => T;

  constructor(compute: (before: T | undefined) => T) {
    super(undefined as T);
    this.#compute = compute;
  }

  override get(): T {
    if (!this.#fresh) {
      this.#fresh = true;
      this.#result = this.#compute(this.#result);
    }
    return this.#result;
  }

  /** What it is computed from has changed. */
  stale(): void {
    this.#fresh = false;
    this.changed();
  }
}

/** Typed events. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(value: any) => void>>();

  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): Unsubscribe {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all);
    const own = (value: Events[E]): void => listener(value);
    all.add(own);
    return () => void all.delete(own);
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) safely(() => listener(value));
  }

  has(event: keyof Events): boolean {
    return !!this.#listeners.get(event)?.size;
  }
}

/** What a listener throws is reported like any uncaught error, and stops nobody else. */
function safely(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
