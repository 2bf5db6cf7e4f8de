import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import { NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { badRequest } from '../model/errors.ts';
import type { NetworkStore } from '../store/tables.ts';
import { assertRevision } from './style.ts';

const Tag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]+$' });
const Tags = Type.Object({ tags: Type.Array(Tag, { maxItems: 50, uniqueItems: true }) });

/** "The row has this tag", by the way that its list of tags is written: first in it or behind a comma. */
function hasTag(table: string, tag: string) {
  const text = JSON.stringify(tag).replaceAll(/[\\%_]/g, '\\$&');
  const column = sql.ref(`${table}.tags`);
  const escape = sql`escape ${'\\'}`;
  return sql<SqlBool>`(${column} like ${`[${text}%`} ${escape} or ${column} like ${`%,${text}%`} ${escape})`;
}

const tagsOf = (values: string[]): string[] =>
  values.flatMap((value) => value.split(',')).filter((tag) => tag !== '');

/** `tags` (all of them), `tags-any`, and the two that exclude. */
export function tagFilters(
  table: string,
): Record<string, (values: string[], call: Call) => readonly Condition[]> {
  const all = (values: string[]) =>
    sql<SqlBool>`(${sql.join(
      tagsOf(values).map((tag) => hasTag(table, tag)),
      sql` and `,
    )})`;
  const any = (values: string[]) =>
    sql<SqlBool>`(${sql.join(
      tagsOf(values).map((tag) => hasTag(table, tag)),
      sql` or `,
    )})`;
  const filter =
    (build: (values: string[]) => ReturnType<typeof all>) =>
    (values: string[]): readonly Condition[] =>
      tagsOf(values).length === 0 ? [] : [{ expression: build(values) }];
  return {
    tags: filter(all),
    'tags-any': filter(any),
    'not-tags': filter((values) => sql<SqlBool>`not ${all(values)}`),
    'not-tags-any': filter((values) => sql<SqlBool>`not ${any(values)}`),
  };
}

interface Tagged {
  tags: string[];
  revision_number: number;
  id: string;
}

/** The tags of a resource as a list of their own: `/v2.0/networks/:id/tags[/:tag]`. */
export function tagRoutes<Row extends object>(
  store: NetworkStore,
  of: {
    one: string;
    many: string;
    table: string;
    find(call: Call, id: string): Promise<Row>;
    target(row: Row, call: Call): object;
  },
): Route[] {
  const path = `/v2.0/${of.many}/:id/tags`;

  async function found(call: Call, verb: 'get' | 'update' | 'delete'): Promise<Tagged> {
    const row = await of.find(call, call.params['id'] as string);
    call.enforce(`${verb}_${of.one}:tags`, of.target(row, call));
    if (verb !== 'get') assertRevision(call, row);
    return row as Tagged;
  }

  async function write(row: Tagged, tags: string[]): Promise<void> {
    if (tags.length > 50) throw badRequest('InvalidInput', 'A resource can have at most 50 tags.');
    const changes = { tags, updated_at: timestamp(), revision_number: row.revision_number + 1 };
    await store.db
      .updateTable(of.table as 'networks')
      .set(changes)
      .where('id', '=', row.id)
      .execute();
  }

  const tagOf = (call: Call): string => call.params['tag'] as string;
  const missing = (tag: string): NotFound =>
    new NotFound(`Tag ${tag} could not be found.`, undefined, { code: 'TagNotFound' });

  return [
    route({
      method: 'GET',
      path,
      summary: `List the tags of a ${of.one}`,
      handler: async (call) => ({ tags: (await found(call, 'get')).tags }),
    }),
    route({
      method: 'GET',
      path: `${path}/:tag`,
      status: 204,
      summary: `Whether a ${of.one} has a tag`,
      handler: async (call) => {
        if (!(await found(call, 'get')).tags.includes(tagOf(call))) throw missing(tagOf(call));
        return answer(204);
      },
    }),
    route({
      method: 'PUT',
      path,
      body: Tags,
      summary: `Replace the tags of a ${of.one}`,
      handler: (call) =>
        store.transaction(async () => {
          const { tags } = call.body;
          await write(await found(call, 'update'), tags);
          return { tags };
        }),
    }),
    route({
      method: 'POST',
      path,
      body: Tags,
      summary: `Add tags to a ${of.one}`,
      handler: (call) =>
        store.transaction(async () => {
          const row = await found(call, 'update');
          const tags = [...new Set([...row.tags, ...call.body.tags])];
          await write(row, tags);
          return { tags };
        }),
    }),
    route({
      method: 'PUT',
      path: `${path}/:tag`,
      summary: `Add a tag to a ${of.one}`,
      handler: (call) =>
        store.transaction(async () => {
          const row = await found(call, 'update');
          const tag = tagOf(call);
          if (tag.length > 60) throw badRequest('InvalidInput', 'A tag can have at most 60 characters.');
          if (!row.tags.includes(tag)) await write(row, [...row.tags, tag]);
          return answer(201);
        }),
    }),
    route({
      method: 'DELETE',
      path,
      summary: `Remove all tags of a ${of.one}`,
      handler: (call) =>
        store.transaction(async () => {
          await write(await found(call, 'delete'), []);
          return answer(204);
        }),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:tag`,
      summary: `Remove a tag of a ${of.one}`,
      handler: (call) =>
        store.transaction(async () => {
          const row = await found(call, 'delete');
          if (!row.tags.includes(tagOf(call))) throw missing(tagOf(call));
          await write(
            row,
            row.tags.filter((tag) => tag !== tagOf(call)),
          );
          return answer(204);
        }),
    }),
  ];
}
