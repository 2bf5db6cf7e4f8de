import { ValueRefused } from './errors.ts';
import { timestamp } from './table.ts';

export type Dialect = 'sqlite' | 'postgres' | 'mariadb';

/** What reaches a database: booleans, objects and dates are encoded already. */
export type Bound = string | number | bigint | null;

export interface Query {
  readonly sql: string;
  readonly params: readonly Bound[];
  /** True when it changes nothing: such a query needs not wait for writers. */
  readonly reads: boolean;
  /** The table that is changed, for errors. */
  readonly table?: string;
  /** True for queries from a bounded set: worth a prepared statement on the server. */
  readonly lasting?: boolean;
}

export interface Result<R = Record<string, unknown>> {
  readonly rows: R[];
  /** Rows that an insert, update or delete matched. */
  readonly affected: number;
}

export interface Session {
  run(query: Query): Promise<Result>;
}

/** A session inside a transaction; commit and rollback end it and give its connection back. */
export interface OpenTransaction extends Session {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** What a database must do to carry a store. Everything else is the same for all of them. */
export interface Engine extends Session {
  readonly dialect: Dialect;
  /** Begins a SERIALIZABLE transaction. */
  begin(): Promise<OpenTransaction>;
  /** Runs `work` while no other process does; in one transaction where DDL has them. */
  exclusively(work: (session: Session) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Encodes one value the same way for every database. @throws ValueRefused */
export function bind(value: unknown): Bound {
  switch (typeof value) {
    case 'string':
      // PostgreSQL cannot store NUL in text; refused everywhere, so that no test passes on SQLite alone.
      if (value.includes('\0')) throw new ValueRefused('text with a NUL character cannot be stored');
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new ValueRefused(`${value} cannot be stored`);
      return value;
    case 'boolean':
      return value ? 1 : 0;
    case 'bigint':
      return value;
    case 'object':
      if (value === null) return null;
      if (value instanceof Date) return timestamp(value);
      if (ArrayBuffer.isView(value)) throw new ValueRefused('bytes cannot be stored: encode them as text');
      return JSON.stringify(value);
    default:
      throw new ValueRefused(
        value === undefined
          ? 'undefined given as a value of a query: say null, or leave the column out'
          : `a ${typeof value} cannot be stored`,
      );
  }
}

/** `bind` for all values of a query; the same array when nothing had to change. */
export function bindAll(values: readonly unknown[]): readonly Bound[] {
  return values.map(bind);
}
