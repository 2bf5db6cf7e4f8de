import { ServiceUnavailable } from '../../../platform/errors/errors.ts';

interface Waiting {
  start(): void;
  refuse(error: Error): void;
}

/**
 * Lets so many works run at once and the others wait, each in the lane of who asked: lanes are served in turn, so that
 * one who asks a thousand times waits for himself. Where too many wait, the longest lane loses its last.
 */
export class FairQueue {
  readonly #concurrency: number;
  readonly #limit: number;
  /** In the order of their turns; none is empty. */
  readonly #lanes = new Map<string, Waiting[]>();
  #running = 0;
  #waiting = 0;

  constructor(options: { concurrency: number; limit: number }) {
    this.#concurrency = options.concurrency;
    this.#limit = options.limit;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** @throws ServiceUnavailable where too many wait; what `work` throws */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running += 1;
    else await this.#turn(lane);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(lane: string): Promise<void> {
    const turn = new Promise<void>((resolve, reject) => {
      const mine = this.#lanes.get(lane) ?? [];
      if (mine.length === 0) this.#lanes.set(lane, mine);
      mine.push({ start: resolve, refuse: reject });
      this.#waiting += 1;
    });
    if (this.#waiting > this.#limit) this.#refuseOne();
    return turn;
  }

  /** Hands the place of a work that is done to the next lane. */
  #next(): void {
    const [first] = this.#lanes;
    if (!first) {
      this.#running -= 1;
      return;
    }
    const [lane, waiting] = first;
    const next = waiting.shift();
    this.#waiting -= 1;
    this.#lanes.delete(lane);
    if (waiting.length > 0) this.#lanes.set(lane, waiting);
    next?.start();
  }

  #refuseOne(): void {
    let longest: [string, Waiting[]] | undefined;
    for (const each of this.#lanes) if (!longest || each[1].length >= longest[1].length) longest = each;
    if (!longest) return;
    const [lane, waiting] = longest;
    const last = waiting.pop();
    this.#waiting -= 1;
    if (waiting.length === 0) this.#lanes.delete(lane);
    last?.refuse(
      new ServiceUnavailable('Too many passwords are being checked. Please try again later.', {
        headers: { 'retry-after': '5' },
      }),
    );
  }
}
