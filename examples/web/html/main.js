// Chat in a plain page. Your server mints the token (POST /v1/tokens, or with a library); it never leaves the two of you.
import { Client, indexedDbStore } from "@trunkline/core";
import "@trunkline/ui";

const client = new Client({
  url: location.origin,
  token: async () => (await fetch("/token")).text(),
  store: indexedDbStore("example-html"),
});

const chat = document.querySelector("tl-chat");
chat.client = client;
chat.addEventListener("tl-conversation", (event) => {
  document.title = event.detail.conversation || "Chat in a page";
});
