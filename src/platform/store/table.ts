/**
 * What a column holds. One encoding on all databases: booleans are 0/1, json is text, times are ISO text in UTC
 * that sorts (`2026-01-31T12:34:56.123456Z`).
 */
export type ColumnKind = 'text' | 'uuid' | 'integer' | 'bigint' | 'real' | 'boolean' | 'json' | 'time';

/** One column: how it is stored, and (as types only) what is read from it and what may be written to it. */
export interface Column<Select = unknown, Insert = unknown> {
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** Characters; text only. Columns of a key must have one. */
  readonly length?: number;
  readonly default?: unknown;
  readonly types?: { select: Select; insert: Insert };
}

export type Columns = Record<string, Column>;

interface Options<T> {
  nullable?: boolean;
  default?: T;
}
type Selected<T, O> = O extends { nullable: true } ? T | null : T;
type Inserted<T, O> = O extends { nullable: true }
  ? T | null | undefined
  : O extends { default: unknown }
    ? T | undefined
    : T;

function columnOf<Select, Insert>(
  kind: ColumnKind,
  options: Options<unknown> & { length?: number } = {},
): Column<Select, Insert> {
  const { nullable = false, length } = options;
  return { kind, nullable, length, ...('default' in options ? { default: options.default } : {}) };
}

/**
 * Text. `length` is in characters and is enforced by the database; a column of a key needs one (MariaDB cannot
 * index text without). `values` only narrows the type to a union.
 */
export function text<
  const V extends string = string,
  const O extends Options<NoInfer<V>> & { length?: number } = object,
>(options?: O & { values?: readonly V[] }): Column<Selected<V, O>, Inserted<V, O>> {
  return columnOf('text', options);
}
/** A UUID, or any other id of at most 36 characters. */
export function uuid<const O extends Options<string> = object>(
  options?: O,
): Column<Selected<string, O>, Inserted<string, O>> {
  return columnOf('uuid', options);
}
/** A whole number of 32 bits. */
export function integer<const O extends Options<number> = object>(
  options?: O,
): Column<Selected<number, O>, Inserted<number, O>> {
  return columnOf('integer', options);
}
/** A whole number up to 2^53: what a JavaScript number holds exactly. */
export function bigint<const O extends Options<number> = object>(
  options?: O,
): Column<Selected<number, O>, Inserted<number, O>> {
  return columnOf('bigint', options);
}
export function real<const O extends Options<number> = object>(
  options?: O,
): Column<Selected<number, O>, Inserted<number, O>> {
  return columnOf('real', options);
}
export function boolean<const O extends Options<boolean> = object>(
  options?: O,
): Column<Selected<boolean, O>, Inserted<boolean, O>> {
  return columnOf('boolean', options);
}
/** A point in time as text; `timestamp()` makes one. Every value of a column has the same number of digits. */
export function time<const O extends Options<string> = object>(
  options?: O,
): Column<Selected<string, O>, Inserted<string, O>> {
  return columnOf('time', options);
}
/** An object or an array (or null where nullable), kept as JSON text. */
export function json<T extends object>(options: { nullable: true }): Column<T | null, T | null | undefined>;
export function json<T extends object>(options: { default: NoInfer<T> }): Column<T, T | undefined>;
export function json<T extends object>(options?: { nullable?: false }): Column<T, T>;
export function json(options?: Options<unknown>): Column {
  return columnOf('json', options);
}

/** A foreign key to the primary key of another table, or of this one (`'self'`). */
export interface Reference<Name extends string = string> {
  readonly columns: readonly Name[];
  readonly table: Table | 'self';
  /** Default `restrict`. */
  readonly onDelete?: 'cascade' | 'restrict' | 'set null';
}

/** A table as it is described once: rows' types, DDL and queries follow from it. */
export interface Table<Name extends string = string, C extends Columns = Columns> {
  readonly name: Name;
  readonly columns: C;
  readonly primaryKey: readonly string[];
  readonly unique: readonly (readonly string[])[];
  readonly indexes: readonly (readonly string[])[];
  readonly references: readonly Reference[];
}

type SelectOf<C> = C extends Column<infer S, unknown> ? S : never;
type InsertOf<C> = C extends Column<unknown, infer I> ? I : never;
type OptionalKeys<C extends Columns> = {
  [K in keyof C]: undefined extends InsertOf<C[K]> ? K : never;
}[keyof C];

/** What a row of the table is when read. */
export type Row<T extends Table> = { -readonly [K in keyof T['columns']]: SelectOf<T['columns'][K]> };
/** What a new row must have: nullable columns and those with a default may be left out. */
export type Insertable<T extends Table> = {
  -readonly [K in Exclude<keyof T['columns'], OptionalKeys<T['columns']>>]: InsertOf<T['columns'][K]>;
} & { -readonly [K in OptionalKeys<T['columns']>]?: InsertOf<T['columns'][K]> };
/** Changes to a row. */
export type Changes<T extends Table> = Partial<Row<T>>;
export type ColumnName<T extends Table> = keyof T['columns'] & string;

const identifier = /^[a-z][a-z0-9_]{0,47}$/;
/** InnoDB's limit for the bytes of one key. */
const keyBytes = 3072;

/**
 * Describes a table.
 *
 * @param definition `primaryKey` names at least one column; `unique` and `indexes` are lists of column lists
 * @throws Error at once when the description cannot be built on one of the databases
 */
export function table<const Name extends string, const C extends Columns>(
  name: Name,
  columns: C,
  definition: {
    primaryKey: readonly (keyof C & string)[];
    unique?: readonly (readonly (keyof C & string)[])[];
    indexes?: readonly (readonly (keyof C & string)[])[];
    references?: readonly Reference<keyof C & string>[];
  },
): Table<Name, C> {
  const { primaryKey, unique = [], indexes = [], references = [] } = definition;
  const fail = (reason: string): never => {
    throw new Error(`table ${name}: ${reason}`);
  };
  for (const each of [name, ...Object.keys(columns)])
    if (!identifier.test(each))
      fail(`"${each}" is no name: at most 48 small letters, digits and underscores`);
  if (primaryKey.length === 0) fail('a primary key is needed');
  for (const [what, column] of Object.entries(columns)) checkDefault(what, column, fail);
  for (const key of [primaryKey, ...unique, ...indexes, ...references.map((each) => each.columns)])
    checkKey(key, columns, fail);
  for (const key of primaryKey) if (columns[key]?.nullable) fail(`${key} is of the primary key and nullable`);
  for (const { columns: from, table: to, onDelete } of references) {
    const target = to === 'self' ? primaryKey : to.primaryKey;
    if (target.length !== from.length)
      fail(`(${from}) refers to a key of ${target.length} columns (${target})`);
    if (onDelete === 'set null' && from.some((each) => !columns[each]?.nullable))
      fail(`(${from}) cannot be set null`);
  }
  return { name, columns, primaryKey, unique, indexes, references };
}

function checkDefault(name: string, column: Column, fail: (reason: string) => never): void {
  const { kind, default: value, length } = column;
  if (length !== undefined && !(Number.isInteger(length) && length > 0)) fail(`length of ${name}: ${length}`);
  if (value === undefined || value === null) return;
  const wanted =
    kind === 'json'
      ? 'object'
      : kind === 'boolean'
        ? 'boolean'
        : kind === 'integer' || kind === 'bigint' || kind === 'real'
          ? 'number'
          : 'string';
  if (typeof value !== wanted) fail(`the default of ${name} is a ${typeof value}, not a ${wanted}`);
}

function checkKey(key: readonly string[], columns: Columns, fail: (reason: string) => never): void {
  let bytes = 0;
  for (const name of key) {
    const column = columns[name];
    if (!column) return fail(`no column "${name}" for the key (${key})`);
    if (column.kind === 'json') return fail(`${name} is json: it cannot be of a key`);
    if (column.kind === 'text' && column.length === undefined)
      return fail(`${name} is of the key (${key}) and so needs a length`);
    bytes += characters(column) * 4 || 8;
  }
  if (bytes > keyBytes)
    fail(`the key (${key}) may take ${bytes} bytes, more than the ${keyBytes} that MariaDB can index`);
}

/** The most characters a text-like column holds; 0 for the other kinds and for text without a length. */
export function characters(column: Column): number {
  if (column.kind === 'uuid') return 36;
  if (column.kind === 'time') return 32;
  return column.kind === 'text' ? (column.length ?? 0) : 0;
}

/** A time as the store keeps it: ISO 8601 in UTC with six digits, so that text order is time order. */
export function timestamp(at: Date = new Date()): string {
  return `${at.toISOString().slice(0, -1)}000Z`;
}
