import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Decoder, Decoders } from './decode.ts';
import type { Engine, OpenTransaction, Query, Result, Session } from './engine.ts';
import { ForeignKeyViolation, TransactionConflict, UniqueViolation } from './errors.ts';
import { Fifo } from './fifo.ts';

interface Prepared {
  readonly statement: StatementSync;
  /** Absent when the statement gives no rows. */
  decode: Decoder | undefined;
  width: number;
}

/** How long to go on asking for the lock that another process holds. */
const lockDeadline = 30_000;

/** One connection and its prepared statements. Everything on it is synchronous. */
class Connection {
  readonly db: DatabaseSync;
  readonly #decoders: Decoders;
  readonly #prepared = new LRUCache<string, Prepared>({ max: 400 });

  constructor(path: string, decoders: Decoders, pragmas: readonly string[]) {
    this.#decoders = decoders;
    this.db = new DatabaseSync(path, { enableForeignKeyConstraints: true });
    for (const pragma of pragmas) this.db.exec(`PRAGMA ${pragma}`);
  }

  #prepare(sql: string): Prepared {
    const statement = this.db.prepare(sql);
    const names = statement.columns().map((column) => column.name);
    if (names.length) statement.setReturnArrays(true);
    const decode = names.length ? this.#decoders.for(names) : undefined;
    const prepared = { statement, decode, width: names.length };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  run(query: Query): Result {
    try {
      const prepared = this.#prepared.get(query.sql) ?? this.#prepare(query.sql);
      const params = query.params as SQLInputValue[];
      if (!prepared.decode) {
        const { changes } = prepared.statement.run(...params);
        return { rows: [], affected: Number(changes) };
      }
      const found = prepared.statement.all(...params) as unknown as unknown[][];
      // A migration by another process may have widened `SELECT *` since the statement was prepared.
      if (found[0] && found[0].length !== prepared.width) {
        this.#prepared.delete(query.sql);
        const names = prepared.statement.columns().map((column) => column.name);
        prepared.decode = this.#decoders.for(names);
        prepared.width = names.length;
      }
      const { decode } = prepared;
      const rows = found.map((values) => decode(values));
      return { rows, affected: rows.length };
    } catch (error) {
      throw translate(error, query);
    }
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : undefined;
}

/** Extended result codes: https://www.sqlite.org/rescode.html */
function translate(error: unknown, query: Query): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const message = (error as Error).message;
  if (code === 2067 || code === 1555) {
    const columns = message
      .replace(/^.*constraint failed: /, '')
      .split(', ')
      .map((each) => each.split('.'));
    return new UniqueViolation(
      columns[0]?.[0] ?? '',
      columns.map((each) => each[1] ?? ''),
      error,
    );
  }
  if (code === 787 || code === 1811) return new ForeignKeyViolation(query.table ?? '', error);
  if ((code & 0xff) === 5 || (code & 0xff) === 6)
    return new TransactionConflict('the database is locked', error);
  return error;
}

/**
 * SQLite by `node:sqlite`: one connection writes, in the order of asking; another reads what is committed and never
 * waits for the writer (WAL). A database in memory has one connection, so there reads wait for an open transaction.
 *
 * Other processes may use the file too: for their write lock we wait without blocking the event loop.
 */
export class SqliteEngine implements Engine {
  readonly dialect = 'sqlite';
  readonly #writer: Connection;
  readonly #reader: Connection | undefined;
  readonly #lock = new Fifo('the writer of the SQLite database');

  /** @param path a file, made with mode 0600 in a folder of mode 0700 when missing; or `:memory:` */
  constructor(path: string, decoders: Decoders) {
    const shared = ['case_sensitive_like = ON', 'trusted_schema = OFF'];
    if (path === ':memory:') {
      this.#writer = new Connection(path, decoders, shared);
      return;
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its -wal and -shm files the mode of the database file.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    this.#writer = new Connection(path, decoders, [
      'busy_timeout = 5000',
      'journal_mode = WAL',
      'synchronous = NORMAL',
      // Waiting inside SQLite stops the whole program: for the write lock we wait outside, see #patiently.
      'busy_timeout = 5',
      ...shared,
    ]);
    this.#reader = new Connection(path, decoders, ['busy_timeout = 1000', 'query_only = ON', ...shared]);
  }

  async run(query: Query): Promise<Result> {
    if (query.reads && this.#reader) return this.#reader.run(query);
    if (this.#lock.tryAcquire()) {
      try {
        return this.#writer.run(query);
      } catch (error) {
        if (!(error instanceof TransactionConflict)) throw error;
      } finally {
        this.#lock.release();
      }
    }
    return this.#lock.with(() => this.#patiently(() => this.#writer.run(query)));
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const end = Date.now() + lockDeadline;
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof TransactionConflict) || Date.now() > end) throw error;
        await delay(pause * Math.random());
      }
    }
  }

  async begin(): Promise<OpenTransaction> {
    await this.#lock.acquire();
    const writer = this.#writer;
    const command = (sql: string) => writer.run({ sql, params: [], reads: false });
    try {
      await this.#patiently(() => command('BEGIN IMMEDIATE'));
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    return {
      run: async (query) => writer.run(query),
      commit: async () => {
        await this.#patiently(() => command('COMMIT'));
        this.#lock.release();
      },
      rollback: async () => {
        try {
          // Some errors (a full disk) have rolled back already.
          if (writer.db.isTransaction) command('ROLLBACK');
        } finally {
          this.#lock.release();
        }
      },
    };
  }

  async exclusively(work: (session: Session) => Promise<void>): Promise<void> {
    const transaction = await this.begin();
    try {
      await work(transaction);
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    await transaction.commit();
  }

  async close(): Promise<void> {
    await this.#lock.acquire();
    this.#reader?.db.close();
    this.#writer.db.close();
  }
}
