import { SqlWriter, type Where, whereSql } from './condition.ts';
import { ValueRefused } from './errors.ts';
import type { AnyStore } from './store.ts';
import type { ColumnName, Row, Table } from './table.ts';

export interface Sort<T extends Table> {
  column: ColumnName<T>;
  direction: 'asc' | 'desc';
}

export interface ListOptions<T extends Table> {
  where?: Where<T>;
  /** Most significant first. The primary key always follows, so that the order is complete. */
  sort?: readonly Sort<T>[];
  /** The last row of the page before (its sort columns and primary key are enough). */
  after?: Partial<Row<T>>;
  /** The first row of the page after: gives the page that ends before it, in the same order. */
  before?: Partial<Row<T>>;
  limit?: number;
}

interface Key {
  id: string;
  name: string;
  nullable: boolean;
  descending: boolean;
}

/**
 * A page of rows. Pages are cut by key: the next one begins after a row, whatever was added or deleted since, and
 * costs the same however far it is. Null sorts before every value (last when descending) on all databases.
 *
 * @throws ValueRefused for a column that is not there or cannot be sorted by, or an `after` row without its keys
 */
export async function listRows<T extends Table>(
  store: AnyStore,
  table: T,
  options: ListOptions<T> = {},
): Promise<Row<T>[]> {
  const { where = [], after, before, limit } = options;
  if (after && before) throw new ValueRefused('a page is after a row or before one, not both');
  const out = new SqlWriter(store.dialect);
  const keys = sortKeys(out, table, options.sort ?? [], before !== undefined);
  const conditions = [whereSql(out, store, table, where)];
  const marker = after ?? before;
  if (marker) conditions.push(following(out, table, keys, marker));
  const order = keys.map(({ id, nullable, descending }) => {
    // PostgreSQL alone thinks of null as the largest.
    const nulls = nullable && store.dialect === 'postgres' ? ` NULLS ${descending ? 'LAST' : 'FIRST'}` : '';
    return `${id}${descending ? ' DESC' : ''}${nulls}`;
  });
  const columns = Object.keys(table.columns).map((name) => out.id(name));
  // SQLite plans by a bare parameter's value, and plans anew at every call: longer work than most pages are.
  const cut = store.dialect === 'sqlite' ? ' LIMIT 0 + ' : ' LIMIT ';
  const text = `SELECT ${columns.join(', ')} FROM ${out.id(table.name)} WHERE ${conditions.join(' AND ')} ORDER BY ${order.join(', ')}${
    limit === undefined ? '' : cut + out.value(limit)
  }`;
  const { rows } = await store.run({ sql: text, params: out.params, reads: true });
  return (before ? rows.toReversed() : rows) as Row<T>[];
}

function sortKeys<T extends Table>(
  out: SqlWriter,
  table: T,
  sort: readonly Sort<T>[],
  backwards: boolean,
): Key[] {
  const keys = new Map<string, Key>();
  const last = sort.at(-1)?.direction ?? 'asc';
  const rest = table.primaryKey.map((column) => ({ column, direction: last }));
  for (const { column: name, direction } of [...sort, ...rest]) {
    const column = table.columns[name];
    if (!column || column.kind === 'json')
      throw new ValueRefused(`${table.name} cannot be sorted by ${name}`);
    if (keys.has(name)) continue;
    const id = `${out.id(table.name)}.${out.id(name)}`;
    keys.set(name, { id, name, nullable: column.nullable, descending: (direction === 'desc') !== backwards });
  }
  return [...keys.values()];
}

/** "Comes after the marker in this order", as SQL. */
function following(out: SqlWriter, table: Table, keys: readonly Key[], marker: object): string {
  const valueOf = ({ name }: Key): unknown => {
    const value = (marker as Record<string, unknown>)[name];
    if (value === undefined) throw new ValueRefused(`the marker of ${table.name} has no ${name}`);
    return value;
  };
  const beyond = (key: Key): string => {
    const value = valueOf(key);
    if (value === null) return key.descending ? '1 = 0' : `${key.id} IS NOT NULL`;
    const further = `${key.id} ${key.descending ? '<' : '>'} ${out.value(value)}`;
    return key.nullable && key.descending ? `(${further} OR ${key.id} IS NULL)` : further;
  };
  const same = (key: Key): string => {
    const value = valueOf(key);
    return value === null ? `${key.id} IS NULL` : `${key.id} = ${out.value(value)}`;
  };
  const nested = (i: number): string => {
    const key = keys[i] as Key;
    if (i === keys.length - 1) return beyond(key);
    return `(${beyond(key)} OR (${same(key)} AND ${nested(i + 1)}))`;
  };
  // The alternatives alone would make databases scan: a bound on the first key lets them begin in its index.
  const [first] = keys;
  const bounded = first && keys.length > 1 && !first.nullable;
  const bound = bounded
    ? `${first.id} ${first.descending ? '<=' : '>='} ${out.value(valueOf(first))} AND `
    : '';
  return bound + nested(0);
}
