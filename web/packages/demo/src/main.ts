/** Starts the demo's application for the persona in the address (`/app?as=ann`). */

import { Client, indexedDbStore } from "@trunkline/core";
import { localizer } from "@trunkline/ui/base";

import { mount } from "./app.js";
import { fetchSession } from "./session.js";
import { apply, language } from "./settings.js";

async function start(): Promise<void> {
  apply();
  const wanted = new URLSearchParams(location.search).get("as") ?? "";
  const session = await fetchSession();
  const me = session.personas.find((persona) => persona.id === wanted);
  if (me === undefined) {
    location.replace("/");
    return;
  }
  const run = me.token.split(".")[1] ?? "";
  // A run of the demo is a server of its own: what an earlier one left in this browser means nothing to it.
  const issuer = (JSON.parse(atob(run.replace(/-/g, "+").replace(/_/g, "/"))) as { iss: string }).iss;
  // The first connection has a token already; later ones ask, because tokens end.
  let first: string | undefined = me.token;
  const token = async (): Promise<string> => {
    const fresh = first ?? (await fetchSession()).personas.find(({ id }) => id === me.id)?.token ?? me.token;
    first = undefined;
    return fresh;
  };
  const client = new Client({ url: location.origin, token, store: indexedDbStore(`demo-${issuer}-${me.id}`) });
  document.title = `${me.name} · Trunkline`;
  mount(client, session, me);
  Object.assign(globalThis, { demo: { client, session, me } });
}

start().catch((error: unknown) => {
  const words = localizer(language()).text("demo_failed", { reason: error instanceof Error ? error.message : String(error) });
  const place = document.createElement("p");
  place.className = "failed";
  place.setAttribute("role", "alert");
  place.textContent = words;
  document.body.replaceChildren(place);
});
