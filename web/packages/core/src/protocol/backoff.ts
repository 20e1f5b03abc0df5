// How long to wait before trying again: full jitter (spec/link.md section 9).
// Randomness comes in as `roll`, a number in [0, 1). What does not live here: the waiting, and whether to try again.

/** The longest wait before reconnect number `attempt`, counted from 0 since the last good connection. */
export function reconnectCeilingMs(attempt: number): number {
  return Math.min(30_000, 500 * 2 ** Math.min(attempt, 6));
}

/** A random wait in [0, `reconnectCeilingMs(attempt)`). */
export function reconnectDelayMs(attempt: number, roll: number): number {
  return roll * reconnectCeilingMs(attempt);
}

/** A random wait in [0, twice what the draining server named). */
export function drainingDelayMs(reconnectInMs: number, roll: number): number {
  return roll * 2 * Math.max(reconnectInMs, 0);
}

/**
 * The wait before repeating a request that was refused with "later" or whose outcome is unknown: the time the server
 * named and up to as much again, so that many do not come back together; else full jitter, `attempt` counted from 1.
 */
export function retryDelayMs(retryMs: number, attempt: number, roll: number): number {
  return retryMs > 0 ? (1 + roll) * retryMs : roll * Math.min(30_000, 100 * 2 ** Math.min(attempt, 9));
}
