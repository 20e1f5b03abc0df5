// Chat in Vue 3. In a template it is <tl-chat :client="client" :conversation="conversation" @tl-conversation="...">;
// tell the compiler that tags beginning with `tl-` are custom elements (compilerOptions.isCustomElement).
import { Client, indexedDbStore } from "@trunkline/core";
import "@trunkline/ui";
import { createApp, h, onUnmounted, shallowRef, watchEffect } from "vue";

const client = new Client({
  url: location.origin,
  token: async () => (await fetch("/token")).text(),
  store: indexedDbStore("example-vue"),
});

/** An observable of the client as a ref. */
function useObservable(observable) {
  const value = shallowRef(observable.get());
  onUnmounted(observable.subscribe((next) => (value.value = next)));
  return value;
}

const App = {
  setup() {
    const unread = useObservable(client.conversations.unread);
    const conversation = shallowRef("");
    watchEffect(() => {
      document.title = unread.value > 0 ? `(${unread.value}) Chat` : "Chat";
    });
    return () =>
      h("tl-chat", {
        client,
        conversation: conversation.value,
        "onTl-conversation": (event) => (conversation.value = event.detail.conversation),
      });
  },
};

createApp(App).mount("#app");
