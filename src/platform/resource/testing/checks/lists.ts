import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Attribute, Filter } from '../../attribute.ts';
import type { View } from '../../style.ts';
import { type Subject, said } from '../subject.ts';
import type { Case, Check } from './case.ts';

/** More rows than any test makes. */
const mostRows = 2000;

/** Every page, until there are no more. */
async function pages(subject: Subject, query: string, limit = 1): Promise<View[]> {
  const all: View[] = [];
  for (let marker = ''; all.length < mostRows; ) {
    const page = await subject.list(`?limit=${limit}${query}${marker}`);
    assert.ok(page.length <= limit, `a page of ${limit} has ${page.length}`);
    const last = page.at(-1);
    if (!last) return all;
    all.push(...page);
    marker = `&marker=${encodeURIComponent(String(last[subject.key]))}`;
  }
  throw new assert.AssertionError({ message: `pages do not end within ${mostRows} rows` });
}

const paging = (subject: Subject): Case[] => {
  const { attributes, style } = subject.resource;
  const sortable = Object.entries(attributes).filter(
    ([, { sort }]) => sort && style.reserved.has('sort_key'),
  );
  const complete = (all: View[], ids: unknown[]) => {
    const seen = all.map((each) => each[subject.key]);
    assert.equal(new Set(seen).size, seen.length, 'something is on two pages');
    for (const id of ids) assert.ok(seen.includes(id), `${String(id)} is on no page`);
  };
  const three = async () => [await subject.make(), await subject.make(), await subject.make()];
  return [
    {
      says: 'is listed in pages that are complete and stay so',
      async run() {
        const ids = (await three()).map((each) => each[subject.key]);
        const [first, again] = [await pages(subject, ''), await pages(subject, '')];
        complete(first, ids);
        assert.deepEqual(first, again);
        assert.deepEqual(first, await subject.list());
      },
    },
    ...sortable.map(([name]) => ({
      says: `is listed by ${name} in complete pages, up and down`,
      async run() {
        const ids = (await three()).map((each) => each[subject.key]);
        for (const direction of ['asc', 'desc'] as const) {
          const query = `&sort_key=${encodeURIComponent(name)}&sort_dir=${direction}`;
          const all = await pages(subject, query, 3);
          complete(all, ids);
          assertOrdered(
            all.map((each) => each[name]),
            direction,
          );
        }
      },
    })),
    {
      says: 'refuses a marker that is not there',
      async run() {
        const answered = await subject.ask('GET', `${subject.path}?marker=${randomUUID()}`);
        assert.ok([400, 404].includes(answered.status), said(answered));
      },
    },
    {
      says: 'refuses what is no text in a query or a path',
      async run() {
        for (const path of [`${subject.path}?name=a%00b`, subject.item('a\0b')]) {
          assert.equal((await subject.ask('GET', path)).status, 400, path);
        }
      },
    },
    {
      says: 'refuses a limit that is no number',
      async run() {
        for (const limit of ['x', '-1', '1.5']) {
          const answered = await subject.ask('GET', `${subject.path}?limit=${limit}`);
          assert.equal(answered.status, 400, `limit=${limit}: ${said(answered)}`);
        }
      },
    },
    ...(style.reserved.has('sort_key') && sortable.length > 0
      ? [
          {
            says: 'refuses to sort by what it does not have',
            async run() {
              const answered = await subject.ask('GET', `${subject.path}?sort_key=no_such`);
              assert.equal(answered.status, 400, said(answered));
            },
          },
        ]
      : []),
    ...(style.reserved.has('fields')
      ? [
          {
            says: 'shows only the fields that are asked for',
            async run() {
              const made = await subject.make();
              for (const each of await subject.list(`?fields=${subject.key}`)) {
                assert.deepEqual(Object.keys(each), [subject.key]);
              }
              const shown = await subject.ask(
                'GET',
                `${subject.item(made[subject.key])}?fields=${subject.key}`,
              );
              assert.deepEqual(shown.body[subject.resource.names.one], { [subject.key]: made[subject.key] });
            },
          },
        ]
      : []),
  ];
};

/** Plain values only: what is not shown, or is shown otherwise than stored, has an order of its own. */
function assertOrdered(values: unknown[], direction: 'asc' | 'desc'): void {
  const plain = values.filter((value) => typeof value === 'number' || typeof value === 'string');
  if (new Set(plain.map((value) => typeof value)).size !== 1) return;
  const ordered = plain.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  assert.deepEqual(plain, direction === 'asc' ? ordered : ordered.reverse());
}

const filtersOf = ({ filter }: Attribute): readonly Filter[] =>
  !filter ? [] : filter === true ? [{}] : Array.isArray(filter) ? filter : [filter as Filter];

const filters = (subject: Subject): Case[] =>
  Object.entries(subject.resource.attributes).flatMap(([name, attribute]) =>
    filtersOf(attribute).map(({ param = name, op = 'eq' }) => ({
      says: `is found by ${param}`,
      async run() {
        // Beside one with the usual value there is one with another where that can be.
        const settable = subject.tried('create').some(([each]) => each === name);
        const other = settable
          ? await subject.make({
              ...(await subject.tests.beside?.[name]?.()),
              [name]: await subject.value(name, 'create'),
            })
          : await subject.make();
        const made = await subject.make();
        for (const each of [made, other]) {
          const value = each[name];
          if (value === null || value === undefined || typeof value === 'object') continue;
          const found = await subject.list(
            `?${encodeURIComponent(param)}=${encodeURIComponent(String(value))}`,
          );
          const ids = found.map((view) => view[subject.key]);
          assert.ok(ids.includes(each[subject.key]), `${param}=${String(value)} does not find its own`);
          if (op !== 'eq') continue;
          for (const view of found) assert.deepEqual(view[name], value, `${param}=${String(value)}`);
        }
        if (typeof made[name] !== 'string' || op !== 'eq') return;
        const nothing = await subject.ask(
          'GET',
          `${subject.listPath}?${encodeURIComponent(param)}=${randomUUID()}`,
        );
        if (nothing.status !== 400) assert.deepEqual(nothing.body[subject.resource.names.many], []);
      },
    })),
  );

const unknown = (subject: Subject): Case[] => {
  const { unknownFilters } = subject.resource.style;
  if (typeof unknownFilters === 'function') return [];
  return [
    {
      says: `${unknownFilters}s a filter that it does not have`,
      async run() {
        const answered = await subject.ask('GET', `${subject.path}?no_such=1`);
        assert.equal(answered.status, unknownFilters === 'refuse' ? 400 : 200, said(answered));
      },
    },
  ];
};

/** What a list holds, in which order, and what it refuses. */
export const listChecks: Check = (subject) =>
  subject.has('list')
    ? [...unknown(subject), ...(subject.has('create') ? [...paging(subject), ...filters(subject)] : [])]
    : [];
