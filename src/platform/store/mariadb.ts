import mysql from 'mysql2/promise';
import type { KeyNames } from './ddl.ts';
import type { Decoders } from './decode.ts';
import type { Engine, OpenTransaction, Query, Result, Session } from './engine.ts';
import { ForeignKeyViolation, StoreError, TransactionConflict, UniqueViolation } from './errors.ts';
import { Fifo } from './fifo.ts';
import { mariadbCollation } from './migrate.ts';
import type { ServerOptions } from './server-options.ts';

interface Runner {
  query(options: mysql.QueryOptions): Promise<[unknown, mysql.FieldPacket[]]>;
}

interface ServerError extends Error {
  errno: number;
}
const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number';

/** Error codes: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
function translate(error: unknown, query: Query, keys: KeyNames): unknown {
  if (!isServerError(error)) return error;
  switch (error.errno) {
    case 1062: {
      const name = /for key '(?:[^'.]*\.)?([^']+)'$/.exec(error.message)?.[1] ?? '';
      const key = keys.get(name === 'PRIMARY' ? `${query.table}.PRIMARY` : name);
      return new UniqueViolation(key?.table ?? query.table ?? '', key?.columns ?? [], error);
    }
    case 1216:
    case 1217:
    case 1451:
    case 1452:
      return new ForeignKeyViolation(query.table ?? '', error);
    // Deadlock, lock wait timeout, "record has changed since last read".
    case 1213:
    case 1205:
    case 1020:
      return new TransactionConflict(error.message, error);
    default:
      return error;
  }
}

/** Double quotes for names and `||` for text as in standard SQL, so that a migration's SQL is the same everywhere. */
const mode =
  'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,ANSI_QUOTES,PIPES_AS_CONCAT';

function connectionOptions(url: string): mysql.ConnectionOptions {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  return {
    host: hostname || 'localhost',
    port: port ? Number(port) : 3306,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    socketPath: searchParams.get('socketPath') ?? undefined,
    charset: 'utf8mb4',
    connectTimeout: 15_000,
    decimalNumbers: true,
    dateStrings: true,
  };
}

/**
 * MariaDB by `mysql2`. Transactions are SERIALIZABLE: what they read is locked, and who loses a deadlock runs again.
 * Single reads have connections of their own and lock nothing.
 */
export class MariadbEngine implements Engine {
  readonly dialect = 'mariadb';
  readonly #writers: mysql.Pool;
  readonly #readers: mysql.Pool;
  readonly #decoders: Decoders;
  readonly #keys: KeyNames;

  private constructor(writers: mysql.Pool, readers: mysql.Pool, options: ServerOptions) {
    this.#writers = writers;
    this.#readers = readers;
    this.#decoders = options.decoders;
    this.#keys = options.keys;
  }

  /** Connects, and creates the database that the URL names when it is missing. */
  static async open(options: ServerOptions): Promise<MariadbEngine> {
    const connection = connectionOptions(options.url);
    const pool = (isolation: string) => {
      const made = mysql.createPool({
        ...connection,
        connectionLimit: Math.max(1, Math.ceil(options.connections / 2)),
        maxIdle: 2,
        idleTimeout: 30_000,
        enableKeepAlive: true,
      });
      // Statements on a connection run in order, so these come before what the connection was made for.
      made.pool.on('connection', (fresh) => {
        fresh.query(`SET SESSION sql_mode = '${mode}', innodb_lock_wait_timeout = 15, time_zone = '+00:00'`);
        fresh.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
      });
      return made;
    };
    const engine = new MariadbEngine(pool('SERIALIZABLE'), pool('READ COMMITTED, READ ONLY'), options);
    try {
      await engine.#connect(connection);
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  async #connect(connection: mysql.ConnectionOptions): Promise<void> {
    try {
      (await this.#writers.getConnection()).release();
    } catch (error) {
      if (!isServerError(error) || error.errno !== 1049) throw error;
      await createDatabase(connection);
      (await this.#writers.getConnection()).release();
    }
  }

  async #query(on: Runner, query: Query): Promise<Result> {
    try {
      const [found, fields] = await on.query({
        sql: query.sql,
        values: query.params as unknown[],
        rowsAsArray: true,
      });
      if (!Array.isArray(found)) return { rows: [], affected: (found as mysql.ResultSetHeader).affectedRows };
      const decode = this.#decoders.for(fields.map((field) => field.name));
      return { rows: (found as unknown[][]).map(decode), affected: found.length };
    } catch (error) {
      throw translate(error, query, this.#keys);
    }
  }

  run(query: Query): Promise<Result> {
    return this.#query(query.reads ? this.#readers : this.#writers, query);
  }

  async begin(): Promise<OpenTransaction> {
    const connection = await this.#writers.getConnection();
    // One question at a time, also when the code inside asks several at once.
    const turn = new Fifo('the connection of a transaction');
    const run = (query: Query) => turn.with(() => this.#query(connection, query));
    const command = (sql: string) => run({ sql, params: [], reads: false });
    try {
      await command('START TRANSACTION');
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return {
      run,
      commit: async () => {
        await command('COMMIT');
        connection.release();
      },
      rollback: async () => {
        try {
          await command('ROLLBACK');
          connection.release();
        } catch (error) {
          connection.destroy();
          throw error;
        }
      },
    };
  }

  async exclusively(work: (session: Session) => Promise<void>): Promise<void> {
    const connection = await this.#writers.getConnection();
    const run = (query: Query) => this.#query(connection, query);
    try {
      const lock = `concat('cumulet:', left(database(), 50))`;
      const { rows } = await run({
        sql: `SELECT GET_LOCK(${lock}, 300) AS granted`,
        params: [],
        reads: false,
      });
      if (rows[0]?.['granted'] !== 1) throw new StoreError('waited 300 s for another process to migrate');
      try {
        await work({ run });
      } finally {
        await run({ sql: `SELECT RELEASE_LOCK(${lock})`, params: [], reads: false });
      }
      connection.release();
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#readers.end(), this.#writers.end()]);
  }
}

async function createDatabase({ database, ...server }: mysql.ConnectionOptions): Promise<void> {
  if (!/^\w{1,63}$/.test(database ?? '')) throw new StoreError(`"${database}" is no name for a database`);
  const connection = await mysql.createConnection(server);
  try {
    await connection.query(
      `CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4 COLLATE ${mariadbCollation}`,
    );
  } finally {
    await connection.end();
  }
}
