// What a page needs later, if at all: stays in rooms, uploads, the drawing of cards, erasures. One file of its own in bundles.

export { Room } from "./client/room.js";
export { FileUpload } from "./client/upload.js";
export { localCard } from "./protocol/card_views.js";
export { erased } from "./protocol/erasure.js";
