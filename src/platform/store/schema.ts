import type { ColumnType } from 'kysely';
import type { Migration } from './migrate.ts';
import type { ColumnKind, Insertable, Row, Table } from './table.ts';

export type Tables = Record<string, Table>;

/** All that a service stores: its tables, and how a database came to have them. */
export interface Schema<T extends Tables = Tables> {
  readonly name: string;
  readonly tables: T;
  readonly migrations: readonly Migration[];
}

/** The tables as Kysely wants to see them, by their names in the database. */
export type Database<T extends Tables> = {
  [K in keyof T as T[K]['name']]: {
    [C in keyof T[K]['columns']]: ColumnType<
      Row<T[K]>[C],
      C extends keyof Insertable<T[K]> ? Insertable<T[K]>[C] : never,
      Row<T[K]>[C]
    >;
  };
};

const family = (kind: ColumnKind): string =>
  kind === 'boolean' || kind === 'json'
    ? kind
    : kind === 'integer' || kind === 'bigint' || kind === 'real'
      ? 'number'
      : 'text';

/**
 * Declares the schema of a service.
 *
 * @throws Error when two tables or two migrations have one name, or when one column name means a boolean or json
 *   in one table and something else in another: results are decoded by column name
 */
export function defineSchema<const T extends Tables>(
  name: string,
  { tables, migrations }: { tables: T; migrations: readonly Migration[] },
): Schema<T> {
  const kinds = new Map<string, { table: string; kind: ColumnKind }>();
  const names = new Set<string>();
  for (const table of Object.values(tables)) {
    if (names.has(table.name)) throw new Error(`schema ${name}: two tables are called ${table.name}`);
    names.add(table.name);
    for (const [column, { kind }] of Object.entries(table.columns)) {
      const other = kinds.get(column);
      if (other && family(other.kind) !== family(kind))
        throw new Error(
          `schema ${name}: ${column} is ${kind} in ${table.name} but ${other.kind} in ${other.table}`,
        );
      kinds.set(column, { table: table.name, kind });
    }
  }
  const steps = new Set<string>();
  for (const { name: step } of migrations) {
    if (steps.has(step)) throw new Error(`schema ${name}: two migrations are called ${step}`);
    steps.add(step);
  }
  return { name, tables, migrations };
}
