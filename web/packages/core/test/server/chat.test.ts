// Two clients of the real server: what people do in a conversation arrives, in order and once.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Client, type ClientOptions, type Message, TrunklineError, memoryStore } from "../../src/index.js";
import { WebSocket } from "../../src/node.js";
import { type App, Server, mint, until } from "../support/server.js";

const server = new Server();
let app: App;
const open: Client[] = [];

beforeAll(async () => {
  await server.start();
  app = await server.app();
});
afterAll(() => server.stop());
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

function connect(party: string, options: Partial<ClientOptions> = {}): Client {
  const client = new Client({ url: server.url, token: () => mint(app, party), store: memoryStore(), WebSocket, ...options });
  open.push(client);
  return client;
}

let group = 0;
async function pair(): Promise<{ ann: Client; bob: Client; conversation: string }> {
  const ann = connect("user/ann");
  const bob = connect("user/bob");
  await Promise.all([ann.online(), bob.online()]);
  const { conversation } = await ann.api.group.create({ id: `g.${++group}`, name: "team", members: ["user/bob"] });
  await until(() => ann.conversations.one(conversation).get() && bob.conversations.one(conversation).get());
  return { ann, bob, conversation };
}

const texts = (items: readonly Message[]): string[] => items.filter(({ type }) => type === "text").map(({ content }) => content?.text);

describe("messages", () => {
  test("arrive in order and once, with unread counts and a last message", async () => {
    const { ann, bob, conversation } = await pair();
    const window = bob.messages(conversation);
    const own = ann.messages(conversation);
    const handles = Array.from({ length: 40 }, (_, i) => ann.send(conversation, `m${i}`));
    const sent = await Promise.all(handles.map(({ sent }) => sent));
    expect(sent.map(({ seq }) => seq)).toEqual([...sent.map(({ seq }) => seq)].sort((a, b) => a - b));
    const wanted = handles.map((_, i) => `m${i}`);
    await until(() => texts(window.get().items).length === 40 && texts(own.get().items).length === 40);
    expect(texts(window.get().items)).toEqual(wanted);
    expect(texts(own.get().items)).toEqual(wanted);
    expect(own.get().items.filter(({ mine, status }) => mine && status !== "sent")).toEqual([]);
    const view = bob.conversations.one(conversation).get()!;
    expect(view.unread).toBe(40);
    expect(view.last?.content.text).toBe("m39");
    bob.conversations.markRead(conversation);
    await until(() => bob.conversations.one(conversation).get()!.unread === 0);
    const receipt = await until(async () => {
      const found = await ann.receipt(conversation, sent[39]!.seq);
      return found.read === 1 && found;
    });
    expect(receipt.readers).toEqual(["user/bob"]);
  });

  test("by party reach a direct conversation whose id both sides compute", async () => {
    const ann = connect("user/ann");
    const carl = connect("user/carl");
    await Promise.all([ann.online(), carl.online()]);
    const sent = await ann.send("user/carl", "hi").sent;
    expect(sent.conversation).toBe(ann.conversationOf("user/carl"));
    const view = await until(() => carl.conversations.one("user/ann").get());
    expect(view.peer).toBe("user/ann");
  });

  test("are changed: edit, recall, reactions, pins, replies in a thread", async () => {
    const { ann, bob, conversation } = await pair();
    const window = bob.messages(conversation);
    const [first, second] = [await ann.send(conversation, "one").sent, await ann.send(conversation, "two").sent];
    await ann.edit(conversation, first.seq, "one!");
    await bob.react(conversation, first.seq, "👍");
    await bob.react(conversation, first.seq, "constructor");
    await ann.recall(conversation, second.seq);
    await ann.pin(conversation, first.seq);
    await ann.send(conversation, "a reply", { thread: first.seq }).sent;
    const shown = await until(() => {
      const found = window.get().items.find(({ seq }) => seq === first.seq);
      return found?.now?.replies === 1 && found;
    });
    expect(shown.content).toEqual({ text: "one!" });
    expect(shown.now?.reactions).toEqual({ "👍": ["user/bob"], constructor: ["user/bob"] });
    expect(shown.now?.pinned).toBe(true);
    const gone = window.get().items.find(({ seq }) => seq === second.seq)!;
    expect([gone.gone, gone.content]).toEqual(["recalled", null]);
    const thread = bob.messages(conversation, { thread: first.seq });
    await until(() => texts(thread.get().items).includes("a reply"));
    expect(texts(window.get().items)).not.toContain("a reply");
    expect((await bob.pins(conversation)).map(({ seq }) => seq)).toEqual([first.seq]);
    await until(() => ann.threads.followed.get().some(({ thread }) => thread === first.seq));
  });

  test("that a rule refuses fail with a typed error, stay to be seen, and can be discarded", async () => {
    const { ann, conversation } = await pair();
    const dave = connect("user/dave");
    await dave.online();
    const window = dave.messages(conversation);
    const refused = dave.send(conversation, "let me in");
    const error = await refused.sent.then(() => undefined, (error) => error);
    expect(error).toBeInstanceOf(TrunklineError);
    expect([error.slug, error.applied, error.retry]).toEqual(["not_member", false, "never"]);
    const failed = await until(() => window.get().items.find(({ status }) => status === "failed"));
    expect(failed.error?.slug).toBe("not_member");
    await dave.discard(failed);
    await until(() => window.get().items.length === 0);
    await ann.api.group.invite({ conversation, parties: ["user/dave"] });
    await until(() => dave.conversations.one(conversation).get());
    expect((await dave.send(conversation, "thanks").sent).seq).toBeGreaterThan(0);
  });

  test("written without a connection wait, and go in order when there is one", async () => {
    const { ann, bob, conversation } = await pair();
    const store = memoryStore();
    let url = "http://127.0.0.1:9";
    class Elsewhere extends WebSocket {
      constructor(asked: string, protocols: string) {
        super(asked.replace("http://127.0.0.1:9", server.url).replace("ws://127.0.0.1:9", url.replace("http", "ws")), protocols);
      }
    }
    const offline = connect("user/ann", { url, store, device: "second", WebSocket: Elsewhere as typeof WebSocket, token: mint(app, "user/ann") });
    const window = offline.messages(conversation);
    const handles = ["a", "b", "c"].map((text) => offline.send(conversation, text));
    await Promise.all(handles.map(({ stored }) => stored));
    await until(() => window.get().items.length === 3);
    expect(window.get().items.map(({ status }) => status)).toEqual(["pending", "pending", "pending"]);
    const keys = window.get().items.map(({ key }) => key);
    url = server.url;
    offline.reconnect();
    await Promise.all(handles.map(({ sent }) => sent));
    const shown = bob.messages(conversation);
    await until(() => texts(shown.get().items).length === 3);
    expect(texts(shown.get().items)).toEqual(["a", "b", "c"]);
    await until(() => window.get().items.filter(({ mine, status }) => mine && status === "sent").length >= 3);
    expect(window.get().items.filter(({ key }) => keys.includes(key)).map(({ key }) => key)).toEqual(keys);
    void ann;
  });
});
