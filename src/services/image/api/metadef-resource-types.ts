import { Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import type { ImageStoreDb } from '../store/images.ts';
import type { MetadefQueries } from '../store/metadef-namespaces.ts';
import { enforceMetadef, metadefTarget, seeNamespace } from './metadef-access.ts';
import { documentedBody, onlyTimes, readAssociation, readMetadef } from './metadef-bodies.ts';
import { toAssociationView, toResourceTypeView } from './metadef-views.ts';

export function metadefResourceTypeRoutes(store: ImageStoreDb, queries: MetadefQueries): Route[] {
  const { associations, resourceTypes } = queries;

  async function list(call: Call) {
    enforceMetadef(call, 'list_metadef_resource_types');
    const rows = await resourceTypes.list({ sort: [{ column: 'created_at', direction: 'asc' }] });
    return { resource_types: rows.map(toResourceTypeView) };
  }

  async function listOf(call: Call) {
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'list_metadef_resource_types', namespace);
    const rows = call.can('get_metadef_resource_type', metadefTarget(call, namespace))
      ? await queries.associationsOf([namespace.id])
      : [];
    return { resource_type_associations: rows.map(toAssociationView) };
  }

  /** Associates a namespace with a type of resource, which is known from then on. */
  async function create(call: Call<unknown>) {
    const { name, ...more } = readAssociation(readMetadef('resource_type_association', call.body, onlyTimes));
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'add_metadef_resource_type_association', namespace);
      const row = {
        namespace_id: namespace.id,
        resource_type: name,
        prefix: null,
        properties_target: null,
        ...more,
        ...queries.stamps(),
      };
      await queries.know([name]);
      await associations.insert(row).catch((error: unknown) => {
        if (!(error instanceof UniqueViolation)) throw error;
        throw new Conflict(
          `The metadata definition resource-type association of resource-type=${name} to namespace=${namespace.namespace} already exists.`,
        );
      });
      return answer(201, toAssociationView(row));
    });
  }

  const remove = (call: Call) =>
    store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'remove_metadef_resource_type_association', namespace);
      const name = call.params['resource_type'] as string;
      const key = { namespace_id: namespace.id, resource_type: name };
      if (name.length > 80 || !(await associations.get(key)))
        throw new NotFound(`Failed to find resource type ${name} to delete`);
      if (namespace.protected)
        throw new Forbidden(
          `Metadata definition resource-type-association ${name} is protected and cannot be deleted.`,
        );
      await associations.delete(key);
    });

  const path = '/metadefs/namespaces/:namespace/resource_types';
  return [
    route({
      method: 'GET',
      path: '/metadefs/resource_types',
      summary: 'List the types of resources that are described',
      handler: list,
    }),
    route({
      method: 'GET',
      path,
      summary: 'List the types of resources that a namespace describes',
      handler: listOf,
    }),
    route({
      method: 'POST',
      path,
      summary: 'Associate a namespace with a type of resource',
      documented: documentedBody('resource_type_association'),
      handler: create,
    }),
    route({
      method: 'DELETE',
      path: `${path}/:resource_type`,
      summary: 'Associate a namespace with a type of resource no more',
      handler: remove,
    }),
  ];
}
