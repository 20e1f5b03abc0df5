// Chat in React 19, which sets properties of custom elements by itself.
import { Client, indexedDbStore } from "@trunkline/core";
import "@trunkline/ui";
import { useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";

const client = new Client({
  url: location.origin,
  token: async () => (await fetch("/token")).text(),
  store: indexedDbStore("example-react"),
});

/** An observable of the client as a value. */
function useObservable(observable) {
  return useSyncExternalStore(
    (changed) => observable.subscribe(changed),
    () => observable.get(),
  );
}

function App() {
  const unread = useObservable(client.conversations.unread);
  const [conversation, setConversation] = useState("");
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Chat` : "Chat";
  }, [unread]);
  return <tl-chat client={client} conversation={conversation} ontl-conversation={(event) => setConversation(event.detail.conversation)} />;
}

createRoot(document.getElementById("app")).render(<App />);
