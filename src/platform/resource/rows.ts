import type { Expression, SqlBool } from 'kysely';
import type { Condition as StoreCondition } from '../store/condition.ts';
import { repository } from '../store/repository.ts';
import type { AnyStore } from '../store/store.ts';
import type { Insertable, Row, Table } from '../store/table.ts';

/**
 * One test of a row, as the store knows them, with columns by any name: a resource's filters come from a query.
 * `any` holds when all the tests of one of its groups do.
 */
export type Condition =
  | { column: string; op: ComparisonOp; value: unknown }
  | { column: string; op: 'null' | 'notnull' }
  | { any: readonly (readonly Condition[])[] }
  | { expression: Expression<SqlBool> };

export type ComparisonOp = Exclude<Extract<StoreCondition, { op: unknown }>['op'], 'null' | 'notnull'>;

export interface SortKey {
  column: string;
  direction: 'asc' | 'desc';
}

export interface RowQuery<R extends object> {
  where?: readonly Condition[];
  sort?: readonly SortKey[];
  /** The row after which the page begins. */
  after?: R;
  limit?: number;
}

/** The verbs that a resource asks of its table: rows in, whole rows out. */
export interface Rows<R extends object, New extends object = R> {
  find(where: readonly Condition[]): Promise<R | undefined>;
  list(query: RowQuery<R>): Promise<R[]>;
  /** @returns the row as it is stored, defaults and nulls filled in. @throws UniqueViolation, ForeignKeyViolation */
  insert(row: New): Promise<R>;
  /** @returns how many rows were changed, so that a generation in `where` makes it a compare-and-swap */
  update(where: readonly Condition[], changes: Partial<R>): Promise<number>;
  delete(where: readonly Condition[]): Promise<number>;
}

/** The rows of one table of a store. */
export function rowsOf<T extends Table>(store: AnyStore, table: T): Rows<Row<T>, Insertable<T>> {
  const rows = repository(store, table);
  type Wheres = Parameters<typeof rows.find>[0];
  type Options = Parameters<typeof rows.list>[0];
  const absent = Object.fromEntries(
    Object.entries(table.columns).map(([name, column]) => [name, column.default ?? null]),
  );
  return {
    find: (where) => rows.find(where as Wheres),
    list: (query) => rows.list(query as Options),
    async insert(row) {
      await rows.insert(row);
      const given = Object.entries(row).filter(([, value]) => value !== undefined);
      return { ...structuredClone(absent), ...Object.fromEntries(given) } as Row<T>;
    },
    update: (where, changes) => rows.update(where as Wheres, changes),
    delete: (where) => rows.delete(where as Wheres),
  };
}
