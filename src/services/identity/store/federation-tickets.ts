import { createHash } from 'node:crypto';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { IdentityTables } from './schema.ts';
import { federationTickets } from './tables/federation.ts';

/** What counts once: logins that have ended well, and assertions that were used. */
export class FederationTickets {
  readonly #store: Store<IdentityTables>;

  constructor(store: Store<IdentityTables>) {
    this.#store = store;
  }

  /** @param endsAt milliseconds since 1970 until which it could be used again. @returns whether it is the first time */
  async useOnce(name: string, endsAt: number): Promise<boolean> {
    await this.#forgetOld();
    try {
      await repository(this.#store, federationTickets).insert({
        id: createHash('sha256').update(name).digest('hex'),
        content: {},
        forget_at: Math.ceil(endsAt / 1000) + 1,
      });
      return true;
    } catch (error) {
      if (error instanceof UniqueViolation) return false;
      throw error;
    }
  }

  async #forgetOld(): Promise<void> {
    await this.#store.db
      .deleteFrom('federation_tickets')
      .where('forget_at', '<', Math.floor(Date.now() / 1000))
      .execute();
  }
}
