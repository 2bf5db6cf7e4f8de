import { TransactionConflict, UniqueViolation } from '../../../platform/store/errors.ts';
import type { Store } from '../../../platform/store/store.ts';
import { type EntityType, type LocalEntity, publicIdOf } from '../model/public-id.ts';
import { batches } from './batches.ts';
import type { Changes } from './changes.ts';
import type { IdentityTables } from './schema.ts';
import type { IdMappingRow } from './tables/id-mapping.ts';

/** What of the mappings is meant; nothing said means all of them. */
export interface MappingFilter {
  domain_id?: string;
  public_id?: string;
  local_id?: string;
  entity_type?: EntityType;
}

/** The ids that the API shows for what backends know by ids of their own. */
export class IdMapping {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #byPublicId;

  constructor(store: Store<IdentityTables>, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
    this.#byPublicId = store.prepared((db, args: { id: string }) =>
      db.selectFrom('id_mapping').selectAll().where('public_id', '=', args.id),
    );
  }

  async localOf(publicId: string): Promise<IdMappingRow | undefined> {
    return this.#byPublicId.first({ id: publicId });
  }

  async localsOf(publicIds: readonly string[]): Promise<IdMappingRow[]> {
    const rows: IdMappingRow[] = [];
    for (const ids of batches(publicIds)) {
      const some = this.#store.db.selectFrom('id_mapping').selectAll().where('public_id', 'in', ids);
      rows.push(...(await some.execute()));
    }
    return rows;
  }

  /** Public ids by local ones. Those that are missing are made, all at once. */
  async publicIds(
    domainId: string,
    type: EntityType,
    localIds: readonly string[],
  ): Promise<Map<string, string>> {
    const found = await this.#known(domainId, type, localIds);
    if (localIds.every((id) => found.has(id))) return found;
    return this.#store.transaction(async () => {
      const known = await this.#known(domainId, type, localIds);
      const rows = [...new Set(localIds)]
        .filter((id) => !known.has(id))
        .map((id) => toRow({ domainId, localId: id, type }));
      try {
        for (const some of batches(rows)) await this.#insert(some);
      } catch (error) {
        // Somebody else lists the same, and was first: his are as good.
        if (error instanceof UniqueViolation) throw new TransactionConflict('mapped meanwhile', error);
        throw error;
      }
      for (const row of rows) known.set(row.local_id, row.public_id);
      // That nobody has such an id may be remembered.
      if (rows.length > 0) this.#changes.wrote();
      return known;
    });
  }

  /** @returns how many there were */
  async purge(filter: MappingFilter): Promise<number> {
    let purge = this.#store.db.deleteFrom('id_mapping');
    for (const [column, value] of Object.entries(filter)) {
      purge = purge.where(column as keyof MappingFilter, '=', value);
    }
    const gone = Number((await purge.executeTakeFirst()).numDeletedRows);
    if (gone > 0) this.#changes.revoked();
    return gone;
  }

  /** The public ids of a domain. */
  async ofDomain(domainId: string, type: EntityType): Promise<string[]> {
    const rows = await this.#store.db
      .selectFrom('id_mapping')
      .select('public_id')
      .where('domain_id', '=', domainId)
      .where('entity_type', '=', type)
      .execute();
    return rows.map((row) => row.public_id);
  }

  async #insert(rows: readonly IdMappingRow[]): Promise<void> {
    await this.#store.db
      .insertInto('id_mapping')
      .values([...rows])
      .execute();
  }

  async #known(
    domainId: string,
    type: EntityType,
    localIds: readonly string[],
  ): Promise<Map<string, string>> {
    const known = new Map<string, string>();
    for (const ids of batches(localIds)) {
      const rows = await this.#store.db
        .selectFrom('id_mapping')
        .select(['local_id', 'public_id'])
        .where('domain_id', '=', domainId)
        .where('entity_type', '=', type)
        .where('local_id', 'in', ids)
        .execute();
      for (const row of rows) known.set(row.local_id, row.public_id);
    }
    return known;
  }
}

const toRow = (entity: LocalEntity): IdMappingRow => ({
  public_id: publicIdOf(entity),
  domain_id: entity.domainId,
  local_id: entity.localId,
  entity_type: entity.type,
});
