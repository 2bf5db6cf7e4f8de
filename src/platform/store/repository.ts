import { SqlWriter, type Where, whereSql } from './condition.ts';
import type { Query, Result } from './engine.ts';
import { ValueRefused } from './errors.ts';
import { type ListOptions, listRows } from './list.ts';
import type { AnyStore } from './store.ts';
import type { Changes, Insertable, Row, Table } from './table.ts';

/** What a primary key is called by: its value, or an object when it has several columns. */
export type KeyOf<T extends Table> = string | number | Where<T>;

/** The everyday verbs on one table. They join transactions like every query of the store. */
export interface Repository<T extends Table> {
  /** The row with this primary key. */
  get(key: KeyOf<T>): Promise<Row<T> | undefined>;
  /** The row that meets the conditions; the first by primary key when there are several. */
  find(where: Where<T>): Promise<Row<T> | undefined>;
  list(options?: ListOptions<T>): Promise<Row<T>[]>;
  count(where?: Where<T>): Promise<number>;
  /** Adds a row, or several in one statement. @throws UniqueViolation, ForeignKeyViolation */
  insert(row: Insertable<T> | readonly Insertable<T>[]): Promise<void>;
  /**
   * Changes the rows that meet the conditions and says how many did: 0 means that a compare-and-swap lost, as in
   * `update({ id, generation }, { …, generation: generation + 1 })`.
   */
  update(where: Where<T>, changes: Changes<T>): Promise<number>;
  /** Deletes the rows that meet the conditions and says how many did. */
  delete(where: Where<T>): Promise<number>;
}

/** Values in one statement; SQLite takes 32,766 and PostgreSQL 65,535. */
const mostValues = 30_000;

/** The everyday verbs on `table`. Cheap to make. */
export function repository<T extends Table>(store: AnyStore, table: T): Repository<T> {
  const out = () => new SqlWriter(store.dialect);
  const { name } = table;
  const names = Object.keys(table.columns);
  const quotedNames = names.map((each) => out().id(each)).join(', ');
  const quotedTable = out().id(name);
  const select = (where: Where<T>, tail: string): Promise<Result> => {
    const writer = out();
    const text = `SELECT ${quotedNames} FROM ${quotedTable} WHERE ${whereSql(writer, store, table, where)}${tail}`;
    return store.run({ sql: text, params: writer.params, reads: true });
  };
  const order = ` ORDER BY ${table.primaryKey.map((each) => out().id(each)).join(', ')} LIMIT 1`;
  const [onlyKey] = table.primaryKey;
  const keyed = (key: string | number): Where<T> => {
    if (onlyKey === undefined || table.primaryKey.length > 1)
      throw new ValueRefused(`the key of ${name} is (${table.primaryKey})`);
    return { [onlyKey]: key } as Where<T>;
  };
  const change = async (query: Omit<Query, 'reads' | 'table'>) =>
    (await store.run({ ...query, reads: false, table: name })).affected;
  const selective = (where: Where<T>): void => {
    if (Object.keys(where).length === 0)
      throw new ValueRefused(`a change of ${name} without conditions would reach every row: use store.db`);
  };
  return {
    async get(key) {
      const where = typeof key === 'object' ? key : keyed(key);
      return (await select(where, '')).rows[0] as Row<T> | undefined;
    },
    find: async (where) => (await select(where, order)).rows[0] as Row<T> | undefined,
    list: (options) => listRows(store, table, options),
    async count(where = []) {
      const writer = out();
      const text = `SELECT count(*) AS ${writer.id('count')} FROM ${quotedTable} WHERE ${whereSql(writer, store, table, where)}`;
      const { rows } = await store.run({ sql: text, params: writer.params, reads: true });
      return Number(rows[0]?.['count']);
    },
    async insert(given) {
      const rows = (Array.isArray(given) ? given : [given]) as Record<string, unknown>[];
      const [first] = rows;
      if (!first) return;
      const used = names.filter((each) => rows.some((row) => row[each] !== undefined));
      const unknown = Object.keys(first).find((each) => !table.columns[each]);
      if (unknown) throw new ValueRefused(`${name} has no column ${unknown}`);
      const size = Math.max(1, Math.floor(mostValues / used.length));
      const work = async () => {
        for (let at = 0; at < rows.length; at += size) {
          const writer = out();
          const tuples = rows.slice(at, at + size).map((row) => {
            const values = used.map((each) =>
              writer.value(row[each] === undefined ? (table.columns[each]?.default ?? null) : row[each]),
            );
            return `(${values.join(', ')})`;
          });
          const columns = used.map((each) => writer.id(each)).join(', ');
          const text = `INSERT INTO ${quotedTable} (${columns}) VALUES ${tuples.join(', ')}`;
          await change({ sql: text, params: writer.params });
        }
      };
      // All or none, as if it were the one statement that it is for everything but very many rows.
      await (rows.length > size ? store.transaction(work) : work());
    },
    async update(where, changes) {
      selective(where);
      const set = Object.entries(changes).filter(([, value]) => value !== undefined);
      if (set.length === 0) throw new ValueRefused(`no changes of ${name} given`);
      const writer = out();
      const parts = set.map(([column, value]) => {
        if (!table.columns[column]) throw new ValueRefused(`${name} has no column ${column}`);
        return `${writer.id(column)} = ${writer.value(value)}`;
      });
      const text = `UPDATE ${quotedTable} SET ${parts.join(', ')} WHERE ${whereSql(writer, store, table, where)}`;
      return change({ sql: text, params: writer.params });
    },
    async delete(where) {
      selective(where);
      const writer = out();
      const text = `DELETE FROM ${quotedTable} WHERE ${whereSql(writer, store, table, where)}`;
      return change({ sql: text, params: writer.params });
    },
  };
}
