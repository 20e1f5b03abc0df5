/** Moving through the list by keys. Pure: where a key leads. Not here: moving the focus (`list.ts`). */

/** Where the reader is: the row with the focus (-1: none), the rows in sight, and how many there are. */
export interface Place {
  at: number;
  first: number;
  end: number;
  count: number;
}

/** The row that a key leads to; undefined when it is no such key. */
export function rowAfterKey(key: string, { at, first, end, count }: Place): number | undefined {
  const page = Math.max(1, end - first - 1);
  const from = at < 0 ? end : at;
  const steps: Record<string, number> = {
    ArrowUp: from - 1, ArrowDown: from + 1, PageUp: from - page, PageDown: from + page, Home: 0, End: count - 1,
  };
  const next = steps[key];
  return next === undefined ? undefined : Math.max(0, Math.min(count - 1, next));
}

/** Whether a key opens the menu of the row with the focus. */
export function opensMenu(event: KeyboardEvent): boolean {
  return event.key === "Enter" || event.key === "ContextMenu" || (event.shiftKey && event.key === "F10");
}
