/**
 * The heights of the rows of a list that is too long to draw: estimated until measured, with the sums needed to find
 * a row for a scroll position and back, each in logarithmic time.
 *
 * Pure. Not here: what is drawn and when it is measured (`virtual.ts`).
 */

/** Heights by index, over a Fenwick tree. */
export class Heights {
  private heights = new Float64Array(0);
  private tree = new Float64Array(1);
  private count = 0;

  /** How many rows there are. */
  get length(): number {
    return this.count;
  }

  /** Start over with these rows. */
  reset(count: number, heightOf: (index: number) => number): void {
    this.reserve(count);
    this.count = count;
    this.tree.fill(0);
    for (let index = 0; index < count; index++) this.heights[index] = heightOf(index);
    this.build();
  }

  /** Add rows at the end. */
  extend(count: number, heightOf: (index: number) => number): void {
    const before = this.count;
    if (count - before > 64 || count > this.heights.length) {
      const kept = this.heights;
      this.reset(count, (index) => (index < before ? (kept[index] ?? 0) : heightOf(index)));
      return;
    }
    for (let index = before; index < count; index++) {
      this.count = index + 1;
      this.heights[index] = 0;
      // A node covers the rows since the last one with a larger power of two.
      const node = index + 1;
      const low = node & -node;
      this.tree[node] = this.offset(index) - this.offset(node - low);
      this.set(index, heightOf(index));
    }
  }

  /** The height of a row. */
  get(index: number): number {
    return this.heights[index] ?? 0;
  }

  /** Note a height; answers by how much it changed. */
  set(index: number, height: number): number {
    const change = height - this.get(index);
    if (change === 0 || index < 0 || index >= this.count) return 0;
    this.heights[index] = height;
    for (let node = index + 1; node <= this.count; node += node & -node) this.tree[node] = (this.tree[node] ?? 0) + change;
    return change;
  }

  /** Where a row begins; at `length`, where the last one ends. */
  offset(index: number): number {
    let sum = 0;
    for (let node = Math.min(index, this.count); node > 0; node -= node & -node) sum += this.tree[node] ?? 0;
    return sum;
  }

  /** The height of all rows. */
  get total(): number {
    return this.offset(this.count);
  }

  /** The row at a distance from the top; the nearest one outside. */
  at(offset: number): number {
    if (this.count === 0) return 0;
    let node = 0;
    let left = offset;
    for (let step = 2 ** Math.floor(Math.log2(this.count)); step >= 1; step /= 2) {
      const next = node + step;
      const sum = this.tree[next] ?? 0;
      if (next <= this.count && sum <= left) {
        node = next;
        left -= sum;
      }
    }
    return Math.max(0, Math.min(this.count - 1, node));
  }

  private reserve(count: number): void {
    if (count <= this.heights.length) return;
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(count)));
    this.heights = new Float64Array(size);
    this.tree = new Float64Array(size + 1);
  }

  private build(): void {
    for (let node = 1; node <= this.count; node++) {
      const sum = (this.tree[node] ?? 0) + (this.heights[node - 1] ?? 0);
      this.tree[node] = sum;
      const above = node + (node & -node);
      if (above <= this.count) this.tree[above] = (this.tree[above] ?? 0) + sum;
    }
  }
}
