import { Client, type ClientBase, type CustomTypesConfig, DatabaseError, Pool } from 'pg';
import type { KeyNames } from './ddl.ts';
import type { Decoders } from './decode.ts';
import type { Engine, OpenTransaction, Query, Result, Session } from './engine.ts';
import { ForeignKeyViolation, StoreError, TransactionConflict, UniqueViolation } from './errors.ts';
import { Fifo } from './fifo.ts';
import type { ServerOptions } from './server-options.ts';

type Runner = Pick<ClientBase, 'query'>;

const number = (text: string) => Number(text);
/** By type's oid; everything else stays the text that PostgreSQL sends. Booleans (of expressions) become 0/1. */
const parsers: Record<number, (text: string) => unknown> = {
  16: (text) => (text === 't' ? 1 : 0),
  20: number,
  21: number,
  23: number,
  700: number,
  701: number,
  1700: number,
};
const asText = (text: string) => text;
const types = { getTypeParser: (oid: number) => parsers[oid] ?? asText } as CustomTypesConfig;

/** Error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(error: unknown, query: Query, keys: KeyNames): unknown {
  if (!(error instanceof DatabaseError)) return error;
  switch (error.code) {
    case '23505': {
      const key = keys.get(error.constraint ?? '');
      const columns = key?.columns ?? /^Key \((.*?)\)=/.exec(error.detail ?? '')?.[1]?.split(', ') ?? [];
      return new UniqueViolation(key?.table ?? error.table ?? '', columns, error);
    }
    case '23503':
    case '23001':
      return new ForeignKeyViolation(query.table ?? error.table ?? '', error);
    case '40001':
    case '40P01':
      return new TransactionConflict(error.message, error);
    default:
      return isStalePlan(error) ? new TransactionConflict(error.message, error) : error;
  }
}

/** A prepared `SELECT *` is older than a migration: under a new name it is planned anew. */
const isStalePlan = (error: unknown): boolean =>
  error instanceof DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery';

/**
 * PostgreSQL by `pg`. Transactions and writes are SERIALIZABLE (single statements too: only then does PostgreSQL see
 * their conflicts with transactions); single reads have connections of their own and read what is committed.
 */
export class PostgresEngine implements Engine {
  readonly dialect = 'postgres';
  readonly #writers: Pool;
  readonly #readers: Pool;
  readonly #decoders: Decoders;
  readonly #keys: KeyNames;
  readonly #names = new Map<string, string>();
  #generation = 0;

  private constructor(writers: Pool, readers: Pool, options: ServerOptions) {
    this.#writers = writers;
    this.#readers = readers;
    this.#decoders = options.decoders;
    this.#keys = options.keys;
  }

  /** Connects, and creates the database that the URL names when it is missing. */
  static async open(options: ServerOptions): Promise<PostgresEngine> {
    const pool = (defaults: string) => {
      const made = new Pool({
        connectionString: options.url,
        max: Math.max(1, Math.ceil(options.connections / 2)),
        connectionTimeoutMillis: 15_000,
        idleTimeoutMillis: 30_000,
        keepAlive: true,
        application_name: `cumulet ${options.name}`,
        options: `-c statement_timeout=60000 -c timezone=UTC ${defaults}`,
        types,
      });
      // A server that restarts ends idle connections; the pool makes new ones when they are needed.
      made.on('error', () => {});
      return made;
    };
    const engine = new PostgresEngine(
      pool('-c default_transaction_isolation=serializable'),
      pool('-c default_transaction_read_only=on'),
      options,
    );
    try {
      await engine.#connect(options.url);
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  async #connect(url: string): Promise<void> {
    try {
      (await this.#writers.connect()).release();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== '3D000') throw error;
      await createDatabase(url);
      (await this.#writers.connect()).release();
    }
  }

  async #query(on: Runner, query: Query): Promise<Result> {
    try {
      const { rows, fields, rowCount } = await on.query<unknown[]>({
        text: query.sql,
        values: query.params as unknown[],
        rowMode: 'array',
        name: query.lasting ? this.#nameOf(query.sql) : undefined,
      });
      if (!fields?.length) return { rows: [], affected: rowCount ?? 0 };
      const decode = this.#decoders.for(fields.map((field) => field.name));
      return { rows: rows.map(decode), affected: rowCount ?? rows.length };
    } catch (error) {
      if (isStalePlan(error)) this.#generation++;
      throw translate(error, query, this.#keys);
    }
  }

  #nameOf(sql: string): string {
    const known = this.#names.get(sql) ?? `q${this.#names.size}`;
    this.#names.set(sql, known);
    return `${known}_${this.#generation}`;
  }

  run(query: Query): Promise<Result> {
    return this.#query(query.reads ? this.#readers : this.#writers, query);
  }

  async begin(): Promise<OpenTransaction> {
    return this.#begin('BEGIN ISOLATION LEVEL SERIALIZABLE');
  }

  async #begin(begin: string): Promise<OpenTransaction> {
    const client = await this.#writers.connect();
    // One question at a time, also when the code inside asks several at once.
    const turn = new Fifo('the connection of a transaction');
    const run = (query: Query) => turn.with(() => this.#query(client, query));
    const command = (sql: string) => run({ sql, params: [], reads: false });
    try {
      await command(begin);
    } catch (error) {
      client.release(true);
      throw error;
    }
    return {
      run,
      commit: async () => {
        await command('COMMIT');
        client.release();
      },
      rollback: async () => {
        try {
          await command('ROLLBACK');
          client.release();
        } catch (error) {
          client.release(true);
          throw error;
        }
      },
    };
  }

  async exclusively(work: (session: Session) => Promise<void>): Promise<void> {
    // READ COMMITTED: what is read after the lock was waited for must be what its last holder left.
    const transaction = await this.#begin('BEGIN ISOLATION LEVEL READ COMMITTED');
    try {
      await transaction.run({ sql: 'SET LOCAL statement_timeout = 0', params: [], reads: false });
      await transaction.run({ sql: 'SELECT pg_advisory_xact_lock(7281563401)', params: [], reads: false });
      await work(transaction);
      await transaction.commit();
    } catch (error) {
      await transaction.rollback().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#readers.end(), this.#writers.end()]);
  }
}

async function createDatabase(url: string): Promise<void> {
  const there = new URL(url);
  const name = decodeURIComponent(there.pathname.slice(1));
  if (!/^\w{1,63}$/.test(name)) throw new StoreError(`"${name}" is no name for a database`);
  there.pathname = '/postgres';
  const client = new Client({ connectionString: there.href, connectionTimeoutMillis: 15_000 });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE "${name}" ENCODING 'UTF8' TEMPLATE template0`);
  } catch (error) {
    // Another process was quicker: by a moment (23505, in the catalog) or by more (42P04).
    if (!(error instanceof DatabaseError && (error.code === '42P04' || error.code === '23505'))) throw error;
  } finally {
    await client.end();
  }
}
