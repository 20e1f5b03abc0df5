// What can go wrong for a user of the client.
// What lives here: the error type and how errors travel between tabs. What does not: the server's codes (spec/errors.md).

import type { ErrorBody } from "./generated/wire.js";

export type Retry = "never" | "new_token" | "later" | "same_id";

/**
 * The server refused something, or its outcome is unknown; or the client could not do it.
 * The thousand of `code` says what to do: 1 malformed, 2 identity, 3 refused, 4 later, 5 unknown.
 * Codes below 1000 are the client's own: see `ClientCode`.
 */
export class TrunklineError extends Error {
  override readonly name = "TrunklineError";
  readonly code: number;
  /** The code as a word, such as `not_member`. */
  readonly slug: string;
  readonly retry: Retry;
  /** False if it certainly changed nothing, null if that is unknown. */
  readonly applied: boolean | null;
  /** Wait at least this long before repeating. */
  readonly retry_ms: number;
  /** The parameter at fault, if one is. */
  readonly field: string;

  constructor(body: ErrorBody) {
    super(body.message);
    this.code = body.code;
    this.slug = body.name;
    this.retry = body.retry as Retry;
    this.applied = body.applied ?? null;
    this.retry_ms = body.retry_ms ?? 0;
    this.field = body.field ?? "";
  }

  get family(): number {
    return Math.floor(this.code / 1000);
  }

  /** As plain data, for another tab or the disk. */
  toJSON(): ErrorBody {
    const { code, slug: name, message, retry, applied, retry_ms, field } = this;
    return { code, name, message, retry, applied, retry_ms, field } as ErrorBody;
  }
}

/** Errors that the client itself makes. */
export const ClientCode = {
  /** Closed, or the server told it to stay away; what is in the outbox stays there. */
  stopped: 1,
  /** Too many messages wait; nothing was stored. */
  outbox_full: 2,
  /** The local store cannot be opened or written; the message was not and will not be sent. */
  store_unusable: 3,
  /** The application ended it. */
  aborted: 4,
} as const;

export function clientError(slug: keyof typeof ClientCode, message: string): TrunklineError {
  return new TrunklineError({ code: ClientCode[slug], name: slug, message, retry: "never", applied: false } as ErrorBody);
}
