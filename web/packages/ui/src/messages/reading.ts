/**
 * What was read: tells the server up to where messages were in sight, and asks how many have read one's own newest message.
 *
 * Not here: what is in sight (`virtual.ts`).
 */

import type { ClientApi, Message } from "@trunkline/core";

/** What reading needs of the list. */
export interface Reader {
  readonly client: ClientApi | undefined;
  readonly conversation: string;
  readonly thread: number;
  readonly noRead: boolean;
  readonly atEnd: boolean;
  /** The conversation's id, once it is open. */
  readonly openId: string | undefined;
  readonly items: readonly Message[];
  inSight(): { first: number; end: number };
  /** Whether anybody could see the list. */
  checkVisibility(): boolean;
  readers(key: string, count: number): void;
}

/** Of one list. */
export class Reading {
  private threadRead = 0;

  constructor(private readonly list: Reader) {}

  /** Mark as read what is in sight. */
  readonly seen = (): void => {
    const { client, openId, items, thread } = this.list;
    if (this.list.noRead || client === undefined || openId === undefined || document.visibilityState !== "visible" || !this.list.checkVisibility()) return;
    const { first, end } = this.list.inSight();
    let seq = 0;
    for (let at = end - 1; at >= first && seq === 0; at--) seq = items[at]?.seq ?? 0;
    // At the end, what has no row (changes, placeholders) is read as well.
    const about = client.conversations.one(this.list.conversation).get();
    if (this.list.atEnd && thread === 0 && about !== undefined) seq = Math.max(seq, about.head);
    if (seq === 0) return;
    if (thread > 0) {
      if (seq > this.threadRead) {
        this.threadRead = seq;
        void client.threads.markRead(openId, thread, seq).catch(() => undefined);
      }
    } else if (about === undefined || seq > about.read || about.unread > 0) client.conversations.markRead(openId, seq);
  };

  /** How many have read my newest message in a group. */
  readonly askReaders = (): void => {
    const { client, items } = this.list;
    const about = client?.conversations.one(this.list.conversation).get();
    const mine = newest(items, (item) => item.mine && item.message && item.status === "sent" && item.gone === "");
    if (about === undefined || about.kind === "direct" || mine === undefined || this.list.thread > 0) return;
    void client?.receipt(about.conversation, mine.seq, 0).then(
      (receipt) => this.list.readers(mine.key, receipt.read),
      () => undefined,
    );
  };
}

/** The newest message that fits. */
export function newest(items: readonly Message[], fits: (item: Message) => boolean): Message | undefined {
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at] as Message;
    if (fits(item)) return item;
  }
  return undefined;
}
