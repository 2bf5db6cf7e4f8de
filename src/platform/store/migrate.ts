import { columnDdl, createIndexDdl, createTableDdl, quoted } from './ddl.ts';
import { bindAll, type Dialect, type Engine, type Session } from './engine.ts';
import type { ColumnName, Table } from './table.ts';

/**
 * What a migration may do. Each verb does nothing when its work is done already, because a fresh database gets
 * each table as it is described now: the column that a later migration adds is there from the start.
 */
export interface Migrator {
  readonly dialect: Dialect;
  /** Makes the table with its keys and indexes, as described today. Tables it refers to come first. */
  createTable(table: Table): Promise<void>;
  dropTable(name: string): Promise<void>;
  /** Adds a described column; it must be nullable or have a default. */
  addColumn<T extends Table>(table: T, column: ColumnName<T>): Promise<void>;
  dropColumn(table: string, column: string): Promise<void>;
  createIndex<T extends Table>(
    table: T,
    columns: readonly ColumnName<T>[],
    options?: { unique?: boolean },
  ): Promise<void>;
  /** Runs a statement (`?` stands for a parameter); an object gives each database its own. Must bear running twice. */
  execute(sql: string | Record<Dialect, string>, params?: readonly unknown[]): Promise<void>;
  /** Reads rows, for migrations that turn data into other data. */
  query(sql: string, params?: readonly unknown[]): Promise<Record<string, unknown>[]>;
}

export interface Migration {
  readonly name: string;
  up(m: Migrator): Promise<unknown>;
}

const recordTable = 'schema_migrations';

/** Brings a database to the schema: applies what is not recorded, in order, while no other process does. */
export function migrate(
  engine: Engine,
  schema: { name: string; migrations: readonly Migration[] },
): Promise<void> {
  const id = (name: string) => quoted(engine.dialect, name);
  return engine.exclusively(async (session) => {
    const text = engine.dialect === 'sqlite' ? 'TEXT' : 'varchar(200)';
    const write = (sql: string, ...values: unknown[]) =>
      session.run({ sql: numbered(engine.dialect, sql), params: bindAll(values), reads: false });
    await write(
      `CREATE TABLE IF NOT EXISTS ${id(recordTable)} (${id('name')} ${text} NOT NULL PRIMARY KEY, ${id('applied_at')} ${text} NOT NULL)`,
    );
    const { rows } = await session.run({
      sql: `SELECT ${id('name')} FROM ${id(recordTable)}`,
      params: [],
      reads: false,
    });
    const applied = new Set(rows.map((row) => String(row['name'])));
    const known = new Set(schema.migrations.map((each) => each.name));
    const foreign = [...applied].filter((name) => !known.has(name));
    if (foreign.length)
      throw new Error(
        `the database of ${schema.name} has migrations that this program does not know (${foreign.join(', ')}): it is newer, or another service's`,
      );
    const m = migrator(engine.dialect, session);
    for (const { name, up } of schema.migrations) {
      if (applied.has(name)) continue;
      try {
        await up(m);
      } catch (cause) {
        throw new Error(
          `migration "${name}" of ${schema.name} failed: ${cause instanceof Error ? cause.message : cause}`,
          { cause },
        );
      }
      await write(
        `INSERT INTO ${id(recordTable)} (${id('name')}, ${id('applied_at')}) VALUES (?, ?)`,
        name,
        new Date(),
      );
    }
  });
}

/** `?` placeholders as the database wants them. */
export function numbered(dialect: Dialect, sql: string): string {
  if (dialect !== 'postgres') return sql;
  let n = 0;
  return sql.replaceAll('?', () => `$${++n}`);
}

/** Binary like the other databases' text, trailing spaces included; MySQL has another name for it. */
export const mariadbCollation = 'utf8mb4_nopad_bin';

function migrator(dialect: Dialect, session: Session): Migrator {
  const id = (name: string) => quoted(dialect, name);
  const run = async (sql: string, values: readonly unknown[] = []) =>
    (await session.run({ sql: numbered(dialect, sql), params: bindAll(values), reads: false })).rows;
  const hasColumn = async (table: string, column: string) =>
    (await run('SELECT name FROM pragma_table_info(?) WHERE name = ?', [table, column])).length > 0;
  return {
    dialect,
    async createTable(table) {
      for (const sql of createTableDdl(dialect, table, mariadbCollation)) await run(sql);
    },
    async dropTable(name) {
      await run(`DROP TABLE IF EXISTS ${id(name)}`);
    },
    async addColumn(table, column) {
      const ddl = columnDdl(dialect, table, column);
      if (dialect === 'sqlite' && (await hasColumn(table.name, column))) return;
      await run(
        `ALTER TABLE ${id(table.name)} ADD COLUMN ${dialect === 'sqlite' ? '' : 'IF NOT EXISTS '}${ddl}`,
      );
    },
    async dropColumn(table, column) {
      if (dialect === 'sqlite' && !(await hasColumn(table, column))) return;
      await run(
        `ALTER TABLE ${id(table)} DROP COLUMN ${dialect === 'sqlite' ? '' : 'IF EXISTS '}${id(column)}`,
      );
    },
    async createIndex(table, columns, options = {}) {
      await run(createIndexDdl(dialect, table, columns, options.unique ?? false));
    },
    async execute(sql, params) {
      await run(typeof sql === 'string' ? sql : sql[dialect], params);
    },
    query: (sql, params) => run(sql, params),
  };
}
