// The MessagePack encoding of the link, for pages where bytes matter more than a few kB of code: `@trunkline/core/msgpack`.

import { decode, encode } from "@msgpack/msgpack";
import type { Codec } from "./protocol/frames.js";

/** Pass as `codec` to a client. */
export const msgpackCodec: Codec = {
  subprotocol: "trunkline.v1.msgpack",
  encode: (value) => encode(value, { ignoreUndefined: true }),
  decode: (data) => decode(data as Uint8Array, { useBigInt64: false }),
};
