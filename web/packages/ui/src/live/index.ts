/** Live rooms: `<tl-room>` and what it is made of. */

export { TlRoom } from "./tl-room.js";
export { GIFTS, type GiftKind } from "./gifts.js";
export { Lanes, leftOf, type Arrival, type Flight, type LaneKind, type LaneOptions } from "./lanes.js";
