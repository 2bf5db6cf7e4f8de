import { availableParallelism } from 'node:os';
import { contextIfAny } from '../../../platform/context/context.ts';
import {
  assertRecipe,
  type HashRecipe,
  hashPassword,
  type PasswordLength,
  passwordBytes,
  unmatchable,
  verifyPassword,
} from '../model/password-hash.ts';
import { FairQueue } from './fair-queue.ts';

export interface HasherSettings extends HashRecipe, PasswordLength {
  /** 0: one fewer than there are cores. */
  password_hash_concurrency: number;
  password_hash_queue: number;
}

/** The work itself, which tests count. */
export interface HashWork {
  hash: typeof hashPassword;
  verify: typeof verifyPassword;
}

/**
 * Hashes and verifies passwords as the settings say, so many at once that a core is left for everything else: the
 * threads that hash are also those that read files and names.
 */
export class Hasher {
  readonly #settings: HasherSettings;
  readonly #work: HashWork;
  readonly #queue: FairQueue;
  #nobody: Promise<string> | undefined;

  /** @throws TypeError where the algorithm cannot have its rounds */
  constructor(settings: HasherSettings, work: HashWork = { hash: hashPassword, verify: verifyPassword }) {
    assertRecipe(settings);
    this.#settings = settings;
    this.#work = work;
    this.#queue = new FairQueue({
      concurrency: settings.password_hash_concurrency || Math.max(1, availableParallelism() - 1),
      limit: settings.password_hash_queue,
    });
  }

  /** @throws Forbidden for a password that is too long, ServiceUnavailable where too many wait */
  async hash(password: string): Promise<string> {
    const bytes = passwordBytes(password, this.#settings);
    return this.#inTurn(() => this.#work.hash(bytes, this.#settings));
  }

  /**
   * @param onBegin called when the work begins, after any waiting
   * @throws Forbidden for a password that is too long, ServiceUnavailable where too many wait
   */
  async verify(password: string, hashed: string, onBegin?: () => void): Promise<boolean> {
    const bytes = passwordBytes(password, this.#settings);
    return this.#inTurn(() => {
      onBegin?.();
      return this.#work.verify(bytes, hashed);
    });
  }

  /** A hash, as new ones are made, that no password matches. */
  nobody(): Promise<string> {
    this.#nobody ??= unmatchable(this.#settings);
    return this.#nobody;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(contextIfAny()?.client?.address ?? '', work);
  }
}
