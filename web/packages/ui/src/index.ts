/**
 * Trunkline's chat as web components. Importing this registers all of them.
 *
 * Not here: live rooms (`@trunkline/ui/live`) and calls (`@trunkline/ui/call`).
 *
 * @packageDocumentation
 */

export * from "./base/index.js";
export { TlCard } from "./cards/card.js";
export { TlChat } from "./chat/chat.js";
export { TlCardMaker, type MadeCard } from "./composer/card-maker.js";
export { TlComposer } from "./composer/composer.js";
export { TlEmojiPicker } from "./composer/emoji-picker.js";
export { TlConversationList } from "./conversations/list.js";
export { TlGroup } from "./group/group.js";
export { TlNewConversation } from "./group/new.js";
export { TlMessageList } from "./messages/list.js";
export { TlMedia } from "./messages/media.js";
export { TlMessage, type MessageAction, type MessageActionDetail } from "./messages/message.js";
export { registerRenderer, type Renderer } from "./messages/renderers.js";
export { TlVoice } from "./messages/voice.js";
export { TlProfile } from "./profile/profile.js";
export { TlSearch } from "./search/search.js";
export { TlThread } from "./thread/thread.js";
