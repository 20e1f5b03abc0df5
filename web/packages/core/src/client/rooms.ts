// The live rooms this tab is in; the code of a stay is loaded with the first one.
// What does not live here: a stay (room).

import { TrunklineError } from "../errors.js";
import type { Room } from "./room.js";

const APPROVAL_NEEDED = 3055;

type Ask = (method: string, params: any) => Promise<any>;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The rooms of this tab. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();
  readonly #admissions = new Map<string, (on: boolean) => void>();

  readonly #ask: Ask;
  readonly #me: () => string;

  constructor(
    ask: Ask,
    me: () => string,
  ) {
    this.#ask = ask;
    this.#me = me;
  }

  /** Come into a room; where that needs approval, wait so long for it. */
  async join(conversation: string, { wait_ms = 0 }: { wait_ms?: number } = {}): Promise<Room> {
    const before = this.#rooms.get(conversation);
    if (before && !before.get().ended) return before;
    const { Room } = await import("../later.js");
    const room = new Room(conversation, this.#ask, this.#me);
    this.#rooms.set(conversation, room);
    const admitted = new Promise<boolean>((resolve) => this.#admissions.set(conversation, resolve));
    try {
      await room.join().catch(async (error) => {
        if (!(error instanceof TrunklineError) || error.code !== APPROVAL_NEEDED || !wait_ms) throw error;
        if (!(await Promise.race([admitted, wait(wait_ms).then(() => false)]))) throw error;
        await room.join();
      });
    } catch (error) {
      this.#rooms.delete(conversation);
      throw error;
    } finally {
      this.#admissions.delete(conversation);
    }
    return room;
  }

  pushed(event: string, body: any): void {
    if (event === "lagged") for (const room of this.#rooms.values()) room.pushed(event, body);
    else if (event === "room.admitted") this.#admissions.get(body.conversation)?.(body.on);
    else this.#rooms.get(body.conversation)?.pushed(event, body);
  }

  lost(): void {
    for (const room of this.#rooms.values()) room.lost();
  }

  renew(): void {
    for (const room of this.#rooms.values()) void room.rejoin();
  }

  stop(reason: string): void {
    for (const room of this.#rooms.values()) room.end(reason);
  }
}
