/** Calls and meetings: `<tl-call>` on livekit-client. */

export { TlCall } from "./tl-call.js";
export { CallSession, type CallNews, type CallTile, type CallView } from "./session.js";
export { type CallStats, type Flow } from "./stats.js";
