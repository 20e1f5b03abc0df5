// Other people: profiles (fetched together, kept), presence (watched while looked at), who is typing.
// What does not live here: conversations, and my own settings.

import type { Observable } from "../api.js";
import type { Presence, Profile } from "../generated/wire.js";
import type { Store } from "../store/store.js";
import { Value } from "./observable.js";

const AT_ONCE = 100;
const TYPING_ENDS_MS = 6_000;
const TYPING_EVERY_MS = 3_000;

type Ask = (method: string, params: any) => Promise<any>;

/** Collects names during a turn and handles them together. */
class Batch {
  #names = new Set<string>();
  readonly #run: (names: string[]) => void;

  constructor(run: (names: string[]) => void) {
    this.#run = run;
  }
  add(name: string): void {
    this.#names.add(name);
    if (this.#names.size > 1) return;
    setTimeout(() => {
      const names = [...this.#names];
      this.#names.clear();
      for (let i = 0; i < names.length; i += AT_ONCE) this.#run(names.slice(i, i + AT_ONCE));
    });
  }
}

class Watched extends Value<Presence> {
  readonly #batches: { watch: Batch; unwatch: Batch };

  constructor(
    readonly party: string,
    batches: { watch: Batch; unwatch: Batch },
  ) {
    super({ party, online: false });
    this.#batches = batches;
  }
  get looked(): boolean {
    return this.listeners.size > 0;
  }
  protected override onFirst(): void {
    this.#batches.watch.add(this.party);
  }
  protected override onLast(): void {
    this.#batches.unwatch.add(this.party);
  }
}

export class People {
  readonly #profiles = new Map<string, Value<Profile>>();
  readonly #presences = new Map<string, Watched>();
  readonly #typings = new Map<string, Value<readonly string[]>>();
  readonly #typingTimers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #told = new Map<string, number>();
  readonly #wanted = new Batch((parties) => void this.#fetchProfiles(parties).catch(() => {}));
  readonly #batches = {
    watch: new Batch((parties) => void this.#watch(parties).catch(() => {})),
    unwatch: new Batch((parties) => {
      const unlooked = parties.filter((party) => !this.#presences.get(party)?.looked);
      if (unlooked.length) this.#ask("presence.unwatch", { parties: unlooked }).catch(() => {});
    }),
  };

  readonly #store: Store;
  readonly #ask: Ask;

  constructor(
    store: Store,
    ask: Ask,
  ) {
    this.#store = store;
    this.#ask = ask;
  }

  profile(party: string): Observable<Profile> {
    let profile = this.#profiles.get(party);
    if (!profile) {
      this.#profiles.set(party, (profile = new Value<Profile>({ party, name: party.slice(party.indexOf("/") + 1) })));
      this.#wanted.add(party);
    }
    return profile;
  }

  /** A profile came with an answer. */
  learn(profiles: Profile[]): void {
    for (const profile of profiles) {
      const known = this.profile(profile.party) as Value<Profile>;
      known.set({ ...profile, name: profile.name || profile.party.slice(profile.party.indexOf("/") + 1) });
    }
  }

  presence(party: string): Observable<Presence> {
    let presence = this.#presences.get(party);
    if (!presence) this.#presences.set(party, (presence = new Watched(party, this.#batches)));
    return presence;
  }

  typing(conversation: string): Value<readonly string[]> {
    let typing = this.#typings.get(conversation);
    if (!typing) this.#typings.set(conversation, (typing = new Value<readonly string[]>([])));
    return typing;
  }

  /** A push. */
  types({ conversation, party, typing = true }: { conversation: string; party: string; typing?: boolean }): void {
    const key = `${conversation} ${party}`;
    clearTimeout(this.#typingTimers.get(key));
    this.#typingTimers.delete(key);
    const others = this.typing(conversation).get().filter((one) => one !== party);
    if (typing) this.#typingTimers.set(key, setTimeout(() => this.types({ conversation, party, typing: false }), TYPING_ENDS_MS));
    if (typing || others.length !== this.typing(conversation).get().length) this.typing(conversation).set(typing ? [...others, party] : others);
  }

  /** A push. */
  is(presence: Presence): void {
    this.#presences.get(presence.party)?.set(presence);
  }

  /** Told at most every few seconds; a stop only after a start. */
  setTyping(conversation: string, on: boolean): void {
    const now = Date.now();
    const last = this.#told.get(conversation) ?? 0;
    if (on ? now - last < TYPING_EVERY_MS : !last) return;
    this.#told.set(conversation, on ? now : 0);
    this.#ask("typing.set", { conversation, typing: on }).catch(() => {});
  }

  /** A new connection: the server knows nothing of earlier watches, and profiles may have changed. */
  renew(): void {
    for (const { party, looked } of this.#presences.values()) if (looked) this.#batches.watch.add(party);
    for (const party of this.#profiles.keys()) this.#wanted.add(party);
  }

  async #watch(parties: string[]): Promise<void> {
    for (const presence of (await this.#ask("presence.watch", { parties })).presences) this.is(presence);
  }

  async #fetchProfiles(parties: string[]): Promise<void> {
    const kept = await this.#store.transaction("read", (tx) => Promise.all(parties.map((party) => tx.get("profiles", [party]))));
    this.learn(kept.filter((profile) => profile !== undefined));
    const { profiles } = await this.#ask("profile.get", { parties });
    this.learn(profiles);
    await this.#store.transaction("plain", async (tx) => profiles.forEach((profile: Profile) => tx.put("profiles", profile)));
  }
}
