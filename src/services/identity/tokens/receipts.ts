import { integerToMethods, methodsToInteger } from '../model/auth-methods.ts';
import { Float, pack, unpackValue } from '../model/msgpack.ts';
import { fromSeconds, type Micros, nowMicros, toSeconds } from '../model/timestamps.ts';
import type { KeyRepository } from '../store/key-repository.ts';

/** Proof that a user has used some of the methods that he must use. */
export interface Receipt {
  userId: string;
  methods: readonly string[];
  issuedAt: Micros;
  expiresAt: Micros;
}

/**
 * Receipts: what one gets who has proved who he is by some methods and must by more. They are packed and encrypted as
 * keystone's are, with keys of their own.
 */
export class Receipts {
  readonly #keys: KeyRepository;
  readonly #seconds: number;
  readonly #methods: readonly string[];

  /** @param seconds for which one is good */
  constructor(keys: KeyRepository, seconds: number, methods: readonly string[]) {
    this.#keys = keys;
    this.#seconds = seconds;
    this.#methods = methods;
  }

  issue(userId: string, methods: readonly string[]): { id: string; receipt: Receipt } {
    const now = nowMicros();
    const expiresAt = now + this.#seconds * 1e6;
    const bits = methodsToInteger(methods, this.#methods);
    const uuid = /^[0-9a-f]{32}$/.test(userId);
    const user = [uuid, uuid ? Buffer.from(userId, 'hex') : userId];
    const id = this.#keys.fernet
      .encrypt(pack([user, bits, new Float(toSeconds(expiresAt))]))
      .replace(/=+$/, '');
    return {
      id,
      receipt: { userId, methods: integerToMethods(bits, this.#methods), issuedAt: now, expiresAt },
    };
  }

  /** @returns undefined for one that is none, or not good any more */
  open(id: string): Receipt | undefined {
    try {
      const { message, createdAt } = this.#keys.fernet.decrypt(id.padEnd(Math.ceil(id.length / 4) * 4, '='));
      const [user, bits, expires] = unpackValue(message) as [[boolean, Uint8Array | string], number, number];
      const userId = typeof user[1] === 'string' ? user[1] : Buffer.from(user[1]).toString('hex');
      const expiresAt = fromSeconds(expires);
      if (expiresAt <= nowMicros()) return undefined;
      const methods = integerToMethods(bits, this.#methods);
      return { userId, methods, issuedAt: createdAt * 1e6, expiresAt };
    } catch {
      return undefined;
    }
  }
}
