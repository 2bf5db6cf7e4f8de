import { expressionBuilder } from 'kysely';
import type { Condition } from '../../../platform/store/condition.ts';
import type { Sort } from '../../../platform/store/list.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Database } from '../../../platform/store/schema.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImageStoreDb } from './images.ts';
import {
  type AssociationRow,
  metadefAssociations,
  metadefNamespaces,
  metadefObjects,
  metadefProperties,
  metadefResourceTypes,
  metadefTags,
  type NamespaceRow,
  type ObjectRow,
  type PropertyRow,
  type TagRow,
} from './metadef-tables.ts';
import type { ImageTables } from './tables.ts';

export type MetadefQueries = ReturnType<typeof metadefQueries>;
type NamespaceWhere = Condition<typeof metadefNamespaces>;

/** Everything in some namespaces, oldest first. */
export interface NamespaceContents {
  objects: ObjectRow[];
  properties: PropertyRow[];
  tags: TagRow[];
  associations: AssociationRow[];
}

/**
 * Moments of which each is later than the one before, if only by a microsecond: what is made together, or one after the
 * other, keeps its order.
 */
function clock(): () => string {
  let last = 0;
  return () => {
    last = Math.max(Date.now() * 1000, last + 1);
    const micros = String(last % 1000).padStart(3, '0');
    return `${timestamp(new Date(Math.floor(last / 1000))).slice(0, -4)}${micros}Z`;
  };
}

const oldestFirst = [{ column: 'created_at', direction: 'asc' }] as const;

/** What the image service asks of the tables of metadata definitions. */
export function metadefQueries(store: ImageStoreDb) {
  const namespaces = repository(store, metadefNamespaces);
  const objects = repository(store, metadefObjects);
  const properties = repository(store, metadefProperties);
  const tags = repository(store, metadefTags);
  const associations = repository(store, metadefAssociations);
  const resourceTypes = repository(store, metadefResourceTypes);
  const byName = store.prepared((db, args: { namespace: string }) =>
    db.selectFrom('metadef_namespaces').selectAll().where('namespace', '=', args.namespace),
  );

  const associationsOf = (ids: readonly string[]): Promise<AssociationRow[]> =>
    associations.list({ where: { namespace_id: ids }, sort: oldestFirst });

  const tick = clock();
  const stamps = () => {
    const created_at = tick();
    return { created_at, updated_at: created_at };
  };

  return {
    /** The times of what is made now. */
    stamps,
    namespaces,
    objects,
    properties,
    tags,
    associations,
    resourceTypes,
    get: (namespace: string): Promise<NamespaceRow | undefined> => byName.first({ namespace }),
    list: (query: {
      where: readonly NamespaceWhere[];
      sort: readonly Sort<typeof metadefNamespaces>[];
      after?: NamespaceRow;
      limit: number;
    }): Promise<NamespaceRow[]> => namespaces.list(query),
    associationsOf,
    async contents(namespace_id: string): Promise<NamespaceContents> {
      const of = { where: { namespace_id }, sort: oldestFirst };
      const [ofObjects, ofProperties, ofTags, ofAssociations] = await Promise.all([
        objects.list(of),
        properties.list(of),
        tags.list(of),
        associationsOf([namespace_id]),
      ]);
      return { objects: ofObjects, properties: ofProperties, tags: ofTags, associations: ofAssociations };
    },
    /** Makes types of resources known that are not yet. Inside of a transaction. */
    async know(names: readonly string[], isProtected = false): Promise<void> {
      const known = await resourceTypes.list({ where: { name: names } });
      const unknown = [...new Set(names)].filter((name) => !known.some((each) => each.name === name));
      await resourceTypes.insert(unknown.map((name) => ({ name, protected: isProtected, ...stamps() })));
    },
  };
}

/** Namespaces that describe at least one of these types of resources. */
export function describing(resourceTypes: readonly string[]): NamespaceWhere {
  const from = expressionBuilder<Database<ImageTables>, 'metadef_namespaces'>();
  return {
    expression: from.exists(
      from
        .selectFrom('metadef_associations')
        .select('metadef_associations.namespace_id')
        .whereRef('metadef_associations.namespace_id', '=', 'metadef_namespaces.id')
        .where('metadef_associations.resource_type', 'in', resourceTypes),
    ),
  };
}
