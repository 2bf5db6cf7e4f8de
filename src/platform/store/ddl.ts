import { createHash } from 'node:crypto';
import { bind, type Dialect } from './engine.ts';
import { type Column, characters, type Table } from './table.ts';

/** The database's own quoting of a name. */
export const quoted = (dialect: Dialect, name: string): string =>
  dialect === 'mariadb' ? `\`${name}\`` : `"${name}"`;

const list = (dialect: Dialect, names: readonly string[]): string =>
  names.map((name) => quoted(dialect, name)).join(', ');

/** Names of keys are made of what they are, at most 60 characters (PostgreSQL keeps 63, MariaDB 64). */
export function keyName(kind: 'pk' | 'uq' | 'ix' | 'fk', table: string, columns: readonly string[]): string {
  const name = `${kind}_${table}_${columns.join('_')}`;
  if (name.length <= 60) return name;
  return `${name.slice(0, 51)}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** The indexes of a table; a foreign key that no key begins with gets one, or cascades would scan. */
export function indexesOf(table: Table): readonly (readonly string[])[] {
  const keys = [table.primaryKey, ...table.unique, ...table.indexes];
  const covered = (columns: readonly string[]) =>
    keys.some((key) => columns.every((column, i) => key[i] === column));
  const missing = table.references.map((each) => each.columns).filter((columns) => !covered(columns));
  return [...table.indexes, ...new Map(missing.map((each) => [each.join(), each])).values()];
}

function textType(dialect: Dialect, length: number, keyed: boolean): string {
  if (dialect === 'sqlite') return 'TEXT';
  if (dialect === 'postgres') return `${length ? `varchar(${length})` : 'text'} COLLATE "C"`;
  // A row of MariaDB holds 64 KiB of varchar in all, so long text that is not of a key lives outside the row.
  if (length && (keyed || length <= 255)) return `varchar(${length})`;
  return length && length <= 16_000 ? 'text' : length ? 'mediumtext' : 'longtext';
}

function columnType(dialect: Dialect, column: Column, keyed: boolean): string {
  const of = (sqlite: string, postgres: string, mariadb: string) => ({ sqlite, postgres, mariadb })[dialect];
  switch (column.kind) {
    case 'text':
    case 'uuid':
    case 'time':
      return textType(dialect, characters(column), keyed);
    case 'json':
      return textType(dialect, 0, false);
    case 'integer':
      return of('INTEGER', 'integer', 'int');
    case 'bigint':
      return of('INTEGER', 'bigint', 'bigint');
    case 'real':
      return of('REAL', 'double precision', 'double');
    case 'boolean':
      return of('INTEGER', 'smallint', 'tinyint');
  }
}

function literal(dialect: Dialect, value: unknown): string {
  const bound = bind(value);
  if (bound === null) return 'NULL';
  if (typeof bound !== 'string') return String(bound);
  const text = bound.replaceAll("'", "''");
  return `'${dialect === 'mariadb' ? text.replaceAll('\\', '\\\\') : text}'`;
}

/** One column as it stands in CREATE TABLE and ADD COLUMN. */
export function columnDdl(dialect: Dialect, table: Table, name: string): string {
  const column = table.columns[name];
  if (!column) throw new Error(`table ${table.name} has no column ${name}`);
  const keyed = [
    table.primaryKey,
    ...table.unique,
    ...table.indexes,
    ...table.references.map((r) => r.columns),
  ]
    .flat()
    .includes(name);
  const id = quoted(dialect, name);
  const parts = [id, columnType(dialect, column, keyed)];
  if (!column.nullable) parts.push('NOT NULL');
  if (column.default !== undefined) parts.push(`DEFAULT ${literal(dialect, column.default)}`);
  const length = characters(column);
  // Where the type does not enforce the length, a check does: what fails must fail on every database.
  if (dialect === 'sqlite' && length) parts.push(`CHECK (length(${id}) <= ${length})`);
  if (dialect === 'mariadb' && length > 255 && !keyed) parts.push(`CHECK (char_length(${id}) <= ${length})`);
  return parts.join(' ');
}

function referenceDdl(dialect: Dialect, table: Table): string[] {
  return table.references.map(({ columns, table: to, onDelete = 'restrict' }) => {
    const target = to === 'self' ? table : to;
    const action = { cascade: 'CASCADE', restrict: 'RESTRICT', 'set null': 'SET NULL' }[onDelete];
    return `CONSTRAINT ${quoted(dialect, keyName('fk', table.name, columns))} FOREIGN KEY (${list(dialect, columns)}) REFERENCES ${quoted(dialect, target.name)} (${list(dialect, target.primaryKey)}) ON DELETE ${action}`;
  });
}

/** The statements that make a table and its indexes; running them again changes nothing. */
export function createTableDdl(dialect: Dialect, table: Table, collation: string): string[] {
  const indexes = indexesOf(table);
  const parts = [
    ...Object.keys(table.columns).map((name) => columnDdl(dialect, table, name)),
    `CONSTRAINT ${quoted(dialect, keyName('pk', table.name, table.primaryKey))} PRIMARY KEY (${list(dialect, table.primaryKey)})`,
    ...table.unique.map(
      (columns) =>
        `CONSTRAINT ${quoted(dialect, keyName('uq', table.name, columns))} UNIQUE (${list(dialect, columns)})`,
    ),
    // In MariaDB a statement is the unit that a crash cannot split, so its indexes are part of it.
    ...(dialect === 'mariadb'
      ? indexes.map(
          (columns) =>
            `INDEX ${quoted(dialect, keyName('ix', table.name, columns))} (${list(dialect, columns)})`,
        )
      : []),
    ...referenceDdl(dialect, table),
  ];
  const tail = {
    sqlite: ' STRICT',
    postgres: '',
    mariadb: ` ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE ${collation}`,
  }[dialect];
  const create = `CREATE TABLE IF NOT EXISTS ${quoted(dialect, table.name)} (\n  ${parts.join(',\n  ')}\n)${tail}`;
  if (dialect === 'mariadb') return [create];
  return [create, ...indexes.map((columns) => createIndexDdl(dialect, table, columns, false))];
}

export function createIndexDdl(
  dialect: Dialect,
  table: Table,
  columns: readonly string[],
  unique: boolean,
): string {
  const name = quoted(dialect, keyName(unique ? 'uq' : 'ix', table.name, columns));
  return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${name} ON ${quoted(dialect, table.name)} (${list(dialect, columns)})`;
}

/** Which table and columns a key's name stands for: databases name the key when they refuse a row. */
export type KeyNames = ReadonlyMap<string, { table: string; columns: readonly string[] }>;

export function keyNames(tables: Iterable<Table>): KeyNames {
  const names = new Map<string, { table: string; columns: readonly string[] }>();
  for (const table of tables) {
    const own = (columns: readonly string[]) => ({ table: table.name, columns });
    names.set(keyName('pk', table.name, table.primaryKey), own(table.primaryKey));
    // MariaDB calls every primary key the same.
    names.set(`${table.name}.PRIMARY`, own(table.primaryKey));
    for (const columns of table.unique) names.set(keyName('uq', table.name, columns), own(columns));
  }
  return names;
}
