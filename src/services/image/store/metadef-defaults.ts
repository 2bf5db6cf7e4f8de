import { randomUUID } from 'node:crypto';
import type { Definition } from '../metadefs/definition.ts';
import { readPropertyTypes } from '../model/metadefs/property-type.ts';
import type { ImageStoreDb } from './images.ts';
import { metadefQueries } from './metadef-namespaces.ts';

/** Who owns the standard namespaces upstream: no project, so that the private ones are for administrators. */
const owner = 'admin';

/**
 * Makes the standard namespaces where there are none at all, as `glance-manage db_load_metadefs` does: whole or not
 * at all, and once, whoever starts at the same time.
 *
 * @returns how many were made
 */
export async function loadStandardMetadefs(store: ImageStoreDb): Promise<number> {
  const queries = metadefQueries(store);
  if ((await queries.namespaces.list({ limit: 1 })).length > 0) return 0;
  // Only the first start of a cloud has a use for them.
  const { standardDefinitions } = await import('../metadefs/all.ts');
  return store.transaction(async () => {
    if ((await queries.namespaces.list({ limit: 1 })).length > 0) return 0;
    const made = standardDefinitions.map((definition) => ({ id: randomUUID(), definition }));
    const each = <T>(rows: (id: string, definition: Definition) => T[]): T[] =>
      made.flatMap(({ id, definition }) => rows(id, definition));
    await queries.namespaces.insert(
      made.map(({ id, definition: { namespace, display_name, description, visibility, ...more } }) => ({
        id,
        namespace,
        display_name,
        description,
        visibility: visibility ?? 'private',
        protected: more.protected === true,
        owner,
        ...queries.stamps(),
      })),
    );
    const associations = each((namespace_id, { resource_types = [] }) =>
      resource_types.map(([resource_type, prefix, target]) => ({
        namespace_id,
        resource_type,
        prefix: prefix || null,
        properties_target: target ?? null,
        ...queries.stamps(),
      })),
    );
    await queries.know(
      associations.map(({ resource_type }) => resource_type),
      true,
    );
    await queries.associations.insert(associations);
    await queries.properties.insert(
      each((namespace_id, { properties = {} }) =>
        Object.entries(readPropertyTypes(properties)).map(([name, json_schema]) => ({
          namespace_id,
          name,
          json_schema,
          ...queries.stamps(),
        })),
      ),
    );
    await queries.objects.insert(
      each((namespace_id, { objects = {} }) =>
        Object.entries(objects).map(([name, { description, properties }]) => ({
          namespace_id,
          name,
          description,
          properties: readPropertyTypes(properties),
          ...queries.stamps(),
        })),
      ),
    );
    return made.length;
  });
}
