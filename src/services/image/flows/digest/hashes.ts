import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Block } from './blocks.ts';

export type HashRequest =
  | { what: 'begin'; stream: number; algorithm: string }
  | { what: 'update'; stream: number; block: SharedArrayBuffer; length: number }
  | { what: 'end'; stream: number }
  | { what: 'forget'; stream: number };
export type HashAnswer =
  | { what: 'updated'; stream: number }
  | { what: 'digest'; stream: number; hex: string };

/** Hashes of one stream of bytes. */
export interface Hashing {
  /** Takes the next bytes; the block may be used again once the promise is kept. */
  update(block: Block, length: number): Promise<void>;
  /** Hex digests in the order of the algorithms. */
  digest(): Promise<string[]>;
  /** Ends without a digest. */
  forget(): void;
}

/** A thread that is not needed is ended after this many milliseconds: each takes some 10 MB. */
const idle = 10_000;

/**
 * Hashes streams off the main thread, one thread for each algorithm so that they run side by side. Threads are
 * started when first needed.
 */
export class HashThreads {
  readonly #threads = new Map<string, HashThread>();

  begin(algorithms: readonly string[]): Hashing {
    const parts = algorithms.map((algorithm) => this.#thread(algorithm).begin());
    return {
      update: async (block, length) => {
        await Promise.all(parts.map((part) => part.update(block, length)));
      },
      digest: () => Promise.all(parts.map((part) => part.digest())),
      forget: () => parts.forEach((part) => part.forget()),
    };
  }

  /** The digests of bytes that are all there: too few for a thread to pay. */
  now(bytes: Uint8Array, algorithms: readonly string[]): string[] {
    return algorithms.map((algorithm) => createHash(algorithm).update(bytes).digest('hex'));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.close()));
  }

  #thread(algorithm: string): HashThread {
    let thread = this.#threads.get(algorithm);
    if (!thread) {
      thread = new HashThread(algorithm);
      this.#threads.set(algorithm, thread);
    }
    return thread;
  }
}

interface Part {
  update(block: Block, length: number): Promise<void>;
  digest(): Promise<string>;
  forget(): void;
}

interface Waiting {
  resolve(answer: HashAnswer): void;
  reject(error: unknown): void;
}

/** One thread and those who wait for its answers, which come in the order of the questions of a stream. */
class HashThread {
  readonly #algorithm: string;
  readonly #streams = new Map<number, Waiting[]>();
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(algorithm: string) {
    this.#algorithm = algorithm;
  }

  begin(): Part {
    const stream = this.#next++;
    const waiting: Waiting[] = [];
    this.#streams.set(stream, waiting);
    clearTimeout(this.#timer);
    const worker = (this.#worker ??= this.#start());
    worker.postMessage({ what: 'begin', stream, algorithm: this.#algorithm } satisfies HashRequest);
    const ask = (request: HashRequest) =>
      new Promise<HashAnswer>((resolve, reject) => {
        if (this.#worker !== worker) return reject(new Error('the hashing thread has ended'));
        waiting.push({ resolve, reject });
        worker.postMessage(request);
      });
    return {
      update: async (block, length) => {
        await ask({ what: 'update', stream, block: block.buffer, length });
      },
      digest: async () => {
        const answer = await ask({ what: 'end', stream });
        this.#leave(stream);
        return answer.what === 'digest' ? answer.hex : '';
      },
      forget: () => {
        worker.postMessage({ what: 'forget', stream } satisfies HashRequest);
        this.#leave(stream);
      },
    };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hash-thread.ts', import.meta.url), {
      name: `hash ${this.#algorithm}`,
    });
    worker.unref();
    worker.on('message', (answer: HashAnswer) => this.#streams.get(answer.stream)?.shift()?.resolve(answer));
    const end = (error: unknown) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const waiting of this.#streams.values()) for (const { reject } of waiting.splice(0)) reject(error);
    };
    worker.on('error', end);
    worker.on('exit', () => end(new Error('the hashing thread has ended')));
    return worker;
  }

  #leave(stream: number): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Who begins while the thread is ending gets a new one.
      const ending = this.#worker;
      this.#worker = undefined;
      void ending?.terminate();
    }, idle).unref();
  }
}
