import { type CompiledQuery, type Expression, type SqlBool, sql } from 'kysely';
import { quoted } from './ddl.ts';
import { type Bound, bind, type Dialect } from './engine.ts';
import { ValueRefused } from './errors.ts';
import type { AnyStore, Store } from './store.ts';
import type { ColumnName, Row, Table } from './table.ts';

/**
 * One thing that must hold of a row. `eq`, `ne`, `in` and `nin` know null as a value (a row without a value is `ne`
 * to any other); the comparisons never hold of null. `like` has `%`, `_` and `\` as escape; `contains`,
 * `startswith` and `endswith` take text as it is. Case matters but to those with an `i` before them.
 */
export type Condition<T extends Table = Table> =
  | { [C in ColumnName<T>]: ColumnCondition<C, Row<T>[C]> }[ColumnName<T>]
  /** At least one group of conditions holds; none is false. */
  | { any: readonly (readonly Condition<T>[])[] }
  /** Anything else, as a Kysely expression over the table: `exists(…)` for rows that are shared with somebody. */
  | { expression: Expression<SqlBool> };

export type ColumnCondition<C extends string, V> =
  | { column: C; op: 'eq' | 'ne'; value: V | null }
  | { column: C; op: 'in' | 'nin'; value: readonly (V | null)[] }
  | { column: C; op: 'lt' | 'lte' | 'gt' | 'gte'; value: NonNullable<V> }
  | { column: C; op: 'like' | 'contains' | 'startswith' | 'endswith'; value: string }
  | { column: C; op: 'iequals' | 'icontains' | 'istartswith' | 'iendswith'; value: string }
  | { column: C; op: 'null' | 'notnull' };

/** Conditions, or the short form for equality: `{ id, generation: 3, deleted_at: null, state: ['BUILD', 'ERROR'] }`. */
export type Where<T extends Table> =
  | readonly Condition<T>[]
  | { readonly [C in ColumnName<T>]?: Row<T>[C] | null | readonly (Row<T>[C] | null)[] };

type AnyCondition =
  | { column: string; op: string; value?: unknown }
  | { any: readonly (readonly AnyCondition[])[] }
  | { expression: Expression<SqlBool> };

/** SQL text and the values in it, written from left to right. */
export class SqlWriter {
  readonly dialect: Dialect;
  readonly params: Bound[] = [];

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  id(name: string): string {
    return quoted(this.dialect, name);
  }

  /** Takes a value and gives its placeholder. */
  value(value: unknown): string {
    this.params.push(bind(value));
    return this.dialect === 'postgres' ? `$${this.params.length}` : '?';
  }
}

/** The conditions as SQL that is true of the rows wanted; `1 = 1` for none. */
export function whereSql<T extends Table>(
  out: SqlWriter,
  store: AnyStore,
  table: T,
  where: Where<T>,
): string {
  const conditions = Array.isArray(where)
    ? (where as readonly AnyCondition[])
    : Object.entries(where).map(
        ([column, value]): AnyCondition =>
          Array.isArray(value) ? { column, op: 'in', value } : { column, op: 'eq', value },
      );
  return allOf(out, store, table, conditions);
}

function allOf(out: SqlWriter, store: AnyStore, table: Table, conditions: readonly AnyCondition[]): string {
  if (conditions.length === 0) return '1 = 1';
  return conditions.map((each) => one(out, store, table, each)).join(' AND ');
}

function one(out: SqlWriter, store: AnyStore, table: Table, condition: AnyCondition): string {
  if ('any' in condition) {
    if (condition.any.length === 0) return '1 = 0';
    return `(${condition.any.map((group) => `(${allOf(out, store, table, group)})`).join(' OR ')})`;
  }
  if ('expression' in condition) return embedded(out, store, condition.expression);
  const { column: name, op, value } = condition;
  const column = table.columns[name];
  if (!column) throw new ValueRefused(`${table.name} has no column ${name}`);
  if (column.kind === 'json' && op !== 'null' && op !== 'notnull')
    throw new ValueRefused(`${table.name}.${name} is json: it cannot be compared`);
  const id = `${out.id(table.name)}.${out.id(name)}`;
  switch (op) {
    case 'null':
      return `${id} IS NULL`;
    case 'notnull':
      return `${id} IS NOT NULL`;
    case 'eq':
      return value === null ? `${id} IS NULL` : `${id} = ${out.value(value)}`;
    case 'ne':
      if (value === null) return `${id} IS NOT NULL`;
      return column.nullable
        ? `(${id} <> ${out.value(value)} OR ${id} IS NULL)`
        : `${id} <> ${out.value(value)}`;
    case 'in':
    case 'nin':
      return membership(out, id, column.nullable, op === 'in', value as readonly unknown[]);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return `${id} ${{ lt: '<', lte: '<=', gt: '>', gte: '>=' }[op]} ${out.value(value)}`;
    case 'like':
      return like(out, id, String(value));
    case 'contains':
      return like(out, id, `%${literally(value)}%`);
    case 'startswith':
      return like(out, id, `${literally(value)}%`);
    case 'endswith':
      return like(out, id, `%${literally(value)}`);
    case 'iequals':
      return like(out, `LOWER(${id})`, literally(value).toLowerCase());
    case 'icontains':
      return like(out, `LOWER(${id})`, `%${literally(value).toLowerCase()}%`);
    case 'istartswith':
      return like(out, `LOWER(${id})`, `${literally(value).toLowerCase()}%`);
    case 'iendswith':
      return like(out, `LOWER(${id})`, `%${literally(value).toLowerCase()}`);
    default:
      throw new ValueRefused(`no such comparison: ${op}`);
  }
}

const literally = (value: unknown): string => String(value).replace(/[\\%_]/g, '\\$&');

const like = (out: SqlWriter, id: string, pattern: string): string =>
  `${id} LIKE ${out.value(pattern)} ESCAPE ${out.value('\\')}`;

function membership(
  out: SqlWriter,
  id: string,
  nullable: boolean,
  wanted: boolean,
  values: readonly unknown[],
): string {
  const present = values.filter((value) => value !== null);
  const withNull = present.length < values.length;
  const list = present.length ? `(${present.map((value) => out.value(value)).join(', ')})` : '';
  if (wanted) {
    if (!list) return withNull ? `${id} IS NULL` : '1 = 0';
    return withNull ? `(${id} IN ${list} OR ${id} IS NULL)` : `${id} IN ${list}`;
  }
  if (!list) return withNull ? `${id} IS NOT NULL` : '1 = 1';
  if (withNull) return `(${id} NOT IN ${list} AND ${id} IS NOT NULL)`;
  return nullable ? `(${id} NOT IN ${list} OR ${id} IS NULL)` : `${id} NOT IN ${list}`;
}

/** Expressions that are used again are compiled once; who builds a new one for each query loses nothing. */
const compiledFor = new WeakMap<AnyStore, WeakMap<Expression<SqlBool>, CompiledQuery>>();

function compile(store: AnyStore, expression: Expression<SqlBool>): CompiledQuery {
  let known = compiledFor.get(store);
  if (!known) compiledFor.set(store, (known = new WeakMap()));
  let compiled = known.get(expression);
  if (!compiled) known.set(expression, (compiled = sql`(${expression})`.compile((store as Store).db)));
  return compiled;
}

function embedded(out: SqlWriter, store: AnyStore, expression: Expression<SqlBool>): string {
  const compiled = compile(store, expression);
  const before = out.params.length;
  for (const value of compiled.parameters) out.params.push(bind(value));
  if (out.dialect !== 'postgres') return compiled.sql;
  // Its placeholders are numbered from 1, and come after ours.
  return compiled.sql.replace(/\$(\d+)/g, (_, n) => `$${Number(n) + before}`);
}
