import { BadRequest, Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImageStoreDb } from '../store/images.ts';
import type { MetadefQueries } from '../store/metadef-namespaces.ts';
import type { NamespaceRow, ObjectRow } from '../store/metadef-tables.ts';
import { enforceMetadef, metadefTarget, seeNamespace } from './metadef-access.ts';
import { assertMetadef, documentedBody, onlyOurs, readMetadef, readObject } from './metadef-bodies.ts';
import { directionOf, limitOf, visibilityOf } from './metadef-list.ts';
import { toObjectView } from './metadef-views.ts';

export function metadefObjectRoutes(store: ImageStoreDb, queries: MetadefQueries): Route[] {
  const { objects } = queries;

  async function objectOf(call: Call, namespace: NamespaceRow): Promise<ObjectRow> {
    const name = call.params['object'] as string;
    const row = name.length <= 80 ? await objects.get({ namespace_id: namespace.id, name }) : undefined;
    if (!row) throw new NotFound(`Could not find metadata object ${name}`);
    return row;
  }

  async function create(call: Call<unknown>) {
    const body = readMetadef('object', call.body, onlyOurs);
    for (const each of Object.values((body['properties'] ?? {}) as object))
      assertMetadef('unnamedProperty', each);
    const given = readObject(body);
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'add_metadef_object', namespace);
      const row = { ...given, namespace_id: namespace.id, ...queries.stamps() };
      await objects.insert(row).catch((error: unknown) => {
        if (!(error instanceof UniqueViolation)) throw error;
        throw new Conflict(
          `A metadata definition object with name=${row.name} already exists in namespace=${namespace.namespace}.`,
        );
      });
      return answer(201, toObjectView(namespace.namespace, { description: null, ...row }));
    });
  }

  async function list(call: Call) {
    visibilityOf(call, ['public', 'private', 'shared']);
    directionOf(call);
    // Read and then not used, as upstream: all objects of a namespace are one page.
    if (limitOf(call, undefined) === 0) throw new BadRequest('limit param must be positive');
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_objects', namespace);
    const rows = call.can('get_metadef_object', metadefTarget(call, namespace))
      ? await objects.list({
          where: { namespace_id: namespace.id },
          sort: [{ column: 'created_at', direction: 'asc' }],
        })
      : [];
    return {
      objects: rows.map((row) => toObjectView(namespace.namespace, row)),
      schema: 'v2/schemas/metadefs/objects',
    };
  }

  async function show(call: Call) {
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_object', namespace);
    return toObjectView(namespace.namespace, await objectOf(call, namespace));
  }

  async function update(call: Call<unknown>) {
    const given = readObject(readMetadef('object', call.body, onlyOurs));
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'modify_metadef_object', namespace);
      const { namespace_id, name, created_at } = await objectOf(call, namespace);
      const { description = null, required = [], properties = {} } = given;
      const updated_at = timestamp();
      await objects
        .update({ namespace_id, name }, { name: given.name, description, required, properties, updated_at })
        .catch((error: unknown) => {
          if (!(error instanceof UniqueViolation)) throw error;
          throw new Conflict(
            `Invalid update. It would result in a duplicate metadata definition object with the same name=${given.name} in namespace=${namespace.namespace}.`,
          );
        });
      return toObjectView(namespace.namespace, { ...given, description, created_at, updated_at });
    });
  }

  const remove = (call: Call) =>
    store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'delete_metadef_object', namespace);
      const { namespace_id, name } = await objectOf(call, namespace);
      if (namespace.protected)
        throw new Forbidden(`Metadata definition object ${name} is protected and cannot be deleted.`);
      await objects.delete({ namespace_id, name });
    });

  const path = '/metadefs/namespaces/:namespace/objects';
  const item = `${path}/:object`;
  const documented = documentedBody('object');
  return [
    route({ method: 'POST', path, summary: 'Create an object in a namespace', documented, handler: create }),
    route({ method: 'GET', path, summary: "List a namespace's objects", handler: list }),
    route({ method: 'GET', path: item, summary: 'Show an object of a namespace', handler: show }),
    route({ method: 'PUT', path: item, summary: 'Update an object', documented, handler: update }),
    route({ method: 'DELETE', path: item, summary: 'Delete an object', handler: remove }),
  ];
}
