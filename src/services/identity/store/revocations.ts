import { randomUUID } from 'node:crypto';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { RevocationList } from '../model/revocation.ts';
import type { Changes } from './changes.ts';
import { Memory } from './memory.ts';
import type { IdentityTables } from './schema.ts';
import { revocations } from './tables.ts';

/** What is revoked: one of these, for all tokens issued until now. */
export type Revoked = { userId: string } | { projectId: string } | { domainId: string } | { auditId: string };

/** The revocations of tokens that have not ended by themselves yet. */
export class Revocations {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #list: Memory<RevocationList>;
  readonly #tokenSeconds: number;
  #lastIssued = 0;

  /** @param tokenSeconds the longest that a token lives, the window of `allow_expired` included */
  constructor(store: Store<IdentityTables>, changes: Changes, tokenSeconds: number) {
    this.#store = store;
    this.#changes = changes;
    this.#tokenSeconds = tokenSeconds;
    this.#list = new Memory(changes, 1);
  }

  list(): RevocationList | Promise<RevocationList> {
    return this.#list.get(
      '',
      async () => new RevocationList(await this.#store.db.selectFrom('revocations').selectAll().execute()),
    );
  }

  /**
   * The second that a new token is stamped with, given until when such tokens are revoked. Fernet counts whole seconds
   * only: a login in the very second of a password change would be born revoked, so it is dated into the next one.
   */
  stamp(revokedUntil: number): number {
    const issuedAt = Math.max(Math.floor(Date.now() / 1000), revokedUntil + 1);
    this.#lastIssued = Math.max(this.#lastIssued, issuedAt);
    return issuedAt;
  }

  /** Joins the transaction of the caller; holds as soon as that has committed. */
  async revoke(what: Revoked): Promise<void> {
    const now = Math.floor(Date.now() / 1000);
    const rows = repository(this.#store, revocations);
    await rows.delete([{ column: 'forget_at', op: 'lt', value: now }]);
    await rows.insert({
      id: randomUUID(),
      user_id: 'userId' in what ? what.userId : null,
      project_id: 'projectId' in what ? what.projectId : null,
      domain_id: 'domainId' in what ? what.domainId : null,
      audit_id: 'auditId' in what ? what.auditId : null,
      // Tokens that were dated ahead (see `stamp`) must not outlive this.
      issued_before: Math.max(now, this.#lastIssued),
      forget_at: now + this.#tokenSeconds,
    });
    this.#changes.revoked();
  }
}
