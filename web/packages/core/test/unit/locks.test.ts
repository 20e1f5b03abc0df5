// Locks of tabs without Web Locks: one holder, handed on, taken from who does not answer, settled when two have it.

import { afterEach, describe, expect, it } from "vitest";

import { ChannelLocks } from "../../src/engine/locks.js";

const open: BroadcastChannel[] = [];
let made = 0;

/** A tab: its id decides who goes first. */
function tab(id: string, name = `locks ${made}`): { locks: ChannelLocks; channel: BroadcastChannel } {
  const channel = new BroadcastChannel(name);
  open.push(channel);
  return { locks: new ChannelLocks(id, channel), channel };
}

/** A lock that is held until told otherwise. */
function hold(locks: ChannelLocks, name = "lead"): { held: Promise<void>; free: () => void; ended: Promise<unknown>; abort: AbortController } {
  const abort = new AbortController();
  let free = (): void => {};
  let taken = (): void => {};
  const held = new Promise<void>((resolve) => (taken = resolve));
  const ended = locks
    .request(name, { signal: abort.signal }, () => {
      taken();
      return new Promise<void>((resolve) => (free = resolve));
    })
    .catch((error: unknown) => error);
  return { held, free: () => free(), ended, abort };
}

afterEach(() => {
  made += 1;
  for (const channel of open.splice(0)) channel.close();
});

describe("locks over a channel", () => {
  it("have one holder of many that ask at once, and pass to each in turn", async () => {
    let inside = 0;
    let most = 0;
    const turns = ["a", "b", "c", "d"].map(async (id) => {
      const { locks } = tab(id);
      await locks.request("lead", { signal: new AbortController().signal }, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    });
    await Promise.all(turns);
    expect(most).toBe(1);
  });

  it("are independent of one another", async () => {
    const [one, other] = [hold(tab("a").locks, "x"), hold(tab("b").locks, "y")];
    await Promise.all([one.held, other.held]);
  });

  it("are taken from a holder that does not answer, and given back by it when it is there again", async () => {
    const stuck = tab("b");
    const first = hold(stuck.locks);
    await first.held;
    // A tab that hears nothing, as one that is stuck or gone.
    const hears = stuck.channel.onmessage;
    stuck.channel.onmessage = null;
    const second = hold(tab("a").locks);
    await second.held;
    stuck.channel.onmessage = hears;
    const third = hold(tab("c").locks);
    const why = (await first.ended) as DOMException;
    expect(why.name).toBe("AbortError");
    second.free();
    await third.held;
    expect(await second.ended).toBeUndefined();
  });

  it("are not waited for any longer when that is called off", async () => {
    const holder = hold(tab("a").locks);
    await holder.held;
    const waiting = hold(tab("b").locks);
    waiting.abort.abort(new Error("enough"));
    expect(((await waiting.ended) as Error).message).toBe("enough");
  });
});
