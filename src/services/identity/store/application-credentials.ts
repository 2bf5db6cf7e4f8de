import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { batches } from './batches.ts';
import type { Changes } from './changes.ts';
import type { IdentityTables } from './schema.ts';
import {
  type AccessRuleRow,
  type ApplicationCredentialRow,
  accessRules,
  applicationCredentialAccessRules,
  applicationCredentials,
} from './tables/application-credentials.ts';
import type { AssignmentRow } from './tables.ts';

/** An application credential and its access rules; `undefined` where it was made without any: all is allowed then. */
export interface ApplicationCredential extends ApplicationCredentialRow {
  access_rules?: readonly AccessRuleRow[];
}

/** An access rule as a request names it: by the id of one that there is, or by all that it says. */
export interface AskedAccessRule {
  id?: string;
  service?: string;
  path?: string;
  method?: string;
}

/** Application credentials and the access rules that they share. */
export class ApplicationCredentials {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #rows;
  readonly #rules;
  readonly #uses;

  constructor(store: Store<IdentityTables>, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
    this.#rows = repository(store, applicationCredentials);
    this.#rules = repository(store, accessRules);
    this.#uses = repository(store, applicationCredentialAccessRules);
  }

  async get(id: string): Promise<ApplicationCredential | undefined> {
    const row = await this.#rows.get(id);
    return row && (await this.#withRules([row]))[0];
  }

  async named(userId: string, name: string): Promise<ApplicationCredential | undefined> {
    return (await this.list(userId, name))[0];
  }

  async list(userId: string, name?: string): Promise<ApplicationCredential[]> {
    const where = { user_id: userId, ...(name === undefined ? {} : { name }) };
    return this.#withRules(await this.#rows.list({ where }));
  }

  count(userId: string): Promise<number> {
    return this.#rows.count({ user_id: userId });
  }

  /**
   * Within the caller's transaction. A rule that the user has already is shared.
   * @param rules with an id each, new where there is no such rule
   * @throws UniqueViolation where the user has a credential of that name
   */
  async create(row: ApplicationCredentialRow, rules: readonly Required<AskedAccessRule>[]): Promise<void> {
    await this.#rows.insert(row);
    const own = await this.#rules.list({ where: { user_id: row.user_id } });
    const used = new Set<string>();
    for (const { id, service, path, method } of rules) {
      const known = own.find(
        (rule) =>
          rule.id === id || (rule.service === service && rule.path === path && rule.method === method),
      );
      if (!known) {
        const rule = { id, user_id: row.user_id, service, path, method };
        await this.#rules.insert(rule);
        own.push(rule);
      }
      used.add(known?.id ?? id);
    }
    const links = [...used].map((id) => ({ application_credential_id: row.id, access_rule_id: id }));
    if (links.length > 0) await this.#uses.insert(links);
    this.#changes.wrote();
  }

  async delete(id: string): Promise<void> {
    await this.#rows.delete({ id });
    this.#changes.revoked();
  }

  /**
   * Deletes those that a grant has stood behind, so that none comes to life again with the role. Within the caller's
   * transaction, once the grant is gone.
   *
   * @param members those of a group that `memberships` does not know
   */
  async roleTaken(grant: AssignmentRow, members: readonly string[] = []): Promise<void> {
    const { db } = this.#store;
    const all = db.selectFrom('application_credentials').select(['id', 'project_id', 'role_ids']);
    const found = await all
      .where((where) =>
        grant.actor_kind === 'user'
          ? where('user_id', '=', grant.actor_id)
          : where(
              'user_id',
              'in',
              db.selectFrom('memberships').select('user_id').where('group_id', '=', grant.actor_id),
            ),
      )
      .execute();
    for (const some of batches(members)) {
      found.push(...(await all.where('user_id', 'in', some).execute()));
    }
    const ids = found
      .filter(({ role_ids }) => role_ids.includes(grant.role_id))
      // What is inherited reaches further than its target; a role may still be held otherwise, and be lost here all the same.
      .filter(({ project_id }) => grant.inherited || project_id === grant.target_id)
      .map(({ id }) => id);
    if (ids.length > 0) await db.deleteFrom('application_credentials').where('id', 'in', ids).execute();
  }

  accessRules(where: {
    user_id: string;
    service?: string;
    path?: string;
    method?: string;
  }): Promise<AccessRuleRow[]> {
    return this.#rules.list({ where });
  }

  accessRule(id: string): Promise<AccessRuleRow | undefined> {
    return this.#rules.get(id);
  }

  /** Within the caller's transaction. @returns false where a credential still uses it */
  async deleteAccessRule(id: string): Promise<boolean> {
    if ((await this.#uses.count({ access_rule_id: id })) > 0) return false;
    await this.#rules.delete({ id });
    return true;
  }

  async #withRules(rows: readonly ApplicationCredentialRow[]): Promise<ApplicationCredential[]> {
    if (rows.length === 0) return [];
    const found = await this.#store.db
      .selectFrom('application_credential_access_rules as use')
      .innerJoin('access_rules as rule', 'rule.id', 'use.access_rule_id')
      .select([
        'use.application_credential_id',
        'rule.id',
        'rule.user_id',
        'rule.service',
        'rule.path',
        'rule.method',
      ])
      .where(
        'use.application_credential_id',
        'in',
        rows.map((row) => row.id),
      )
      .orderBy('rule.id')
      .execute();
    const byCredential = Map.groupBy(found, (row) => row.application_credential_id);
    return rows.map((row) => {
      const rules = byCredential.get(row.id);
      return rules
        ? { ...row, access_rules: rules.map(({ application_credential_id: _id, ...rule }) => rule) }
        : row;
    });
  }
}
