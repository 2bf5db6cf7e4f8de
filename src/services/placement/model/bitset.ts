/** A set of small whole numbers (ordinals of providers), 32 to a word; grows as it is written. */
export class Bitset {
  #words: Uint32Array;

  constructor(words: Uint32Array = new Uint32Array(8)) {
    this.#words = words;
  }

  /** All numbers below `count`. */
  static upTo(count: number): Bitset {
    const words = new Uint32Array((count + 31) >>> 5).fill(0xffff_ffff);
    if (count % 32 !== 0) words[words.length - 1] = 2 ** (count % 32) - 1;
    return new Bitset(words);
  }

  copy(): Bitset {
    return new Bitset(this.#words.slice());
  }

  has(member: number): boolean {
    return (((this.#words[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1;
  }

  add(member: number): void {
    const at = member >>> 5;
    if (at >= this.#words.length) {
      const words = new Uint32Array(Math.max(at + 1, this.#words.length * 2));
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (member & 31));
  }

  delete(member: number): void {
    const at = member >>> 5;
    if (at < this.#words.length) this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (member & 31));
  }

  /** Keeps what the other has too. */
  keep(other: Bitset): this {
    const [mine, theirs] = [this.#words, other.#words];
    for (let at = 0; at < mine.length; at += 1) mine[at] = (mine[at] ?? 0) & (theirs[at] ?? 0);
    return this;
  }

  /** Takes out what the other has. */
  remove(other: Bitset): this {
    const [mine, theirs] = [this.#words, other.#words];
    const end = Math.min(mine.length, theirs.length);
    for (let at = 0; at < end; at += 1) mine[at] = (mine[at] ?? 0) & ~(theirs[at] ?? 0);
    return this;
  }

  /** Takes in what the other has. */
  join(other: Bitset): this {
    const theirs = other.#words;
    if (theirs.length > this.#words.length) {
      const words = new Uint32Array(theirs.length);
      words.set(this.#words);
      this.#words = words;
    }
    for (let at = 0; at < theirs.length; at += 1)
      this.#words[at] = (this.#words[at] ?? 0) | (theirs[at] ?? 0);
    return this;
  }

  /** The first member that is `from` or more; -1 when there is none. */
  next(from: number): number {
    const words = this.#words;
    let at = from >>> 5;
    if (at >= words.length) return -1;
    let word = (words[at] ?? 0) & (0xffff_ffff << (from & 31));
    while (word === 0) {
      at += 1;
      if (at >= words.length) return -1;
      word = words[at] ?? 0;
    }
    // The lowest bit that is set, alone.
    return at * 32 + (31 - Math.clz32(word & -word));
  }

  /** In ascending order. */
  members(): number[] {
    const found: number[] = [];
    for (let member = this.next(0); member >= 0; member = this.next(member + 1)) found.push(member);
    return found;
  }
}
