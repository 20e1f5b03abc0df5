/**
 * Roving focus: of a group of items one is in the tab order, and the arrow keys move among them.
 *
 * For lists, menus, toolbars and grids whose items are all in the tree. Not here: the message list, whose items come and go.
 */

/** Which keys move, and what `Home` and `End` reach. */
export interface RovingOptions {
  /** `vertical`, `horizontal`, or `grid` with a number of columns. */
  direction: "vertical" | "horizontal" | "grid";
  columns?: number;
  /** Begin again at the other end. */
  wrap?: boolean;
}

/**
 * Move the focus for a key.
 *
 * @returns Whether the key was used.
 */
export function rove(event: KeyboardEvent, items: readonly HTMLElement[], options: RovingOptions): boolean {
  if (items.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return false;
  const path = event.composedPath();
  const at = items.findIndex((item) => path.includes(item));
  const rtl = items[0]?.matches(":dir(rtl)") ?? false;
  const columns = options.direction === "grid" ? (options.columns ?? 1) : 1;
  const steps: Record<string, number> = {};
  if (options.direction !== "vertical") Object.assign(steps, { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 });
  if (options.direction !== "horizontal") Object.assign(steps, { ArrowDown: columns, ArrowUp: -columns });
  let next: number;
  const step = steps[event.key];
  if (event.key === "Home") next = 0;
  else if (event.key === "End") next = items.length - 1;
  else if (step === undefined) return false;
  else if (at < 0) next = step > 0 ? 0 : items.length - 1;
  else next = at + step;
  if (options.wrap) next = (next + items.length) % items.length;
  const target = items[Math.max(0, Math.min(items.length - 1, next))];
  if (target === undefined) return false;
  event.preventDefault();
  focusItem(items, target);
  return true;
}

/** Make one item the one in the tab order, and focus it. */
export function focusItem(items: readonly HTMLElement[], target: HTMLElement): void {
  for (const item of items) item.tabIndex = item === target ? 0 : -1;
  target.focus();
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
}
