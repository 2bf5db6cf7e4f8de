import { createHash } from 'node:crypto';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { IdentityTables } from './schema.ts';
import { federationTickets } from './tables/federation.ts';

/** What counts once: logins that were sent to a provider, and assertions that were used. */
export class FederationTickets {
  readonly #store: Store<IdentityTables>;

  constructor(store: Store<IdentityTables>) {
    this.#store = store;
  }

  /** Keeps something under a name that nobody can guess. @param seconds for how long */
  async keep(name: string, content: Record<string, unknown>, seconds: number): Promise<void> {
    await this.#forgetOld();
    const forget_at = Math.floor(Date.now() / 1000) + seconds;
    await repository(this.#store, federationTickets).insert({ id: idOf('login', name), content, forget_at });
  }

  /** What was kept, for him who comes first. */
  async take(name: string): Promise<Record<string, unknown> | undefined> {
    const tickets = repository(this.#store, federationTickets);
    const id = idOf('login', name);
    return this.#store.transaction(async () => {
      const found = await tickets.find({ id });
      if (!found || (await tickets.delete({ id })) === 0) return undefined;
      return found.forget_at * 1000 > Date.now() ? found.content : undefined;
    });
  }

  /** @param endsAt milliseconds since 1970 until which it could be used again. @returns whether it is the first time */
  async useOnce(name: string, endsAt: number): Promise<boolean> {
    await this.#forgetOld();
    try {
      await repository(this.#store, federationTickets).insert({
        id: idOf('used', name),
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

const idOf = (kind: string, name: string): string =>
  createHash('sha256').update(`${kind}\0${name}`).digest('hex');
