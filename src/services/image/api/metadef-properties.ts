import { Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { readPropertyType } from '../model/metadefs/property-type.ts';
import type { ImageStoreDb } from '../store/images.ts';
import type { MetadefQueries } from '../store/metadef-namespaces.ts';
import type { NamespaceRow, PropertyRow } from '../store/metadef-tables.ts';
import { enforceMetadef, seeNamespace } from './metadef-access.ts';
import { documentedBody, nameOf, onlyTimes, readMetadef } from './metadef-bodies.ts';
import { toPropertyViews } from './metadef-views.ts';

export function metadefPropertyRoutes(store: ImageStoreDb, queries: MetadefQueries): Route[] {
  const { properties, associations, resourceTypes } = queries;

  function readProperty(body: unknown) {
    const given = readMetadef('property', body, onlyTimes);
    const name = nameOf(given['name'], 'property');
    return { name, json_schema: readPropertyType(given, name) };
  }

  async function propertyOf(namespace: NamespaceRow, name: string): Promise<PropertyRow> {
    const row = name.length <= 80 ? await properties.get({ namespace_id: namespace.id, name }) : undefined;
    if (!row) throw new NotFound(`Could not find property ${name}`);
    return row;
  }

  /** The name without what a type of resource puts before it. @throws NotFound */
  async function withoutPrefix(namespace: NamespaceRow, name: string, resourceType: string) {
    const absent = (what: string) => new NotFound(`The metadata definition ${what} was not found.`);
    if (resourceType.length > 80 || !(await resourceTypes.get(resourceType)))
      throw absent(`resource-type with name=${resourceType},`);
    const found = await associations.get({ namespace_id: namespace.id, resource_type: resourceType });
    if (!found)
      throw absent(
        `resource-type association of resource-type=${resourceType} to namespace=${namespace.namespace},`,
      );
    const { prefix } = found;
    if (!prefix || !name.startsWith(prefix))
      throw new NotFound(
        `Property ${name} does not start with the expected resource type association prefix of '${prefix ?? 'None'}'.`,
      );
    return name.slice(prefix.length);
  }

  async function create(call: Call<unknown>) {
    const given = readProperty(call.body);
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'add_metadef_property', namespace);
      await properties
        .insert({ ...given, namespace_id: namespace.id, ...queries.stamps() })
        .catch((error: unknown) => {
          if (!(error instanceof UniqueViolation)) throw error;
          throw new Conflict(
            `A metadata definition property with name=${given.name} already exists in namespace=${namespace.namespace}.`,
          );
        });
      return answer(201, given.json_schema);
    });
  }

  async function list(call: Call) {
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_properties', namespace);
    const rows = await properties.list({
      where: { namespace_id: namespace.id },
      sort: [{ column: 'created_at', direction: 'asc' }],
    });
    return { properties: toPropertyViews(rows) };
  }

  async function show(call: Call) {
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_property', namespace);
    let name = call.params['property'] as string;
    const resourceType = call.queryValue('resource_type');
    if (resourceType) {
      enforceMetadef(call, 'get_metadef_resource_type', namespace);
      name = await withoutPrefix(namespace, name, resourceType);
    }
    const row = await propertyOf(namespace, name);
    return { ...row.json_schema, name: row.name };
  }

  async function update(call: Call<unknown>) {
    const given = readProperty(call.body);
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'modify_metadef_property', namespace);
      const { namespace_id, name } = await propertyOf(namespace, call.params['property'] as string);
      await properties
        .update({ namespace_id, name }, { ...given, updated_at: timestamp() })
        .catch((error: unknown) => {
          if (!(error instanceof UniqueViolation)) throw error;
          throw new Conflict(
            `Invalid update. It would result in a duplicate metadata definition property with the same name=${given.name} in namespace=${namespace.namespace}.`,
          );
        });
      return given.json_schema;
    });
  }

  const remove = (call: Call) =>
    store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'remove_metadef_property', namespace);
      const { namespace_id, name } = await propertyOf(namespace, call.params['property'] as string);
      if (namespace.protected)
        throw new Forbidden(`Metadata definition property ${name} is protected and cannot be deleted.`);
      await properties.delete({ namespace_id, name });
    });

  const path = '/metadefs/namespaces/:namespace/properties';
  const item = `${path}/:property`;
  const documented = documentedBody('property');
  return [
    route({ method: 'POST', path, summary: 'Create a property in a namespace', documented, handler: create }),
    route({ method: 'GET', path, summary: "List a namespace's properties", handler: list }),
    route({ method: 'GET', path: item, summary: 'Show a property of a namespace', handler: show }),
    route({ method: 'PUT', path: item, summary: 'Update a property', documented, handler: update }),
    route({ method: 'DELETE', path: item, summary: 'Delete a property', handler: remove }),
  ];
}
