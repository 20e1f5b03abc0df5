// Clients of one running server, closed after each test.

import { afterAll, afterEach, beforeAll } from "vitest";
import { Client, type ClientOptions, memoryStore } from "../../src/index.js";
import { WebSocket } from "../../src/node.js";
import { type App, Server, mint, until } from "./server.js";

/** A server for the tests of a file. */
export function peopleOf(options: Record<string, string> = {}) {
  const server = new Server(options);
  const open: Client[] = [];
  let app: App;
  let group = 0;
  beforeAll(async () => {
    await server.start();
    app = await server.app();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });
  const connect = (party: string, more: Partial<ClientOptions> = {}): Client => {
    const client = new Client({ url: server.url, token: () => mint(app, party), store: memoryStore(), WebSocket, ...more });
    open.push(client);
    return client;
  };
  /** Ann and Bob, online, in a group of their own. */
  const pair = async (): Promise<{ ann: Client; bob: Client; conversation: string }> => {
    const [ann, bob] = [connect("user/ann"), connect("user/bob")];
    await Promise.all([ann.online(), bob.online()]);
    const { conversation } = await ann.api.group.create({ id: `g.${++group}`, name: "team", members: ["user/bob"] });
    await until(() => ann.conversations.one(conversation).get() && bob.conversations.one(conversation).get());
    return { ann, bob, conversation };
  };
  return { server, connect, pair, token: (party: string) => mint(app, party) };
}
