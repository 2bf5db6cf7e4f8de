import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as fc from 'fast-check';
import { expressionBuilder } from 'kysely';
import type { Condition } from './condition.ts';
import { ValueRefused } from './errors.ts';
import { listRows, type Sort } from './list.ts';
import { repository } from './repository.ts';
import { defineSchema } from './schema.ts';
import type { Store } from './store.ts';
import { boolean, integer, json, type Row, real, table, text } from './table.ts';
import { forEachDatabase } from './testing/databases.ts';

const ports = table(
  'ports',
  {
    network_id: text({ length: 36 }),
    id: integer(),
    name: text({ length: 255, nullable: true }),
    mtu: integer({ nullable: true }),
    weight: real(),
    admin_state_up: boolean(),
    tags: json<string[]>({ nullable: true }),
  },
  { primaryKey: ['network_id', 'id'], indexes: [['name', 'network_id', 'id']] },
);
const grants = table(
  'grants',
  { port_id: integer(), project_id: text({ length: 64 }) },
  { primaryKey: ['port_id', 'project_id'] },
);
const schema = defineSchema('network', {
  tables: { ports, grants },
  migrations: [{ name: 'ports', up: async (m) => [await m.createTable(ports), await m.createTable(grants)] }],
});
type Port = Row<typeof ports>;

const sortable = ['network_id', 'id', 'name', 'mtu', 'weight', 'admin_state_up'] as const;
const port = fc
  .record<Port>({
    network_id: fc.constantFrom('a', 'B', 'b'),
    id: fc.integer({ min: 0, max: 30 }),
    name: fc.oneof(
      fc.constant(null),
      fc.constantFrom('', 'a', 'A', 'b', 'a ', 'é', 'ｚ', '🚀', '%', '_', 'a_b', 'a\\b'),
    ),
    mtu: fc.oneof(fc.constant(null), fc.integer({ min: -2, max: 2 })),
    weight: fc.constantFrom(-0.5, 0, 1.25),
    admin_state_up: fc.boolean(),
    tags: fc.constant(null),
  })
  .map((row) => ({ ...row }));
const portList = fc.uniqueArray(port, { selector: (each) => `${each.network_id} ${each.id}`, maxLength: 25 });
const sorts = fc.uniqueArray(
  fc.record({
    column: fc.constantFrom(...sortable),
    direction: fc.constantFrom('asc' as const, 'desc' as const),
  }),
  { selector: (each) => each.column, maxLength: 4 },
);

const compare = (a: unknown, b: unknown): number => {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(String(b)));
  return Number(a) - Number(b);
};

/** The order that lists promise: null first, text by code points, then the primary key in the last direction. */
function inOrder(rows: readonly Port[], sort: readonly Sort<typeof ports>[]): Port[] {
  const last = sort.at(-1)?.direction ?? 'asc';
  const keys = [
    ...sort,
    { column: 'network_id', direction: last },
    { column: 'id', direction: last },
  ] as const;
  return rows.toSorted((a, b) => {
    for (const { column, direction } of keys) {
      const order = compare(a[column], b[column]);
      if (order !== 0) return direction === 'desc' ? -order : order;
    }
    return 0;
  });
}

forEachDatabase((name, open) => {
  let store: Store<(typeof schema)['tables']>;
  const numRuns = name === 'SQLite in memory' ? 300 : 40;

  before(async () => {
    store = await open(schema);
  });
  const fill = async (rows: Port[]) => {
    await store.db.deleteFrom('ports').execute();
    await repository(store, ports).insert(rows);
  };

  test('pages by any sort, forwards and backwards, give each row exactly once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(portList, sorts, fc.integer({ min: 1, max: 7 }), async (rows, sort, limit) => {
        await fill(rows);
        const wanted = inOrder(rows, sort);
        assert.deepEqual(await listRows(store, ports, { sort }), wanted);
        const forwards: Port[] = [];
        for (let after: Port | undefined; ; after = forwards.at(-1)) {
          const page = await listRows(store, ports, { sort, after, limit });
          forwards.push(...page);
          if (page.length < limit) break;
        }
        assert.deepEqual(forwards, wanted);
        const backwards: Port[] = [];
        for (let first = wanted.at(-1); first; ) {
          const page = await listRows(store, ports, { sort, before: first, limit });
          backwards.unshift(...page);
          first = page[0];
        }
        assert.deepEqual(backwards, wanted.slice(0, -1));
      }),
      { numRuns },
    );
  });

  test('conditions mean the same on every database', async () => {
    const names = fc.constantFrom('', 'a', 'A', 'a ', 'é', '%', '_', '\\', 'a_b', '🚀');
    const holds = (row: Port, condition: Condition<typeof ports>): boolean => {
      if ('any' in condition) return condition.any.some((group) => group.every((each) => holds(row, each)));
      if ('expression' in condition) throw new Error('not generated');
      const { column, op } = condition;
      const value = row[column];
      const given = 'value' in condition ? condition.value : undefined;
      const is = (other: unknown) => other === value;
      switch (op) {
        case 'eq':
          return is(given);
        case 'ne':
          return !is(given);
        case 'in':
          return (given as unknown[]).some(is);
        case 'nin':
          return !(given as unknown[]).some(is);
        case 'null':
          return value === null;
        case 'notnull':
          return value !== null;
        default:
      }
      if (value === null) return false;
      switch (op) {
        case 'lt':
          return compare(value, given) < 0;
        case 'gte':
          return compare(value, given) >= 0;
        case 'gt':
          return compare(value, given) > 0;
        case 'lte':
          return compare(value, given) <= 0;
        case 'contains':
          return String(value).includes(String(given));
        case 'startswith':
          return String(value).startsWith(String(given));
        case 'endswith':
          return String(value).endsWith(String(given));
        default:
          throw new Error(op);
      }
    };
    const condition: fc.Arbitrary<Condition<typeof ports>> = fc.oneof(
      fc.record({
        column: fc.constant('name' as const),
        op: fc.constantFrom('lt' as const, 'lte' as const, 'gt' as const, 'gte' as const),
        value: names,
      }),
      fc.record({
        column: fc.constant('name' as const),
        op: fc.constantFrom('contains' as const, 'startswith' as const, 'endswith' as const),
        value: names,
      }),
      fc.record({
        column: fc.constant('name' as const),
        op: fc.constantFrom('eq' as const, 'ne' as const),
        value: fc.option(names),
      }),
      fc.record({
        column: fc.constant('name' as const),
        op: fc.constantFrom('in' as const, 'nin' as const),
        value: fc.array(fc.option(names), { maxLength: 3 }),
      }),
      fc.record({
        column: fc.constant('admin_state_up' as const),
        op: fc.constantFrom('eq' as const, 'ne' as const),
        value: fc.boolean(),
      }),
      fc.record({
        column: fc.constant('mtu' as const),
        op: fc.constantFrom('null' as const, 'notnull' as const),
      }),
    );
    const where = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: condition },
        {
          weight: 1,
          arbitrary: fc.record({ any: fc.array(fc.array(condition, { maxLength: 2 }), { maxLength: 3 }) }),
        },
      ),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(portList, where, async (rows, conditions) => {
        await fill(rows);
        const wanted = inOrder(rows, []).filter((row) => conditions.every((each) => holds(row, each)));
        assert.deepEqual(await listRows(store, ports, { where: conditions }), wanted);
        assert.equal(await repository(store, ports).count(conditions), wanted.length);
      }),
      { numRuns: numRuns * 2 },
    );
  });

  test('an expression of Kysely is a condition like the others', async () => {
    const rows = [1, 2, 3, 4].map(
      (id): Port => ({
        network_id: 'a',
        id,
        name: `p${id}`,
        mtu: id,
        weight: 1,
        admin_state_up: true,
        tags: ['x'],
      }),
    );
    await fill(rows);
    await store.db.deleteFrom('grants').execute();
    await repository(store, grants).insert([
      { port_id: 2, project_id: 'mine' },
      { port_id: 3, project_id: 'yours' },
      { port_id: 4, project_id: 'mine' },
    ]);
    const { db } = store;
    const granted = db
      .selectFrom('grants')
      .select('port_id')
      .whereRef('port_id', '=', db.dynamic.ref('ports.id'))
      .where('project_id', '=', 'mine');
    const found = await listRows(store, ports, {
      where: [
        { column: 'mtu', op: 'lt', value: 4 },
        {
          any: [
            [{ expression: expressionBuilder<object>().exists(granted) }],
            [{ column: 'id', op: 'eq', value: 1 }],
          ],
        },
        { column: 'name', op: 'like', value: 'p_' },
      ],
    });
    assert.deepEqual(found, [rows[0], rows[1]]);
  });

  test('a list by something that cannot be compared is refused', async () => {
    const nothing = 'nothing' as 'name';
    await assert.rejects(
      listRows(store, ports, { sort: [{ column: 'tags', direction: 'asc' }] }),
      ValueRefused,
    );
    await assert.rejects(
      listRows(store, ports, { sort: [{ column: nothing, direction: 'asc' }] }),
      ValueRefused,
    );
    await assert.rejects(listRows(store, ports, { where: [{ column: nothing, op: 'null' }] }), ValueRefused);
    await assert.rejects(listRows(store, ports, { after: { id: 1 } }), ValueRefused);
  });

  test('more rows than one statement takes are inserted all, or not at all', async () => {
    const rows = Array.from(
      { length: 8000 },
      (_, id): Port => ({
        network_id: 'a',
        id,
        name: 'x'.repeat(130),
        mtu: null,
        weight: 0,
        admin_state_up: false,
        tags: [],
      }),
    );
    await fill(rows);
    assert.equal(await repository(store, ports).count(), rows.length);
    const again = rows.map((row) => ({ ...row, network_id: 'b' }));
    await assert.rejects(repository(store, ports).insert([...again, rows[7999] as Port]));
    assert.equal(await repository(store, ports).count(), rows.length);
  });
});
