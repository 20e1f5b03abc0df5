// Rooms a connection is in and parties it watches, on behalf of several tabs: what one tab ends goes on for the others.
// What does not live here: joining again after a break, which each tab does for itself (rooms, people).

type Call = (method: string, params: any) => Promise<any>;

/** Counts who is interested, by tab. */
export class Interests {
  readonly #rooms = new Map<string, Set<string>>();
  readonly #watched = new Map<string, Set<string>>();

  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Pass a call on, unless another tab still wants what it would end. */
  async ask(tab: string, method: string, params: any): Promise<any> {
    if (method === "room.join") join(this.#rooms, params.conversation, tab);
    else if (method === "room.leave" && !leave(this.#rooms, params.conversation, tab)) return {};
    else if (method === "presence.watch") for (const party of params.parties) join(this.#watched, party, tab);
    else if (method === "presence.unwatch") {
      const parties = params.parties.filter((party: string) => leave(this.#watched, party, tab));
      return parties.length ? this.#call(method, { parties }) : {};
    }
    return this.#call(method, params);
  }

  /** A tab is gone, and with it what only it wanted. */
  gone(tab: string): void {
    for (const [conversation, tabs] of this.#rooms) {
      if (tabs.has(tab) && leave(this.#rooms, conversation, tab)) this.#call("room.leave", { conversation }).catch(() => {});
    }
    const parties = [...this.#watched].filter(([party, tabs]) => tabs.has(tab) && leave(this.#watched, party, tab)).map(([party]) => party);
    if (parties.length) this.#call("presence.unwatch", { parties }).catch(() => {});
  }
}

function join(map: Map<string, Set<string>>, name: string, tab: string): void {
  map.set(name, (map.get(name) ?? new Set()).add(tab));
}

/** Whether nobody is left. */
function leave(map: Map<string, Set<string>>, name: string, tab: string): boolean {
  const tabs = map.get(name);
  tabs?.delete(tab);
  if (tabs?.size) return false;
  map.delete(name);
  return true;
}
