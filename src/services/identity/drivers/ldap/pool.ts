import { type Connection, ConnectionLost, isUnanswered } from './connection.ts';

export interface PoolOptions {
  open(): Promise<Connection>;
  /** Connections at most; who wants another waits. */
  size: number;
  /** Milliseconds that a connection is used; 0 uses each once. */
  lifetime: number;
  /** Milliseconds that somebody waits for a connection. */
  patience: number;
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** Connections to one domain's servers, kept for the next use. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<Waiting>();
  #taken = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Does some work with a connection. Where one that was kept turns out to be gone, which is how servers end those
   * that nobody uses, the work is done again with a new one, unless it `changes` something.
   */
  async use<T>(
    work: (connection: Connection) => Promise<T>,
    { changes = false }: { changes?: boolean } = {},
  ): Promise<T> {
    await this.#enter();
    try {
      const kept = this.#kept();
      if (!kept) return await this.#with(await this.#options.open(), work);
      try {
        return await this.#with(kept, work);
      } catch (error) {
        const undone = error instanceof ConnectionLost || (!changes && isUnanswered(error) && !kept.open);
        if (!undone) throw error;
      }
      // What was kept beside it is likely gone too.
      this.#drop();
      return await this.#with(await this.#options.open(), work);
    } finally {
      this.#leave();
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
    for (const each of this.#waiting) each.reject(new ConnectionLost('the pool is closed'));
    this.#waiting.clear();
  }

  async #with<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await work(connection);
    } finally {
      const young = Date.now() - connection.opened < this.#options.lifetime;
      if (connection.open && young && !this.#closed) this.#idle.push(connection);
      else connection.close();
    }
  }

  #kept(): Connection | undefined {
    for (let found = this.#idle.pop(); found; found = this.#idle.pop()) {
      if (found.open && Date.now() - found.opened < this.#options.lifetime) return found;
      found.close();
    }
    return undefined;
  }

  #drop(): void {
    for (const each of this.#idle.splice(0)) each.close();
  }

  async #enter(): Promise<void> {
    if (this.#closed) throw new ConnectionLost('the pool is closed');
    if (this.#taken < this.#options.size) {
      this.#taken++;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    let waiting: Waiting | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        waiting = { resolve, reject };
        this.#waiting.add(waiting);
        timer = setTimeout(
          () => reject(new ConnectionLost('all connections are in use')),
          this.#options.patience,
        );
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiting as Waiting);
    }
  }

  /** The place goes to who has waited longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next.resolve();
  }
}
