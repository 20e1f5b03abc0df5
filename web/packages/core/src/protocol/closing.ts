// What a close code or an error code asks of a client: try again, get a new token, or stop.
// The decision follows the range alone, so an old client reacts correctly to codes made after it.
// What does not live here: how long to wait (backoff) and the codes themselves (spec/errors.md).

export type Reaction = "retry" | "new_token" | "stop";

const SUPERSEDED = 2010;

/** What a WebSocket close code asks for; codes outside 4100-4399 come from the network or a proxy: try again. */
export function reactionToClose(closeCode: number): Reaction {
  const family = Math.floor(closeCode / 100);
  if (closeCode === 4210 || family === 41 || family === 43) return "stop";
  return family === 42 ? "new_token" : "retry";
}

/** What an error in answer to hello asks for. */
export function reactionToError(code: number): Reaction {
  const family = Math.floor(code / 1000);
  if (code === SUPERSEDED || family === 1 || family === 3) return "stop";
  return family === 2 ? "new_token" : "retry";
}
