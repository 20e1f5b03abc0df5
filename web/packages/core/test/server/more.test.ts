// Cards, rooms, uploads, people: against the real server.

import { expect, test } from "vitest";
import type { RoomMessage } from "../../src/index.js";
import { peopleOf } from "../support/people.js";
import { until } from "../support/server.js";

const { server, connect, pair, token } = peopleOf();

test("a card is created, acted on, foreseen and folded", async () => {
  const { ann, bob, conversation } = await pair();
  const { seq } = await ann.cards.create(conversation, "poll", { question: "Tea?", options: ["yes", "no"] }).sent;
  const window = bob.messages(conversation);
  const card = () => window.get().items.find((message) => message.seq === seq)?.card;
  await until(() => card());
  const acted = bob.cards.act(conversation, seq, "vote", { choices: [1] });
  await until(() => card()!.summary.votes[1] === 1); // foreseen, or there already
  await acted;
  await ann.cards.act(conversation, seq, "vote", { choices: [0] });
  await until(() => JSON.stringify(card()!.summary) === JSON.stringify({ votes: [1, 1], voters: 2 }));
  await until(() => card()!.on_their_way === 0);
  const whole = await ann.cards.get(conversation, seq);
  expect(card()!.state.fields?.votes).toEqual(whole.state?.fields?.votes);
});

test("people: profiles, presence and typing", async () => {
  const { ann, bob, conversation } = await pair();
  await bob.api.profile.set({ name: "Bob B." });
  const profile = ann.profile("user/bob");
  expect(profile.get().name).toBe("bob");
  await until(() => profile.get().name === "Bob B.");
  const presence = ann.presence("user/bob");
  const end = presence.subscribe(() => {});
  await until(() => presence.get().online);
  const typing = ann.typing(conversation);
  bob.setTyping(conversation);
  await until(() => typing.get().includes("user/bob"));
  await bob.send(conversation, "done").sent;
  await until(() => !typing.get().length);
  await bob.close();
  await until(() => !presence.get().online);
  end();
  await ann.api.block.set({ party: "user/eve" });
  await until(() => ann.blocked.get().includes("user/eve"));
});

test("a room is joined again after a kill, and every gift arrives once", async () => {
  const host = connect("user/host");
  const guest = connect("user/guest");
  await Promise.all([host.online(), guest.online()]);
  await host.api.room.create({ id: "r.show", name: "Show" });
  const [stage, seat] = [await host.rooms.join("r.show"), await guest.rooms.join("r.show")];
  const seen: RoomMessage[] = [];
  stage.onMessages((messages) => void seen.push(...messages));
  await seat.danmaku("hello", { colour: "#ff0000" });
  await until(() => seen.some(({ type, content }) => type === "danmaku" && content.text === "hello"));
  seat.like(3);
  await until(() => stage.get().likes === 3);
  await stage.setAttribute("song", "one", { version: 0 });
  await until(() => seat.get().attributes.song?.value === "one");
  await expect(stage.setAttribute("song", "two", { version: 0 })).rejects.toMatchObject({ slug: "version_conflict" });
  await seat.give("rose", { order: "o-0" });
  await server.kill();
  await until(() => !stage.get().connected && !seat.get().connected);
  const gifts = Promise.all(["o-1", "o-2", "o-3"].map((order) => seat.give("rose", { order })));
  await server.start();
  for (const client of [host, guest]) client.reconnect();
  await gifts;
  await seat.give("rose", { order: "o-1" }); // the same order is the same gift
  const orders = (): string[] => seen.filter(({ type }) => type === "gift").map(({ content }) => content.order);
  await until(() => orders().length >= 4);
  expect(orders().sort()).toEqual(["o-0", "o-1", "o-2", "o-3"]);
  await seat.leave();
  expect(seat.get().ended).toBe("left");
  await host.api.room.kick({ conversation: "r.show", parties: ["user/guest"] }).catch(() => {});
});

test("an upload is resumed where it was cut, and named by a message", async () => {
  const { ann, bob, conversation } = await pair();
  const bytes = new Uint8Array(1_200_000).map((_, i) => (i * 7919) % 251);
  const file = new Blob([bytes], { type: "application/octet-stream" });
  const options = { name: "data.bin", chunk_bytes: 100_000 };
  const cut = ann.upload(file, options);
  await until(() => cut.get().sent_bytes >= 200_000);
  cut.pause();
  await until(() => cut.get().state === "paused");
  // As after a reload of the page: the same file, asked for again, goes on where the server has got to.
  const upload = ann.upload(file, options);
  const progress: number[] = [];
  upload.subscribe(({ sent_bytes }) => progress.push(sent_bytes));
  const view = await upload.done;
  expect(progress[0]).toBeGreaterThanOrEqual(200_000);
  expect([view.size_bytes, view.name, upload.get().state]).toEqual([bytes.length, "data.bin", "done"]);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  await ann.send(conversation, { file: view.file, name: view.name, size_bytes: view.size_bytes }, { type: "file" }).sent;
  const window = bob.messages(conversation);
  await until(() => window.get().items.some(({ type }) => type === "file"));
  const fetched = await fetch(await bob.fileUrl(view.file));
  expect(Buffer.compare(Buffer.from(await fetched.arrayBuffer()), Buffer.from(bytes))).toBe(0);
  const aborted = ann.upload(file, { name: "other.bin", chunk_bytes: 50_000 });
  await until(() => aborted.get().sent_bytes > 0);
  await aborted.abort();
  await expect(aborted.done).rejects.toMatchObject({ slug: "aborted" });
  expect(token("user/ann")).toContain(".");
});

test("a token that was refused ends the client with the reason", async () => {
  const client = connect("user/ann", { token: "not a token" });
  await expect(client.online()).rejects.toMatchObject({ slug: "stopped" });
  expect(client.state.get().reason).toContain("token_garbled");
});
