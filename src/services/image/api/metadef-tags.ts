import { BadRequest, Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { parseBoolean } from '../../../platform/resource/list-query.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImageStoreDb } from '../store/images.ts';
import type { MetadefQueries } from '../store/metadef-namespaces.ts';
import { metadefTags, type NamespaceRow, type TagRow } from '../store/metadef-tables.ts';
import { enforceMetadef, seeNamespace } from './metadef-access.ts';
import {
  assertMetadef,
  documentedBody,
  firstTwice,
  nameOf,
  onlyTimes,
  readMetadef,
  readTag,
} from './metadef-bodies.ts';
import { limitOf, sortOf, visibilityOf } from './metadef-list.ts';
import { toTagView } from './metadef-views.ts';

const thereAlready = (name: string, { namespace }: NamespaceRow) =>
  new Conflict(
    `A metadata tag with name=${name} already exists in namespace=${namespace}. (Please note that metadata tag names are case insensitive).`,
  );

export function metadefTagRoutes(store: ImageStoreDb, queries: MetadefQueries): Route[] {
  const { tags } = queries;

  async function tagOf(namespace: NamespaceRow, name: string): Promise<TagRow> {
    const row = name.length <= 80 ? await tags.get({ namespace_id: namespace.id, name }) : undefined;
    if (!row) throw new NotFound(`Could not find metadata tag ${name}`);
    return row;
  }

  const create = (call: Call) =>
    store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      const name = call.params['tag'] as string;
      assertMetadef('tag', { name });
      enforceMetadef(call, 'add_metadef_tag', namespace);
      const row = { namespace_id: namespace.id, name, ...queries.stamps() };
      await tags.insert(row).catch((error: unknown) => {
        throw error instanceof UniqueViolation ? thereAlready(name, namespace) : error;
      });
      return answer(201, toTagView(row));
    });

  /** Puts tags in the place of those there are; with `X-Openstack-Append: true` beside them. */
  async function createAll(call: Call<unknown>) {
    const body = readMetadef('tags', call.body, onlyTimes);
    if (!Array.isArray(body['tags'])) throw new BadRequest("'tags' is a required property");
    const names = body['tags'].map(({ name }: { name: unknown }) => nameOf(name, 'tag'));
    const append = parseBoolean(String(call.headers['x-openstack-append'] ?? '')) === true;
    await store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'add_metadef_tags', namespace);
      // As upstream: no tags in place of others is no change.
      if (names.length === 0) return;
      const namespace_id = namespace.id;
      const twice = firstTwice(names);
      if (twice !== undefined) throw thereAlready(twice, namespace);
      if (append) {
        const [same] = await tags.list({ where: { namespace_id, name: names }, limit: 1 });
        if (same) throw thereAlready(same.name, namespace);
      } else await tags.delete({ namespace_id });
      await tags.insert(names.map((name) => ({ namespace_id, name, ...queries.stamps() })));
    });
    return answer(201, { tags: names.map((name) => ({ name })) });
  }

  async function list(call: Call) {
    visibilityOf(call, ['public', 'private', 'shared']);
    const sort = sortOf(call, metadefTags);
    const limit = limitOf(call, undefined);
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_tags', namespace);
    const marker = call.queryValue('marker');
    const after = marker ? await tagOf(namespace, marker) : undefined;
    const rows =
      limit === 0
        ? []
        : await tags.list({
            where: { namespace_id: namespace.id },
            sort,
            ...(limit === undefined ? {} : { limit }),
            ...(after ? { after } : {}),
          });
    return { tags: rows.map(({ name }) => ({ name })) };
  }

  async function show(call: Call) {
    const namespace = await seeNamespace(call, queries);
    enforceMetadef(call, 'get_metadef_tag', namespace);
    return toTagView(await tagOf(namespace, call.params['tag'] as string));
  }

  async function update(call: Call<unknown>) {
    const name = readTag(readMetadef('tag', call.body, onlyTimes));
    return store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'modify_metadef_tag', namespace);
      const row = await tagOf(namespace, call.params['tag'] as string);
      const updated_at = timestamp();
      await tags
        .update({ namespace_id: row.namespace_id, name: row.name }, { name, updated_at })
        .catch((error: unknown) => {
          throw error instanceof UniqueViolation ? thereAlready(name, namespace) : error;
        });
      return toTagView({ ...row, name, updated_at });
    });
  }

  const remove = (call: Call) =>
    store.transaction(async () => {
      const namespace = await seeNamespace(call, queries);
      enforceMetadef(call, 'delete_metadef_tag', namespace);
      const { namespace_id, name } = await tagOf(namespace, call.params['tag'] as string);
      if (namespace.protected)
        throw new Forbidden(`Metadata definition tag ${name} is protected and cannot be deleted.`);
      await tags.delete({ namespace_id, name });
    });

  const path = '/metadefs/namespaces/:namespace/tags';
  const item = `${path}/:tag`;
  return [
    route({
      method: 'POST',
      path,
      summary: "Create a namespace's tags",
      documented: documentedBody('tags'),
      handler: createAll,
    }),
    route({ method: 'GET', path, summary: "List a namespace's tags", handler: list }),
    route({ method: 'POST', path: item, summary: 'Create a tag in a namespace', handler: create }),
    route({ method: 'GET', path: item, summary: 'Show a tag of a namespace', handler: show }),
    route({
      method: 'PUT',
      path: item,
      summary: 'Rename a tag',
      documented: documentedBody('tag'),
      handler: update,
    }),
    route({ method: 'DELETE', path: item, summary: 'Delete a tag', handler: remove }),
  ];
}
