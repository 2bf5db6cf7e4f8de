import { randomUUID } from 'node:crypto';
import { Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Condition } from '../../../platform/store/condition.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { withPrefix } from '../model/metadefs/prefix.ts';
import { type PropertyTypes, readPropertyTypes } from '../model/metadefs/property-type.ts';
import type { ImageStoreDb } from '../store/images.ts';
import { describing, type MetadefQueries } from '../store/metadef-namespaces.ts';
import { metadefNamespaces, type NamespaceRow } from '../store/metadef-tables.ts';
import { isAdmin } from './access.ts';
import { queryWithout } from './image-list.ts';
import { enforceMetadef, metadefTarget, seeNamespace } from './metadef-access.ts';
import {
  documentedBody,
  firstTwice,
  type NewAssociation,
  type NewObject,
  nameOf,
  onlyOurs,
  readAssociation,
  readMetadef,
  readObject,
  readTag,
} from './metadef-bodies.ts';
import { defaultLimit, limitOf, sortOf, visibilityOf } from './metadef-list.ts';
import {
  type Contents,
  namespacePath,
  toAssociationView,
  toNamespaceView,
  toObjectView,
  toPropertyViews,
} from './metadef-views.ts';

const visibilities = ['public', 'private'] as const;

export function metadefNamespaceRoutes(store: ImageStoreDb, queries: MetadefQueries): Route[] {
  async function create(call: Call<unknown>) {
    const given = readNamespace(call.body);
    enforceMetadef(call, 'add_metadef_namespace');
    if (given.associations.length > 0) enforceMetadef(call, 'add_metadef_resource_type_association');
    if (given.objects.length > 0) enforceMetadef(call, 'add_metadef_object');
    if (Object.keys(given.properties).length > 0) enforceMetadef(call, 'add_metadef_property');
    if (given.tags.length > 0) enforceMetadef(call, 'add_metadef_tag');
    const row: NamespaceRow = {
      ...given.row,
      id: randomUUID(),
      owner: given.row.owner ?? call.credentials.projectId ?? null,
      ...queries.stamps(),
    };
    await store
      .transaction(async () => {
        await queries.namespaces.insert(row);
        await insertContents(queries, row.id, given);
      })
      .catch((error: unknown) => {
        if (!(error instanceof UniqueViolation)) throw error;
        throw new Conflict(`The metadata definition namespace=${row.namespace} already exists.`);
      });
    // Answered as it was given: without times, and with what is in objects only where it was said.
    const view = toNamespaceView(row, {
      ...(given.associations.length > 0 ? { resource_type_associations: given.associations.map(plain) } : {}),
      ...(given.objects.length > 0 ? { objects: given.objects.map(plain) } : {}),
      ...(Object.keys(given.properties).length > 0 ? { properties: given.properties } : {}),
      ...(given.tags.length > 0 ? { tags: given.tags.map((name) => ({ name })) } : {}),
    });
    return answer(201, view, { location: `${call.origin}${encodeURI(namespacePath(row.namespace))}` });
  }

  async function list(call: Call) {
    const limit = limitOf(call, defaultLimit) as number;
    const visibility = visibilityOf(call, visibilities);
    const sort = sortOf(call, metadefNamespaces);
    enforceMetadef(call, 'get_metadef_namespaces');
    enforceMetadef(call, 'list_metadef_resource_types');
    const marker = call.queryValue('marker');
    const after = marker ? await seeNamespace(call, queries, marker) : undefined;
    const where: Condition<typeof metadefNamespaces>[] = [];
    if (!isAdmin(call)) {
      const { projectId } = call.credentials;
      where.push({
        any: [
          [{ column: 'visibility', op: 'eq', value: 'public' }],
          ...(projectId === undefined ? [] : [[{ column: 'owner', op: 'eq', value: projectId } as const]]),
        ],
      });
    }
    if (visibility) where.push({ column: 'visibility', op: 'eq', value: visibility as 'public' });
    const resourceTypes = call.queryValue('resource_types');
    if (resourceTypes !== undefined) where.push(describing(resourceTypes.split(',')));
    const found = limit === 0 ? [] : await queries.list({ where, sort, limit, ...(after ? { after } : {}) });
    const rows = found.filter((row) => call.can('get_metadef_namespace', metadefTarget(call, row)));
    const associations = rows.length === 0 ? [] : await queries.associationsOf(rows.map(({ id }) => id));
    const query = queryWithout(call, 'marker');
    const first = query.size > 0 ? `/v2/metadefs/namespaces?${query}` : '/v2/metadefs/namespaces';
    // The page goes on where the last row was found, whether or not policy lets this caller see it.
    const last = found.length === limit ? found.at(-1) : undefined;
    if (last) query.append('marker', last.namespace);
    return {
      namespaces: rows.map((row) => {
        const own = associations.filter(({ namespace_id }) => namespace_id === row.id);
        return toNamespaceView(
          row,
          own.length > 0 ? { resource_type_associations: own.map(toAssociationView) } : {},
        );
      }),
      first,
      ...(last ? { next: `/v2/metadefs/namespaces?${query}` } : {}),
      schema: '/v2/schemas/metadefs/namespaces',
    };
  }

  async function show(call: Call) {
    visibilityOf(call, visibilities);
    const asked = call.params['namespace'] as string;
    const absent = `Metadata definition namespace=${asked} was not found.`;
    const row = await seeNamespace(call, queries, asked, absent);
    enforceMetadef(call, 'get_metadef_namespace', row);
    for (const rule of [
      'list_metadef_resource_types',
      'get_metadef_objects',
      'get_metadef_properties',
      'get_metadef_tags',
    ])
      enforceMetadef(call, rule, row);
    const { objects, properties, tags, associations } = await queries.contents(row.id);
    let contents: Contents = {
      ...(objects.length > 0 ? { objects: objects.map((each) => toObjectView(row.namespace, each)) } : {}),
      ...(associations.length > 0 ? { resource_type_associations: associations.map(toAssociationView) } : {}),
      ...(properties.length > 0 ? { properties: toPropertyViews(properties) } : {}),
      ...(tags.length > 0 ? { tags: tags.map((tag) => ({ name: tag.name })) } : {}),
    };
    const wanted = call.queryValue('resource_type');
    const prefix = associations.find(({ resource_type }) => resource_type === wanted)?.prefix;
    if (prefix) contents = withPrefix(contents, prefix);
    return toNamespaceView(row, contents);
  }

  async function update(call: Call<unknown>) {
    const given = readNamespace(call.body).row;
    return store
      .transaction(async () => {
        const row = await seeNamespace(call, queries);
        enforceMetadef(call, 'modify_metadef_namespace', row);
        const changes = {
          ...given,
          owner: given.owner ?? call.credentials.projectId ?? null,
          updated_at: timestamp(),
        };
        await queries.namespaces.update({ id: row.id }, changes);
        return toNamespaceView({ ...row, ...changes });
      })
      .catch((error: unknown) => {
        if (!(error instanceof UniqueViolation)) throw error;
        throw new Conflict(
          `Invalid update. It would result in a duplicate metadata definition namespace with the same name of ${given.namespace}`,
        );
      });
  }

  /** Deletes what a namespace is or has. @throws Forbidden where the namespace is protected */
  const remove =
    (rules: readonly string[], deleted: (row: NamespaceRow) => Promise<unknown>) => (call: Call) =>
      store.transaction(async () => {
        const row = await seeNamespace(call, queries);
        for (const rule of rules) enforceMetadef(call, rule, row);
        if (row.protected)
          throw new Forbidden(
            `Metadata definition namespace ${row.namespace} is protected and cannot be deleted.`,
          );
        await deleted(row);
      });

  const path = '/metadefs/namespaces';
  const item = `${path}/:namespace`;
  return [
    route({
      method: 'POST',
      path,
      summary: 'Create a namespace of metadata definitions',
      documented: documentedBody('namespace'),
      handler: create,
    }),
    route({ method: 'GET', path, summary: 'List namespaces of metadata definitions', handler: list }),
    route({ method: 'GET', path: item, summary: 'Show a namespace with all that is in it', handler: show }),
    route({
      method: 'PUT',
      path: item,
      summary: 'Update a namespace',
      documented: documentedBody('namespace'),
      handler: update,
    }),
    route({
      method: 'DELETE',
      path: item,
      summary: 'Delete a namespace and all that is in it',
      handler: remove(['delete_metadef_namespace'], ({ id }) => queries.namespaces.delete({ id })),
    }),
    route({
      method: 'DELETE',
      path: `${item}/objects`,
      summary: "Delete all of a namespace's objects",
      handler: remove(['delete_metadef_namespace'], ({ id }) => queries.objects.delete({ namespace_id: id })),
    }),
    route({
      method: 'DELETE',
      path: `${item}/properties`,
      summary: "Delete all of a namespace's properties",
      handler: remove(['delete_metadef_namespace'], ({ id }) =>
        queries.properties.delete({ namespace_id: id }),
      ),
    }),
    route({
      method: 'DELETE',
      path: `${item}/tags`,
      summary: "Delete all of a namespace's tags",
      handler: remove(['delete_metadef_namespace', 'delete_metadef_tags'], ({ id }) =>
        queries.tags.delete({ namespace_id: id }),
      ),
    }),
  ];
}

const plain = (given: object) => ({ ...given });

interface NewContents {
  associations: NewAssociation[];
  objects: NewObject[];
  properties: PropertyTypes;
  tags: string[];
}

type Given = Pick<
  NamespaceRow,
  'namespace' | 'display_name' | 'description' | 'visibility' | 'protected' | 'owner'
>;

/** @throws BadRequest, Forbidden, and Conflict where something is in the namespace twice */
function readNamespace(body: unknown): NewContents & { row: Given } {
  const said = readMetadef('namespace', body, onlyOurs);
  const each = <T>(name: string, read: (item: Record<string, unknown>) => T): T[] =>
    ((said[name] ?? []) as Record<string, unknown>[]).map(read);
  const namespace = nameOf(said['namespace'], 'namespace');
  const associations = each('resource_type_associations', readAssociation);
  const objects = each('objects', readObject);
  const tags = each('tags', readTag);
  refuseTwice(
    associations.map(({ name }) => name),
    'resource-type association',
    namespace,
  );
  refuseTwice(
    objects.map(({ name }) => name),
    'object',
    namespace,
  );
  refuseTwice(tags, 'tag', namespace);
  return {
    row: {
      namespace,
      display_name: (said['display_name'] ?? null) as string | null,
      description: (said['description'] ?? null) as string | null,
      visibility: (said['visibility'] ?? 'private') as NamespaceRow['visibility'],
      protected: said['protected'] === true,
      owner: (said['owner'] || null) as string | null,
    },
    associations,
    objects,
    properties: readPropertyTypes((said['properties'] ?? {}) as object),
    tags,
  };
}

function refuseTwice(names: readonly string[], what: string, namespace: string): void {
  const twice = firstTwice(names);
  if (twice !== undefined)
    throw new Conflict(
      `A metadata definition ${what} with name=${twice} already exists in namespace=${namespace}.`,
    );
}

async function insertContents(
  queries: MetadefQueries,
  namespace_id: string,
  { associations, objects, properties, tags }: NewContents,
): Promise<void> {
  if (associations.length > 0) await queries.know(associations.map(({ name }) => name));
  await queries.associations.insert(
    associations.map(({ name, ...more }) => ({
      namespace_id,
      resource_type: name,
      ...more,
      ...queries.stamps(),
    })),
  );
  await queries.objects.insert(objects.map((each) => ({ namespace_id, ...each, ...queries.stamps() })));
  await queries.tags.insert(tags.map((name) => ({ namespace_id, name, ...queries.stamps() })));
  await queries.properties.insert(
    Object.entries(properties).map(([name, json_schema]) => ({
      namespace_id,
      name,
      json_schema,
      ...queries.stamps(),
    })),
  );
}
