/** What the demo's own process says about this run: who is there, with their tokens. */

export interface Persona {
  id: string;
  party: string;
  name: string;
  role: string;
  role_zh: string;
  token: string;
}

export interface Session {
  personas: Persona[];
  /** The live room. */
  room: string;
  /** The type of message that tells the audience how much to say. */
  control: string;
}

/** Ask for it; a fresh one each time, because tokens end. */
export async function fetchSession(): Promise<Session> {
  const answer = await fetch("/demo/session.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return (await answer.json()) as Session;
}
