// Generated from the server's operations and their Structs by `make docs`; a test fails when the two differ.
// What lives here: the shape of every request and result of the link. What does not: code.

/** What those who run the room tell everybody. */
export interface Announcement {
  text: string;
  link?: string;
}

/** Block or unblock a party: a blocked party cannot send me direct messages. */
export interface BlockChange {
  party: string;
  on?: boolean | undefined;
}

/** List whom I block. */
export interface BlockList {
}

/** Parties I block. */
export interface Blocks {
  blocked: string[];
}

/** Act on the card at `seq`: `action` and `value` as spec/cards.md lists them for its kind. */
export interface CardAct {
  conversation: string;
  seq: number;
  action: string;
  value?: Record<string, any> | undefined;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** The change entry's position; `event` says what an app must know, such as the amount of a claim. */
export interface CardActed {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
  repeated?: boolean;
  event?: Record<string, any> | null;
}

/** Put a card into a conversation, named by `conversation` or, for a direct one, by `to`. */
export interface CardCreate {
  kind: string;
  data: Record<string, any>;
  conversation?: string | undefined;
  to?: string | null | undefined;
  closes_at_ms?: number | undefined;
  closes_in_ms?: number | undefined;
  n?: number | undefined;
  after?: number | undefined;
  outbox?: string | null | undefined;
  reply_to?: number | undefined;
  mentions?: string[] | null | undefined;
  thread?: number | undefined;
}

/** A card with its whole state. */
export interface CardGet {
  conversation: string;
  seq: number;
}

/** Cards of a conversation, newest first, below `before_seq` (0: from the newest); with `open_only` those not */
export interface CardList {
  conversation: string;
  before_seq?: number | undefined;
  limit?: number | undefined;
  open_only?: boolean | undefined;
}

/** The shared state of a card. */
export interface CardState {
  fields?: Record<string, Field>;
  partial?: boolean;
}

/** A card as its reader may see it. */
export interface CardView {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
  sender: string;
  kind: string;
  data: Record<string, any>;
  as_of: number;
  closes_at_ms?: number;
  closed?: string;
  state?: CardState;
  summary?: Record<string, any>;
  mine?: string;
}

/** A page of cards; large states are left out (`state.partial`). `more`: there are older ones. */
export interface Cards {
  conversation: string;
  cards: CardView[];
  more?: boolean;
}

/** A category. */
export interface CategoryInfo {
  id: string;
  name: string;
  position?: number;
  everyone?: Overwrite | null;
  groups?: Record<string, Overwrite> | null;
}

/** Names a category; its channels stay, without one. */
export interface CategoryRef {
  community: string;
  id: string;
}

/** Make or replace a category. */
export interface CategorySet {
  community: string;
  id: string;
  name?: string | undefined;
  position?: number | undefined;
  everyone?: Overwrite | undefined;
  groups?: Record<string, Overwrite> | undefined;
}

/** What stands at a key: the value, who wrote it, and where in the log. */
export type Cell = [seq: number, at_ms: number, by: string, value?: any];

/** The change entry's position. */
export interface Changed {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
}

/** Make a channel; `id` is its conversation's. */
export interface ChannelCreate {
  community: string;
  id: string;
  name?: string | undefined;
  category?: string | undefined;
  position?: number | undefined;
  everyone?: Overwrite | undefined;
  groups?: Record<string, Overwrite> | undefined;
}

/** A channel as the caller sees it. Overwrites are shown to those who manage channels. */
export interface ChannelInfo {
  id: string;
  name: string;
  category?: string;
  position?: number;
  permissions?: string[];
  everyone?: Overwrite | null;
  groups?: Record<string, Overwrite> | null;
}

/** List the channels I may view, with what is unread, by position; `after`: the last one of the page before. */
export interface ChannelList {
  community: string;
  after?: string | undefined;
  limit?: number | undefined;
}

/** Names a channel. */
export interface ChannelRef {
  channel: string;
}

/** Change what is given; leave the rest. */
export interface ChannelUpdate {
  channel: string;
  name?: string | undefined;
  category?: string | undefined;
  position?: number | undefined;
  everyone?: Overwrite | undefined;
  groups?: Record<string, Overwrite> | undefined;
}

/** A page of channels; `next` is empty on the last page. */
export interface Channels {
  channels: ConversationView[];
  next?: string;
}

/** Ban a party: it is removed and cannot join or be invited. Or let it in again. */
export interface CommunityBan {
  community: string;
  party: string;
  on?: boolean | undefined;
}

/** Where the change is in the community's log. */
export interface CommunityChanged {
  community: string;
  epoch: number;
  seq: number;
}

/** Create a community with the caller (or `owner`) as its owner. */
export interface CommunityCreate {
  id: string;
  name?: string | undefined;
  avatar?: string | undefined;
  custom?: Record<string, string> | undefined;
  members?: string[] | undefined;
  owner?: string | null | undefined;
  join?: "closed" | "invite" | "open" | undefined;
  who_invites?: "admin" | "member" | undefined;
}

/** What everyone in a community may do, before categories, channels and user groups. */
export interface CommunityPermit {
  community: string;
  everyone: Overwrite;
}

/** Names a community. */
export interface CommunityRef {
  community: string;
}

/** A community as the caller sees it: the channels it may view, by position, and what it may do. */
export interface CommunityView {
  community: string;
  epoch: number;
  head: number;
  name: string;
  role: string;
  member_count: number;
  permissions: string[];
  mine?: string[];
  everyone?: Overwrite;
  categories?: CategoryInfo[];
  channels?: ChannelInfo[];
  groups?: UserGroupInfo[];
  bans?: string[] | null;
}

/** My own settings of a conversation, shared by all my devices; leave out what stays. */
export interface ConversationConfigure {
  conversation: string;
  pinned?: boolean | undefined;
  order?: number | undefined;
  mute?: boolean | undefined;
  dnd_until_ms?: number | undefined;
  draft?: string | undefined;
  hidden?: boolean | undefined;
  notify?: "" | "all" | "mentions" | "none" | undefined;
}

/** List my conversations: pinned first (by `order`), then the most recently active. */
export interface ConversationList {
  after?: string | undefined;
  limit?: number | undefined;
}

/** Names one conversation: to read, join, leave or dismiss it. */
export interface ConversationRef {
  conversation: string;
}

/** A conversation as one of its members sees it. */
export interface ConversationView {
  conversation: string;
  kind: string;
  epoch: number;
  head: number;
  unread?: number;
  unread_mentions?: number;
  read?: number;
  delivered?: number;
  peer_read?: number;
  peer_delivered?: number;
  role?: string;
  peer?: string;
  name?: string;
  avatar?: string;
  custom?: Record<string, string>;
  member_count?: number;
  muted_all?: boolean;
  muted_until_ms?: number;
  first_visible_seq?: number;
  left_seq?: number;
  dismissed?: boolean;
  settings?: MemberSettings;
  last?: EntryView | null;
  active_at_ms?: number;
  hidden_up_to?: number;
  hidden_seqs?: number[];
  community?: string;
  join?: string;
  who_invites?: string;
  history_before_join?: boolean;
}

/** A page of conversations; `next` is empty on the last page. */
export interface Conversations {
  conversations: ConversationView[];
  unread_total?: number;
  next?: string;
}

/** A member's cursors after the move. */
export interface Cursor {
  conversation: string;
  delivered: number;
  read: number;
  unread: number;
  unread_mentions: number;
}

/** Tell how far I have received and read; cursors only move forward. */
export interface CursorMove {
  conversation: string;
  delivered?: number | undefined;
  read?: number | undefined;
}

/** A comment that flies over the picture. */
export interface Danmaku {
  text: string;
  colour?: string;
  lane?: "bottom" | "scroll" | "top";
}

/** A device that has signed in. */
export interface Device {
  device: string;
  platform?: string;
  first_seen_ms?: number;
  last_seen_ms?: number;
  online?: boolean;
  revoked?: boolean;
  current?: boolean;
}

/** List my devices (or, for an app server, those of the party it names). */
export interface DeviceList {
}

/** Close a device's sessions and refuse its tokens minted until now. */
export interface DeviceRevoke {
  device: string;
}

/** Devices, newest first. */
export interface Devices {
  devices: Device[];
}

/** One entry as shown to a reader. */
export interface EntryView {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
  sender: string;
  type: string;
  content?: any;
  outbox?: string;
  n?: number;
  target?: number;
  reply_to?: number;
  mentions?: string[];
  expires_at_ms?: number;
  now?: Overlay | null;
  thread?: number;
}

/** What a refused request gets. */
export interface ErrorBody {
  code: number;
  name: string;
  message: string;
  retry: string;
  applied: boolean | null;
  retry_ms?: number;
  field?: string;
}

/** One field of a card: a merge and its cells by key. */
export type Field = [merge: "counter" | "first" | "last" | "set", cells?: Record<string, Cell>];

/** Delete a file I uploaded, for everyone. Messages that name it stay. */
export interface FileDelete {
  file: string;
}

/** A file I uploaded, or one that a message I may see names. */
export interface FileGet {
  file: string;
}

/** `url` is relative to the server's address. */
export interface FileLink {
  url: string;
  expires_at_ms: number;
}

/** Make a link that opens a file without credentials, for a short time. */
export interface FileLinkCreate {
  file: string;
  variant?: "content" | "poster" | "thumbnail" | undefined;
  ttl_s?: number | undefined;
}

/** The files I uploaded, by id. `after` is the `next` of the page before. */
export interface FileList {
  after?: string | undefined;
  limit?: number | undefined;
}

/** A page of files; `next` is empty on the last one. */
export interface FilePage {
  files: FileView[];
  next?: string;
}

/** A smaller picture made from a file: a `thumbnail`, or the `poster` of a video. */
export interface FilePicture {
  name: string;
  mime: string;
  size_bytes: number;
  width: number;
  height: number;
}

/** A finished upload. */
export interface FileView {
  file: string;
  owner: string;
  name: string;
  mime: string;
  kind: string;
  size_bytes: number;
  sha256: string;
  at_ms: number;
  width?: number;
  height?: number;
  duration_ms?: number;
  blurhash?: string;
  waveform?: number[];
  pictures?: FilePicture[];
}

/** A gift. */
export interface Gift {
  order: string;
  gift: string;
  quantity?: number;
  amount?: number;
  to?: string;
  custom?: Record<string, string>;
}

/** Create a group with the caller (or `owner`) as its owner. */
export interface GroupCreate {
  id?: string | undefined;
  name?: string | undefined;
  avatar?: string | undefined;
  custom?: Record<string, string> | undefined;
  members?: string[] | undefined;
  owner?: string | null | undefined;
  join?: "closed" | "invite" | "open" | undefined;
  who_invites?: "admin" | "member" | undefined;
  history_before_join?: boolean | undefined;
}

/** Members to add or remove. */
export interface GroupMembers {
  conversation: string;
  parties: string[];
}

/** Make another member the owner. */
export interface GroupTransfer {
  conversation: string;
  party: string;
}

/** Change what is given; leave the rest. */
export interface GroupUpdate {
  conversation: string;
  name?: string | undefined;
  avatar?: string | undefined;
  custom?: Record<string, string> | undefined;
  join?: "closed" | "invite" | "open" | undefined;
  who_invites?: "admin" | "member" | undefined;
  history_before_join?: boolean | undefined;
  muted_all?: boolean | undefined;
}

/** First request on a connection. */
export interface Hello {
  token: string;
  device: string;
  outbox?: string | null | undefined;
  platform?: string | undefined;
  features?: string[] | undefined;
  version?: number | undefined;
}

/** A place in a text: from `start` up to, and not including, `end`, in code points. */
export interface Highlight {
  start: number;
  end: number;
}

/** Entries in ascending order without a hole. */
export interface History {
  conversation: string;
  epoch: number;
  head: number;
  entries: EntryView[];
  more?: boolean;
}

/** A range of a conversation. */
export interface HistoryGet {
  conversation: string;
  from_seq?: number | undefined;
  to_seq?: number | undefined;
  from_ms?: number | undefined;
  to_ms?: number | undefined;
  limit?: number | undefined;
  newest_first?: boolean | undefined;
}

/** Some likes; those of a tick arrive as one with their sum. */
export interface Likes {
  likes: number;
}

/** Ask for a place in a conversation's live session. */
export interface LiveJoin {
  conversation: string;
  device?: string | undefined;
}

/** A place in a live session. */
export interface LiveJoined {
  url: string;
  token: string;
  room: string;
  identity: string;
  expires_at_ms: number;
}

/** Change a member's role, or mute it until a time (0 = unmute). */
export interface MemberChange {
  conversation: string;
  party: string;
  role?: "admin" | "member" | undefined;
  muted_until_ms?: number | undefined;
}

/** List members, owner and admins first, then by party; `after` is the page cursor. */
export interface MemberList {
  conversation: string;
  after?: string | undefined;
  limit?: number | undefined;
}

/** One party's own settings of one conversation. */
export interface MemberSettings {
  pinned?: boolean;
  order?: number;
  mute?: boolean;
  dnd_until_ms?: number;
  draft?: string;
  hidden?: boolean;
  notify?: string;
}

/** A member. */
export interface MemberView {
  party: string;
  role: string;
  joined_seq: number;
  muted_until_ms?: number;
  read?: number;
  delivered?: number;
}

/** A page of members; `next` is empty on the last page. */
export interface Members {
  conversation: string;
  count: number;
  members: MemberView[];
  next?: string;
}

/** Who was in fact added or removed (others already were), and the log position. */
export interface MembershipChanged {
  conversation: string;
  epoch: number;
  seq: number;
  changed?: string[];
}

/** Replace the content of one of my messages. */
export interface MessageEdit {
  conversation: string;
  seq: number;
  content: any;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** Forward messages to another conversation, each as a copy or all `merged` into one. */
export interface MessageForward {
  source: string;
  seqs: number[];
  conversation?: string | undefined;
  to?: string | null | undefined;
  merged?: boolean | undefined;
  title?: string | undefined;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** Delete for me only: single messages, or everything up to a seq. */
export interface MessageHide {
  conversation: string;
  seqs?: number[] | undefined;
  up_to?: number | undefined;
}

/** Pin (or unpin) a message for everyone. `n`: as for an edit. */
export interface MessagePin {
  conversation: string;
  seq: number;
  on?: boolean | undefined;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** Add (or take back) a reaction. `n`: as for an edit. */
export interface MessageReact {
  conversation: string;
  seq: number;
  key: string;
  on?: boolean | undefined;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** Take a message back for everyone. `n`: as for an edit. */
export interface MessageRecall {
  conversation: string;
  seq: number;
  n?: number | undefined;
  outbox?: string | null | undefined;
}

/** Find messages that have all words of `text`, newest first. */
export interface MessageSearch {
  text: string;
  conversation?: string | undefined;
  sender?: string | undefined;
  types?: string[] | undefined;
  from_ms?: number | undefined;
  to_ms?: number | undefined;
  after?: string | undefined;
  limit?: number | undefined;
}

/** Append a message to a conversation, named by `conversation` or, for a direct one, by `to`. */
export interface MessageSend {
  type?: string | undefined;
  content?: any | undefined;
  conversation?: string | undefined;
  to?: string | null | undefined;
  n?: number | undefined;
  after?: number | undefined;
  outbox?: string | null | undefined;
  reply_to?: number | undefined;
  mentions?: string[] | null | undefined;
  expires_in_ms?: number | undefined;
  thread?: number | undefined;
  sender?: any | undefined;
  at_ms?: any | undefined;
}

/** The message is durable at `(epoch, seq)`. */
export interface MessageSent {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
}

/** What the forward appended. */
export interface MessagesForwarded {
  sent: MessageSent[];
}

/** One operation: `value` for `key` of `field`. */
export type Op = [field: string, merge: "counter" | "first" | "last" | "set", key: string, value?: any];

/** The present state of a message: what later changes made of it. */
export interface Overlay {
  as_of?: number;
  content?: any;
  edited_seq?: number;
  edited_at_ms?: number;
  recalled?: boolean;
  expired?: boolean;
  erased?: boolean;
  pinned?: boolean;
  reactions?: Record<string, string[]>;
  replies?: number;
  last_reply_seq?: number;
  last_reply_at_ms?: number;
  card?: CardState | null;
}

/** What a level allows and denies. */
export interface Overwrite {
  allow?: ("ban" | "manage_channels" | "manage_groups" | "manage_messages" | "mention_all" | "send" | "view")[] | undefined;
  deny?: ("ban" | "manage_channels" | "manage_groups" | "manage_messages" | "mention_all" | "send" | "view")[] | undefined;
}

/** The pinned messages of a conversation. */
export interface PinList {
  conversation: string;
}

/** Whether a party is online, and on what. */
export interface Presence {
  party: string;
  online: boolean;
  devices?: string[];
  last_seen_ms?: number;
}

/** Subscribe to, unsubscribe from or read the presence of parties. */
export interface PresenceWatch {
  parties: string[];
}

/** Present state of the parties asked for. */
export interface Presences {
  presences: Presence[];
}

/** What a party shows of itself. */
export interface Profile {
  party: string;
  name?: string;
  avatar?: string;
  custom?: Record<string, string>;
  updated_at_ms?: number;
}

/** Read profiles; parties without one are left out. */
export interface ProfileGet {
  parties: string[];
}

/** Change my profile (or, for an app server, that of the party it names). */
export interface ProfileSet {
  name?: string | undefined;
  avatar?: string | undefined;
  custom?: Record<string, string> | undefined;
}

/** Profiles; `next` continues a search. */
export interface Profiles {
  profiles: Profile[];
  next?: string;
}

/** Answer the open question: the place of an option, once. The same again gets the first answer. */
export interface QuizAnswer {
  conversation: string;
  quiz: string;
  question: number;
  choice: number;
}

/** The answer is on disk and counts. `repeated`: it was given before. */
export interface QuizAnswered {
  quiz: string;
  question: number;
  choice: number;
  after_ms: number;
  repeated?: boolean;
}

/** Ask the next question: `question` is its number. The same again is harmless. */
export interface QuizAsk {
  conversation: string;
  quiz: string;
  question: number;
  text: string;
  options: string[];
  correct: number[];
  answer_ms?: number | undefined;
}

/** The change is durable; `seq` is where the room's log says so, 0 where it does not. */
export interface QuizChanged {
  conversation: string;
  quiz: string;
  seq?: number;
  repeated?: boolean;
}

/** End the open question now; `void`: it counts for nobody. The same again tells what came of it. */
export interface QuizClose {
  conversation: string;
  quiz: string;
  question: number;
  void?: boolean | undefined;
}

/** Begin a quiz in a room; its co-hosts may. The same again is harmless. */
export interface QuizCreate {
  conversation: string;
  quiz: string;
  title?: string | undefined;
  rules?: QuizRules | undefined;
}

/** Parties have `cards` revival cards in all, for this quiz. */
export interface QuizGrant {
  conversation: string;
  quiz: string;
  parties: string[];
  cards: number;
}

/** What came of a question; also the content of the entry `quiz.closed`. */
export interface QuizOutcome {
  quiz: string;
  question: number;
  correct: number[];
  tallies: number[];
  answered: number;
  right: number;
  revived: number;
  out: number;
  left: number;
  void?: boolean;
}

/** A place in the results: equals in everything share it. */
export interface QuizPlace {
  place: number;
  party: string;
  left: boolean;
  right: number;
  right_ms: number;
}

/** The caller in a quiz. */
export interface QuizPlayer {
  plays: boolean;
  out: number;
  revivals: number;
  right: number;
  right_ms: number;
  choice: number;
}

/** A question as everybody sees it; also the content of the entry `quiz.asked`. */
export interface QuizQuestion {
  quiz: string;
  question: number;
  text: string;
  options: string[];
  at_ms: number;
  closes_at_ms: number;
  outcome?: QuizOutcome | null;
}

/** Names a quiz; `current` is the newest one of the room. */
export interface QuizRef {
  conversation: string;
  quiz?: string | undefined;
}

/** A page of the results, best first: who is still in, then by right answers, then by time. */
export interface QuizResults {
  conversation: string;
  quiz: string;
  players: number;
  left: number;
  ended?: boolean;
  places?: QuizPlace[];
  next?: number;
}

/** A page of the results: `after` so many places. */
export interface QuizResultsGet {
  conversation: string;
  quiz?: string | undefined;
  after?: number | undefined;
  limit?: number | undefined;
}

/** Come back after the last question put the caller out. The same again is harmless. */
export interface QuizRevive {
  conversation: string;
  quiz: string;
}

/** How a quiz is played. */
export interface QuizRules {
  elimination?: boolean | undefined;
  begin_until?: number | undefined;
  revivals?: number | undefined;
  cards?: number | undefined;
  automatic?: boolean | undefined;
  revive_until?: number | undefined;
}

/** A quiz: its rules, its last question, how many play and are in, and the caller. */
export interface QuizView {
  conversation: string;
  quiz: string;
  title: string;
  rules: QuizRules;
  questions: number;
  players: number;
  left: number;
  ended?: boolean;
  last?: QuizQuestion | null;
  me?: QuizPlayer;
}

/** Counts over the members who could see the message, its sender left out; and the first readers. */
export interface Receipt {
  conversation: string;
  seq: number;
  audience: number;
  delivered: number;
  read: number;
  readers: string[];
}

/** Who has received and read a message. */
export interface ReceiptGet {
  conversation: string;
  seq: number;
  limit?: number | undefined;
}

/** Let in (or turn away) parties who asked to join. */
export interface RoomAdmit {
  conversation: string;
  parties: string[];
  on?: boolean | undefined;
}

/** The push `room.admitted`: join now, or do not. */
export interface RoomAdmitted {
  conversation: string;
  on: boolean;
}

/** Put parties on the allow-list, or take them off it. */
export interface RoomAllow {
  conversation: string;
  parties: string[];
  on?: boolean | undefined;
}

/** The push `room.asked` to those who run the room: a party waits to be admitted. */
export interface RoomAsked {
  conversation: string;
  party: string;
}

/** One attribute; `auto_delete`: it goes when its owner leaves. */
export interface RoomAttribute {
  key: string;
  value: string;
  version: number;
  owner: string;
  auto_delete?: boolean;
}

/** Delete an attribute, if it has the version given. */
export interface RoomAttributeDelete {
  conversation: string;
  key: string;
  version?: number | null | undefined;
}

/** Set an attribute. `version`: only if it has this version; 0: only if it does not exist. */
export interface RoomAttributeSet {
  conversation: string;
  key: string;
  value: string;
  version?: number | null | undefined;
  auto_delete?: boolean | undefined;
}

/** All attributes, by key. */
export interface RoomAttributes {
  conversation: string;
  attributes: RoomAttribute[];
}

/** Keep parties out until a time, and put those out who are in; 0 ends the ban. */
export interface RoomBan {
  conversation: string;
  parties: string[];
  until_ms: number;
}

/** What one tick of a room has for its members: the push `room`, and the answer of `room.entries`. */
export interface RoomBatch {
  conversation: string;
  epoch: number;
  prev: number;
  seq: number;
  at_ms: number;
  items?: RoomItem[];
  more?: boolean;
}

/** The change is durable at this position of the room's log. */
export interface RoomChanged {
  conversation: string;
  epoch: number;
  seq: number;
}

/** Change what is given; leave the rest. */
export interface RoomConfigure {
  conversation: string;
  name?: string | undefined;
  custom?: Record<string, string> | undefined;
  capacity?: number | undefined;
  join?: "allow-list" | "approval" | "open" | "token" | undefined;
  slow_mode_ms?: number | undefined;
  muted_all?: boolean | undefined;
  close_empty_ms?: number | undefined;
  keep_alive?: boolean | undefined;
  recent?: number | undefined;
  messages_per_s?: number | undefined;
  reliable_per_s?: number | undefined;
  notices?: boolean | undefined;
  attributes?: "audience" | "co-host" | "guest" | "host" | "moderator" | undefined;
  types?: Record<string, RoomType> | undefined;
}

/** Create a room with the caller (or `host`) as its host; what is left out has the documented default. */
export interface RoomCreate {
  id?: string | undefined;
  name?: string | undefined;
  custom?: Record<string, string> | undefined;
  host?: string | null | undefined;
  capacity?: number | undefined;
  join?: "allow-list" | "approval" | "open" | "token" | undefined;
  slow_mode_ms?: number | undefined;
  muted_all?: boolean | undefined;
  close_empty_ms?: number | undefined;
  keep_alive?: boolean | undefined;
  recent?: number | undefined;
  messages_per_s?: number | undefined;
  reliable_per_s?: number | undefined;
  notices?: boolean | undefined;
  attributes?: "audience" | "co-host" | "guest" | "host" | "moderator" | undefined;
  types?: Record<string, RoomType> | undefined;
}

/** The reliable entries after a seq, oldest first; for whoever is in the room. */
export interface RoomEntriesGet {
  conversation: string;
  after?: number | undefined;
  limit?: number | undefined;
}

/** Totals of a room's gifts up to the entry `seq`; every order counts once. */
export interface RoomGifts {
  conversation: string;
  seq: number;
  count: number;
  amount: number;
  givers: number;
  top?: RoomGiver[];
  mine?: RoomGiver | null;
}

/** What was given in a room, and who gave most. */
export interface RoomGiftsGet {
  conversation: string;
  limit?: number | undefined;
}

/** What one party gave: `count` gifts by quantity, `amount` in the app's smallest unit. */
export interface RoomGiver {
  party: string;
  count: number;
  amount: number;
}

/** One message as members see it, positional. */
export type RoomItem = [type_: string, sender: string, after_ms: number, content?: any, seq?: number, count?: number, target?: number];

/** Come into a room with this connection, or back into it after a break. */
export interface RoomJoin {
  conversation: string;
}

/** In: how the room is, and what was said last. */
export interface RoomJoined {
  room: RoomView;
  role: "audience" | "co-host" | "guest" | "host" | "moderator";
  resumed?: boolean;
  recent?: RoomBatch | null;
  attributes?: RoomAttribute[];
}

/** Put parties out; they may come back after `for_ms`. */
export interface RoomKick {
  conversation: string;
  parties: string[];
  for_ms?: number | undefined;
}

/** Who was in fact put out. */
export interface RoomKicked {
  conversation: string;
  parties: string[];
}

/** A member who is in the room. `away`: its connection broke a moment ago. */
export interface RoomMember {
  party: string;
  role?: "audience" | "co-host" | "guest" | "host" | "moderator";
  joined_at_ms?: number;
  away?: boolean;
}

/** List the members who are in the room now, by name; `after` is the page cursor. */
export interface RoomMemberList {
  conversation: string;
  after?: string | undefined;
  limit?: number | undefined;
}

/** A page of members; `next` is empty on the last page. */
export interface RoomMembers {
  conversation: string;
  online: number;
  members: RoomMember[];
  next?: string;
}

/** Mute parties until a time; 0 ends the mute. */
export interface RoomMute {
  conversation: string;
  parties: string[];
  until_ms: number;
}

/** What the room remembers of a party. */
export interface RoomNamed {
  party: string;
  role?: "audience" | "co-host" | "guest" | "host" | "moderator";
  muted_until_ms?: number;
  banned_until_ms?: number;
  allowed?: boolean;
  waiting?: boolean;
}

/** List parties that have a role, a mute, a ban, or are on the allow-list; for those who run the room. */
export interface RoomNamedList {
  conversation: string;
}

/** Everyone the room remembers, and those who wait to be admitted. */
export interface RoomNameds {
  conversation: string;
  parties: RoomNamed[];
}

/** The push `room.out`: this member is no longer in the room; `reason`: kicked, banned, closed or left. */
export interface RoomOut {
  conversation: string;
  reason: string;
}

/** Take back a reliable message of one's own, or of somebody of a lower role as one who runs the room. */
export interface RoomRecall {
  conversation: string;
  seq: number;
}

/** Names one room. */
export interface RoomRef {
  conversation: string;
}

/** Give parties a role; `audience` takes it away. */
export interface RoomRole {
  conversation: string;
  parties: string[];
  role: "audience" | "co-host" | "guest" | "host" | "moderator";
}

/** Say something in a room. `outbox` and `n` make a reliable message safe to repeat, as in `message.send`. */
export interface RoomSend {
  conversation: string;
  type: string;
  content?: any | undefined;
  outbox?: string | null | undefined;
  n?: number | undefined;
}

/** Accepted. A reliable message is durable at `seq`; another one has `seq` 0 and goes by its policy. */
export interface RoomSent {
  conversation: string;
  epoch: number;
  seq: number;
  at_ms: number;
  delivery?: "coalesce" | "latest-wins" | "reliable" | "sample";
}

/** What a room counted since the server has it in memory; also the push `room.stats` to those who run it. */
export interface RoomStats {
  conversation: string;
  online: number;
  peak: number;
  connections: number;
  types?: Record<string, RoomTypeCounts>;
}

/** A message type of the app's own: how a room delivers it, who may send it, whether it is speech. */
export interface RoomType {
  delivery: "coalesce" | "latest-wins" | "reliable" | "sample";
  priority?: "high" | "low" | "normal" | undefined;
  least?: "audience" | "co-host" | "guest" | "host" | "moderator" | undefined;
  speech?: boolean | undefined;
  recent?: boolean | undefined;
}

/** Messages of one type: `received` = refused + sent + dropped + pending, always. */
export interface RoomTypeCounts {
  received?: number;
  refused?: Record<string, number>;
  sent?: number;
  items?: number;
  dropped?: Record<string, number>;
  pending?: number;
  delivered?: number;
  missed?: Record<string, number>;
}

/** A room: its configuration, and how it is now. */
export interface RoomView {
  conversation: string;
  epoch: number;
  seq: number;
  name?: string;
  custom?: Record<string, string>;
  capacity?: number;
  join?: "allow-list" | "approval" | "open" | "token";
  slow_mode_ms?: number;
  muted_all?: boolean;
  close_empty_ms?: number;
  keep_alive?: boolean;
  recent?: number;
  messages_per_s?: number;
  reliable_per_s?: number;
  notices?: boolean;
  attributes?: "audience" | "co-host" | "guest" | "host" | "moderator";
  types?: Record<string, RoomType>;
  created_at_ms?: number;
  online?: number;
  closed?: boolean;
}

/** A message that matches. */
export interface SearchHit {
  entry: EntryView;
  text: string;
  highlights: Highlight[];
}

/** Hits, newest first. A page may be short while `next` leads on. */
export interface SearchPage {
  hits: SearchHit[];
  next?: string;
  behind?: number;
  building?: boolean;
}

/** Ask what changed in my inbox after `pts`; `epoch` 0 and `pts` 0 ask for everything. */
export interface Sync {
  epoch?: number | undefined;
  pts?: number | undefined;
  limit?: number | undefined;
}

/** Everything that changed, oldest change first. */
export interface SyncResult {
  epoch: number;
  pts: number;
  more?: boolean;
  resync?: boolean;
  conversations?: ConversationView[];
  removed?: string[];
  blocked?: string[] | null;
  profile_changed?: boolean;
  threads_changed?: boolean;
}

/** Ask which threads I followed, unfollowed or read in after a position of `sync`. */
export interface ThreadChanges {
  after_pts?: number | undefined;
  limit?: number | undefined;
}

/** Follow a thread, or follow it no longer. */
export interface ThreadFollow {
  conversation: string;
  thread: number;
  on?: boolean | undefined;
}

/** Replies of a thread with `from_seq <= seq <= to_seq` (0 = open end), ascending. */
export interface ThreadHistory {
  conversation: string;
  thread: number;
  from_seq?: number | undefined;
  to_seq?: number | undefined;
  limit?: number | undefined;
  newest_first?: boolean | undefined;
}

/** List the threads I follow, or all of a conversation, the most recently active first. */
export interface ThreadList {
  conversation?: string | undefined;
  unread_only?: boolean | undefined;
  after?: string | undefined;
  limit?: number | undefined;
}

/** My mark of a thread: whether I follow it, and the seq up to which I have read there. */
export interface ThreadMark {
  conversation: string;
  thread: number;
  following?: boolean;
  read?: number;
}

/** Marks that changed, oldest change first; `more` asks for another call from `pts`. */
export interface ThreadMarks {
  marks: ThreadMark[];
  pts: number;
  more?: boolean;
}

/** Tell how far I have read in a thread: the seq of a reply; cursors only move forward. */
export interface ThreadRead {
  conversation: string;
  thread: number;
  read: number;
}

/** Names a thread by the message it began with. */
export interface ThreadRef {
  conversation: string;
  thread: number;
}

/** A thread as the caller sees it: only what the caller may see counts. */
export interface ThreadView {
  conversation: string;
  epoch: number;
  thread: number;
  root: EntryView;
  replies?: number;
  last?: EntryView | null;
  participants?: string[];
  following?: boolean;
  read?: number;
  unread?: number;
  unread_mentions?: number;
}

/** A page of threads; `next` is empty on the last page. */
export interface Threads {
  threads: ThreadView[];
  next?: string;
}

/** Tell online members that I am typing (or stopped). */
export interface TypingSet {
  conversation: string;
  typing?: boolean | undefined;
}

/** Put members of the community into a user group, and take some out. */
export interface UserGroupAssign {
  community: string;
  id: string;
  add?: string[] | undefined;
  remove?: string[] | undefined;
}

/** A user group. Its members are shown to those who manage groups. */
export interface UserGroupInfo {
  id: string;
  name: string;
  allow?: string[];
  deny?: string[];
  members?: string[] | null;
}

/** Names a user group. */
export interface UserGroupRef {
  community: string;
  id: string;
}

/** Make a user group or change its name and permissions; its members stay. */
export interface UserGroupSet {
  community: string;
  id: string;
  name?: string | undefined;
  allow?: ("ban" | "manage_channels" | "manage_groups" | "manage_messages" | "mention_all" | "send" | "view")[] | undefined;
  deny?: ("ban" | "manage_channels" | "manage_groups" | "manage_messages" | "mention_all" | "send" | "view")[] | undefined;
}

/** Answer to hello. */
export interface Welcome {
  party: string;
  device: string;
  session: string;
  session_epoch: number;
  epoch: number;
  pts: number;
  server_time_ms: number;
  heartbeat_ms: number;
  window: number;
  max_frame_bytes: number;
  outbox_n?: number;
  version?: number;
  features?: string[];
}

/** Every method by name. */
export interface Operations {
  /** List whom I block */
  "block.list": { params: BlockList; result: Blocks };
  /** Block or unblock a party */
  "block.set": { params: BlockChange; result: Blocks };
  /** Act on a card */
  "card.act": { params: CardAct; result: CardActed };
  /** Put up a card */
  "card.create": { params: CardCreate; result: MessageSent };
  /** Read a card */
  "card.get": { params: CardGet; result: CardView };
  /** List cards */
  "card.list": { params: CardList; result: Cards };
  /** Delete a category */
  "category.delete": { params: CategoryRef; result: CommunityChanged };
  /** Make or replace a category */
  "category.set": { params: CategorySet; result: CommunityChanged };
  /** Make a channel */
  "channel.create": { params: ChannelCreate; result: MembershipChanged };
  /** Delete a channel */
  "channel.delete": { params: ChannelRef; result: CommunityChanged };
  /** List the channels I may view */
  "channel.list": { params: ChannelList; result: Channels };
  /** Change a channel */
  "channel.update": { params: ChannelUpdate; result: CommunityChanged };
  /** Ban a party, or let it in again */
  "community.ban": { params: CommunityBan; result: CommunityChanged };
  /** Create a community */
  "community.create": { params: CommunityCreate; result: MembershipChanged };
  /** Read a community */
  "community.get": { params: CommunityRef; result: CommunityView };
  /** Say what everyone may do */
  "community.permit": { params: CommunityPermit; result: CommunityChanged };
  /** Change my settings of a conversation */
  "conversation.configure": { params: ConversationConfigure; result: ConversationView };
  /** Read a conversation's state */
  "conversation.get": { params: ConversationRef; result: ConversationView };
  /** List conversations */
  "conversation.list": { params: ConversationList; result: Conversations };
  /** Move delivered and read cursors */
  "cursor.move": { params: CursorMove; result: Cursor };
  /** List my devices */
  "device.list": { params: DeviceList; result: Devices };
  /** Sign a device out */
  "device.revoke": { params: DeviceRevoke; result: Record<string, never> };
  /** Delete a file */
  "file.delete": { params: FileDelete; result: Record<string, never> };
  /** What is known of a file */
  "file.get": { params: FileGet; result: FileView };
  /** Make a short-lived link to a file */
  "file.link": { params: FileLinkCreate; result: FileLink };
  /** List my files */
  "file.list": { params: FileList; result: FilePage };
  /** Create a group */
  "group.create": { params: GroupCreate; result: MembershipChanged };
  /** Dismiss a group */
  "group.dismiss": { params: ConversationRef; result: MembershipChanged };
  /** Add members */
  "group.invite": { params: GroupMembers; result: MembershipChanged };
  /** Join a group */
  "group.join": { params: ConversationRef; result: MembershipChanged };
  /** Remove members */
  "group.kick": { params: GroupMembers; result: MembershipChanged };
  /** Leave a group */
  "group.leave": { params: ConversationRef; result: MembershipChanged };
  /** Transfer ownership */
  "group.transfer": { params: GroupTransfer; result: MembershipChanged };
  /** Change a group */
  "group.update": { params: GroupUpdate; result: MembershipChanged };
  /** Read messages */
  "history.get": { params: HistoryGet; result: History };
  /** Get a place in a conversation's live session */
  "live.join": { params: LiveJoin; result: LiveJoined };
  /** Change a member's role or mute */
  "member.change": { params: MemberChange; result: MembershipChanged };
  /** List members */
  "member.list": { params: MemberList; result: Members };
  /** Edit a message */
  "message.edit": { params: MessageEdit; result: Changed };
  /** Forward messages */
  "message.forward": { params: MessageForward; result: MessagesForwarded };
  /** Delete messages for me */
  "message.hide": { params: MessageHide; result: Record<string, never> };
  /** Pin a message */
  "message.pin": { params: MessagePin; result: Changed };
  /** React to a message */
  "message.react": { params: MessageReact; result: Changed };
  /** Recall a message */
  "message.recall": { params: MessageRecall; result: Changed };
  /** Search messages */
  "message.search": { params: MessageSearch; result: SearchPage };
  /** Send a message */
  "message.send": { params: MessageSend; result: MessageSent };
  /** List pinned messages */
  "pin.list": { params: PinList; result: History };
  /** Read presence */
  "presence.get": { params: PresenceWatch; result: Presences };
  /** Stop watching */
  "presence.unwatch": { params: PresenceWatch; result: Record<string, never> };
  /** Watch presence */
  "presence.watch": { params: PresenceWatch; result: Presences };
  /** Read profiles */
  "profile.get": { params: ProfileGet; result: Profiles };
  /** Change a profile */
  "profile.set": { params: ProfileSet; result: Profile };
  /** Answer the open question */
  "quiz.answer": { params: QuizAnswer; result: QuizAnswered };
  /** Ask the next question */
  "quiz.ask": { params: QuizAsk; result: QuizChanged };
  /** End the open question */
  "quiz.close": { params: QuizClose; result: QuizOutcome };
  /** Begin a quiz in a room */
  "quiz.create": { params: QuizCreate; result: QuizChanged };
  /** End a quiz */
  "quiz.end": { params: QuizRef; result: QuizChanged };
  /** Look at a quiz */
  "quiz.get": { params: QuizRef; result: QuizView };
  /** Give parties revival cards */
  "quiz.grant": { params: QuizGrant; result: QuizChanged };
  /** Read the results of a quiz */
  "quiz.results": { params: QuizResultsGet; result: QuizResults };
  /** Come back into a quiz */
  "quiz.revive": { params: QuizRevive; result: QuizChanged };
  /** Who has read a message */
  "receipt.get": { params: ReceiptGet; result: Receipt };
  /** Let in those who asked */
  "room.admit": { params: RoomAdmit; result: RoomKicked };
  /** Change the allow-list */
  "room.allow": { params: RoomAllow; result: RoomChanged };
  /** Read the attributes of a room */
  "room.attributes": { params: RoomRef; result: RoomAttributes };
  /** Ban parties */
  "room.ban": { params: RoomBan; result: RoomChanged };
  /** Close a room for everyone */
  "room.close": { params: RoomRef; result: RoomChanged };
  /** Change a room's settings */
  "room.configure": { params: RoomConfigure; result: RoomChanged };
  /** Create a room */
  "room.create": { params: RoomCreate; result: RoomChanged };
  /** Delete an attribute */
  "room.delete_attribute": { params: RoomAttributeDelete; result: RoomAttributes };
  /** Read the reliable entries of a room */
  "room.entries": { params: RoomEntriesGet; result: RoomBatch };
  /** Look at a room */
  "room.get": { params: RoomRef; result: RoomView };
  /** Who gave most */
  "room.gifts": { params: RoomGiftsGet; result: RoomGifts };
  /** Come into a room */
  "room.join": { params: RoomJoin; result: RoomJoined };
  /** Put parties out for a while */
  "room.kick": { params: RoomKick; result: RoomKicked };
  /** Leave a room */
  "room.leave": { params: RoomRef; result: Record<string, never> };
  /** List who is in a room */
  "room.members": { params: RoomMemberList; result: RoomMembers };
  /** Mute parties */
  "room.mute": { params: RoomMute; result: RoomChanged };
  /** List roles, mutes, bans and the allow-list */
  "room.named": { params: RoomNamedList; result: RoomNameds };
  /** Take a message of a room back */
  "room.recall": { params: RoomRecall; result: RoomChanged };
  /** Give or take roles */
  "room.role": { params: RoomRole; result: RoomChanged };
  /** Say something in a room */
  "room.send": { params: RoomSend; result: RoomSent };
  /** Set an attribute */
  "room.set_attribute": { params: RoomAttributeSet; result: RoomAttribute };
  /** What a room counted */
  "room.stats": { params: RoomRef; result: RoomStats };
  /** What changed since a position */
  "sync": { params: Sync; result: SyncResult };
  /** Which threads I followed or read since a position */
  "thread.changes": { params: ThreadChanges; result: ThreadMarks };
  /** Follow a thread */
  "thread.follow": { params: ThreadFollow; result: ThreadView };
  /** Read a thread */
  "thread.get": { params: ThreadRef; result: ThreadView };
  /** Read the replies of a thread */
  "thread.history": { params: ThreadHistory; result: History };
  /** List threads */
  "thread.list": { params: ThreadList; result: Threads };
  /** Move my cursor in a thread */
  "thread.read": { params: ThreadRead; result: ThreadView };
  /** Show that I am typing */
  "typing.set": { params: TypingSet; result: Record<string, never> };
  /** Change who is in a user group */
  "usergroup.assign": { params: UserGroupAssign; result: CommunityChanged };
  /** Delete a user group */
  "usergroup.delete": { params: UserGroupRef; result: CommunityChanged };
  /** Make or change a user group */
  "usergroup.set": { params: UserGroupSet; result: CommunityChanged };
}
