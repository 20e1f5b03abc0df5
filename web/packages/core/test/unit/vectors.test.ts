// The language-neutral vectors of spec/vectors, run against the TypeScript machines; a key that is not known fails.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { msgpackCodec } from "../../src/msgpack.js";
import { drainingDelayMs, reconnectCeilingMs, reconnectDelayMs } from "../../src/protocol/backoff.js";
import { closedBy, foldCard, membersOf, totalOf, valueOf } from "../../src/protocol/cards.js";
import { reactionToClose, reactionToError } from "../../src/protocol/closing.js";
import { type Codec, decodeFrame, jsonCodec } from "../../src/protocol/frames.js";
import { type Action, Position } from "../../src/protocol/gap.js";
import { LinkMachine } from "../../src/protocol/link.js";

const VECTORS = resolve(import.meta.dirname, "../../../../../spec/vectors");

function load(name: string): any {
  const content = JSON.parse(readFileSync(resolve(VECTORS, name), "utf8"));
  expect(content.format).toBe(1);
  return content;
}

const cases = (items: any[]): [string, any][] => items.map((item) => [item.name, item]);

const CODECS: [string, Codec, (item: any) => string | Uint8Array | undefined][] = [
  ["json", jsonCodec, (item) => item.json],
  ["msgpack", msgpackCodec, (item) => item.msgpack_hex && new Uint8Array(Buffer.from(item.msgpack_hex, "hex"))],
];
const HELLO = { token: "t", device: "d" };
const WELCOME = {
  party: "user/alice", device: "d", session: "s", session_epoch: 1, epoch: 7, pts: 0,
  server_time_ms: 0, heartbeat_ms: 30_000, window: 64, max_frame_bytes: 1 << 18,
};

/** A machine past hello with requests 2 to `requests + 1` in flight. */
function greeted(codec: Codec, requests = 7): LinkMachine {
  const link = new LinkMachine(codec, HELLO, 0);
  link.dataToSend();
  expect(link.receive(codec.encode([2, 1, WELCOME]), 0)[0]?.type).toBe("welcomed");
  for (let i = 0; i < requests; i++) link.request("block.list", {}, 0, 60_000);
  link.dataToSend();
  return link;
}

describe.each(CODECS)("frames.json in %s", (_, codec, encoded) => {
  const frames = load("frames.json");
  const toClient = frames.valid.filter((item: any) => item.direction === "to_client");
  const toServer = frames.valid.filter((item: any) => item.direction === "to_server");

  test.each(cases(frames.valid))("%s carries the frame", (_, item) => {
    expect(codec.decode(encoded(item)!)).toEqual(item.frame);
  });

  test.each(cases(toClient))("%s is read as it is meant, and makes its event", (_, item) => {
    const data = encoded(item)!;
    const meaning = "means" in item ? item.means : item.frame;
    const { kind, subject, body } = decodeFrame(codec, data);
    if (meaning !== null) expect([kind, subject]).toEqual(meaning.slice(0, 2));
    // Unknown keys may stay: nobody looks at them.
    if (meaning !== null && meaning.length > 2) expect(body).toMatchObject(meaning[2]);
    const isWelcome = item.frame[0] === 2 && "session_epoch" in (item.frame[2] ?? {});
    const link = isWelcome ? new LinkMachine(codec, HELLO, 0) : greeted(codec);
    const events = link.receive(data, 1).map(({ type }) => type);
    const wanted: Record<number, string[]> = { 2: [isWelcome ? "welcomed" : "replied"], 3: ["failed"], 4: ["pushed"] };
    expect(events).toEqual(wanted[item.frame[0]] ?? []);
  });

  test.each(cases(toServer))("%s is what the client writes", (_, item) => {
    const [kind, id, method, params] = item.frame;
    let written;
    if (kind === 5) {
      const link = greeted(codec, 0);
      link.tick(60_000);
      written = link.dataToSend();
    } else if (method === "hello") written = new LinkMachine(codec, params, 0).dataToSend();
    else {
      const link = greeted(codec, 0);
      link.lastId = id - 1;
      expect(link.request(method, params, 0, 1000)).toBe(id);
      written = link.dataToSend();
    }
    expect(written.map((data) => codec.decode(data))).toEqual([item.frame]);
  });

  const violations = frames.violations.filter((item: any) => encoded(item) !== undefined);
  test.each(cases(violations))("%s is a violation and nothing else happens", (_, item) => {
    const link = new LinkMachine(codec, HELLO, 0);
    link.lastId = 0; // so that the request gets the id that the vector answers
    link.receive(codec.encode([2, 1, WELCOME]), 0);
    expect(link.request("block.list", {}, 0, 60_000)).toBe(1);
    expect(link.receive(encoded(item)!, 1).map(({ type }) => type)).toEqual(["violated"]);
  });
});

describe("closing.json", () => {
  const { closes, hello_errors } = load("closing.json");
  test.each<[number, string]>(closes.map((item: any) => [item.close_code, item.reaction]))("close %i asks for %s", (code, reaction) => {
    expect(reactionToClose(code)).toBe(reaction);
  });
  test.each<[number, string]>(hello_errors.map((item: any) => [item.error_code, item.reaction]))("error %i asks for %s", (code, reaction) => {
    expect(reactionToError(code)).toBe(reaction);
  });
});

test("backoff.json", () => {
  const { reconnect, draining, tolerance_s } = load("backoff.json");
  const close = (ms: number, s: number): void => expect(Math.abs(ms / 1000 - s)).toBeLessThanOrEqual(tolerance_s);
  for (const { attempt, ceiling_s, delays } of reconnect) {
    close(reconnectCeilingMs(attempt), ceiling_s);
    for (const { roll, delay_s } of delays) close(reconnectDelayMs(attempt, roll), delay_s);
  }
  for (const { reconnect_in_ms, roll, delay_s } of draining) close(drainingDelayMs(reconnect_in_ms, roll), delay_s);
  expect(reconnect.length + draining.length).toBeGreaterThan(10);
});

describe("gap.json", () => {
  type E = { epoch: number; seq: number };
  const shown = (action: Action<E>): unknown =>
    ({
      apply: () => ({ apply: (action as any).entries.map(({ seq }: E) => seq) }),
      ignore: () => ({ ignore: (action as any).seq }),
      hold: () => ({ hold: (action as any).seq, until_ms: (action as any).untilMs }),
      pull: () => ({ pull: (action as any).fromSeq }),
      locate: () => ({ locate: (action as any).seq }),
      resync: () => ({ resync: (action as any).epoch }),
    })[action.type]();

  test.each(cases(load("gap.json").scenarios))("%s", (_, scenario) => {
    const { epoch, last } = scenario.start;
    const position = new Position<E>(epoch, last, scenario.max_held);
    for (const { at_ms: now, expect: wanted, ...input } of scenario.steps) {
      const [[kind, value]] = Object.entries<any>(input) as [[string, any]];
      expect(Object.keys(input)).toHaveLength(1);
      let actions: Action<E>[] = [];
      if (kind === "push") actions = position.push(value, now);
      else if (kind === "head") actions = position.head(value.seq, now, value.pushed);
      else if (kind === "history") {
        const entries = value.seqs.map((seq: number) => ({ epoch: value.epoch, seq }));
        actions = position.history(value.epoch, entries, now, value.head, value.more);
      } else if (kind === "pull_failed") position.pullFailed(now);
      else if (kind === "locate") actions = position.locate(value, now);
      else if (kind === "tick") actions = position.tick(now);
      else if (kind === "reconnected") actions = position.reconnected(now);
      else throw new Error(`a step that this runner does not know: ${kind}`);
      expect(actions.map(shown)).toEqual(wanted);
    }
    const end = { last: position.last, held: position.held, next_timeout_ms: position.nextTimeoutMs() };
    expect(end).toMatchObject(scenario.end);
    expect(Object.keys(scenario.end).every((key) => key in end)).toBe(true);
  });
});

describe("cards.json", () => {
  test.each(cases(load("cards.json").logs))("%s", (_, log) => {
    const { name, entries, state, closed, members = {}, totals = {}, value = {}, ...rest } = log;
    expect(rest, name).toEqual({});
    for (const order of [entries, [...entries].reverse(), [...entries, ...entries]]) {
      const folded = {};
      for (const { seq, at_ms, sender, content } of order) foldCard(folded, content, seq, at_ms, sender);
      expect({ fields: {}, ...folded }).toEqual({ fields: {}, ...state });
      if (closed !== undefined) expect(closedBy(folded)).toBe(closed);
      for (const [field, wanted] of Object.entries(members)) expect(membersOf(folded, field)).toEqual(wanted);
      for (const [field, wanted] of Object.entries(totals)) expect(totalOf(folded, field)).toBe(wanted);
      for (const [field, wanted] of Object.entries(value)) expect(valueOf(folded, field)).toEqual(wanted);
    }
  });
});
