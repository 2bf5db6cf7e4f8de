import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { KeyRepository } from './key-repository.ts';
import type { IdentityTables } from './schema.ts';
import { type CredentialRow, credentials } from './tables/credentials.ts';

export interface Credential extends Omit<CredentialRow, 'encrypted_blob'> {
  blob: string;
}

/** Rows in one transaction of a re-encryption. */
const batch = 200;

/** Credentials, encrypted at rest with keys of their own. */
export class CredentialStore {
  readonly #store: Store<IdentityTables>;
  readonly #keys: KeyRepository;
  readonly #rows;

  constructor(store: Store<IdentityTables>, keys: KeyRepository) {
    this.#store = store;
    this.#keys = keys;
    this.#rows = repository(store, credentials);
  }

  async get(id: string): Promise<Credential | undefined> {
    const row = await this.#rows.get(id);
    return row && this.#open(row);
  }

  async list(where: { user_id?: string; type?: string }): Promise<Credential[]> {
    return (await this.#rows.list({ where })).map((row) => this.#open(row));
  }

  /** @throws UniqueViolation where there is one of that id */
  insert({ blob, ...row }: Credential): Promise<void> {
    return this.#rows.insert({ ...row, encrypted_blob: this.#seal(blob) });
  }

  /** @returns whether there is such a credential */
  async update(id: string, changes: Partial<Omit<Credential, 'id'>>): Promise<boolean> {
    const { blob, ...rest } = changes;
    const sealed = blob === undefined ? {} : { encrypted_blob: this.#seal(blob) };
    return (await this.#rows.update({ id }, { ...rest, ...sealed })) > 0;
  }

  async delete(id: string): Promise<void> {
    await this.#rows.delete({ id });
  }

  /**
   * Takes the staged key into use, and encrypts everything with it. All is under the present key before it changes, so
   * however far this has come when it is ended, the keys that are kept open everything; run again, it goes on.
   * @returns how many credentials there are
   */
  async rotate(): Promise<number> {
    await this.encryptAnew();
    await this.#keys.rotate();
    return this.encryptAnew();
  }

  /** Encrypts everything with the present key. @returns how many credentials there are */
  async encryptAnew(): Promise<number> {
    let done = 0;
    for (let after = ''; ; ) {
      const ids = await this.#store.transaction(async () => {
        const rows = await this.#store.db
          .selectFrom('credentials')
          .select(['id', 'encrypted_blob'])
          .where('id', '>', after)
          .orderBy('id')
          .limit(batch)
          .execute();
        for (const { id, encrypted_blob } of rows) {
          const { message } = this.#keys.fernet.decrypt(encrypted_blob);
          await this.#rows.update({ id }, { encrypted_blob: this.#seal(message.toString('utf8')) });
        }
        return rows.map((row) => row.id);
      });
      done += ids.length;
      const last = ids.at(-1);
      if (last === undefined || ids.length < batch) return done;
      after = last;
    }
  }

  #seal(blob: string): string {
    return this.#keys.fernet.encrypt(Buffer.from(blob, 'utf8'));
  }

  #open({ encrypted_blob, ...row }: CredentialRow): Credential {
    return { ...row, blob: this.#keys.fernet.decrypt(encrypted_blob).message.toString('utf8') };
  }
}
