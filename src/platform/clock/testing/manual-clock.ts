import type { Clock } from '../clock.ts';

interface Timer {
  due: number;
  work: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, work: () => void): () => void {
    const timer = { due: this.#now + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Milliseconds until the next timer; undefined when none is set. */
  get next(): number | undefined {
    return this.#timers.length ? Math.min(...this.#timers.map(({ due }) => due)) - this.#now : undefined;
  }

  /** Moves time on, and runs what falls due in its order; then lets promises that this settled go on. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [first] = this.#timers.toSorted((a, b) => a.due - b.due);
      if (!first || first.due > end) break;
      this.#now = Math.max(this.#now, first.due);
      this.#timers = this.#timers.filter((each) => each !== first);
      first.work();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
