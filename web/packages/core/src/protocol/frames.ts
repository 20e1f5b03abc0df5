// Reading and writing link frames: the JSON encoding, and the checks that a frame from a server makes sense.
// What lives here: shapes of frames (spec/link.md section 2). What does not: what a frame means for a connection (link).

/** First element of every frame. */
export const Kind = { request: 1, ok: 2, error: 3, push: 4, ping: 5, pong: 6 } as const;

/** One of the two encodings of the link. */
export interface Codec {
  readonly subprotocol: string;
  encode(value: unknown): string | Uint8Array<ArrayBuffer>;
  /** Throws when the data is not one whole value. */
  decode(data: string | Uint8Array): unknown;
}

/** The bytes are no frame a server may send; the connection cannot be trusted any more. */
export class FrameError extends Error {}

export interface ServerFrame {
  kind: number;
  subject: unknown;
  body: unknown;
}

/** The encoding every build has. */
export const jsonCodec: Codec = {
  subprotocol: "trunkline.v1.json",
  encode: (value) => JSON.stringify(value),
  decode: (data) => JSON.parse(typeof data === "string" ? data : new TextDecoder("utf-8", { fatal: true }).decode(data)),
};

/** Read one frame from the server; a kind this version does not know is returned as it is. */
export function decodeFrame(codec: Codec, data: string | Uint8Array): ServerFrame {
  let frame: unknown;
  try {
    frame = codec.decode(data);
  } catch (error) {
    throw new FrameError(`not a frame: ${error}`);
  }
  if (!Array.isArray(frame) || !Number.isInteger(frame[0])) throw new FrameError("no kind");
  const [kind, subject, body] = frame;
  if (kind === Kind.ok || kind === Kind.error) {
    if (!Number.isInteger(subject) || body === undefined) throw new FrameError("not a reply");
  } else if (kind === Kind.push) {
    if (typeof subject !== "string" || body === undefined) throw new FrameError("not a push");
  } else if (kind === Kind.pong && !Number.isInteger(subject)) throw new FrameError("not a pong");
  return { kind, subject, body };
}
