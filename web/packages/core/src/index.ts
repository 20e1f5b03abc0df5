// The public surface of `@trunkline/core`. Also: `@trunkline/core/node` (a store in a file) and `@trunkline/core/msgpack`.

export type * from "./api.js";
export type * from "./generated/wire.js";
export { Client } from "./client/client.js";
export { ClientCode, TrunklineError, type Retry } from "./errors.js";
export { indexedDbStore } from "./store/indexeddb.js";
export { memoryStore } from "./store/memory.js";
export type { Store } from "./store/store.js";
export { jsonCodec, type Codec } from "./protocol/frames.js";
