import type { Compilable, Kysely } from 'kysely';
import { keyNames } from './ddl.ts';
import { Decoders, decodedColumns } from './decode.ts';
import type { Dialect, Engine, Query, Result } from './engine.ts';
import { kyselyOver } from './kysely.ts';
import { migrate } from './migrate.ts';
import { type PreparedQuery, preparedQuery } from './prepared.ts';
import type { Database, Schema, Tables } from './schema.ts';
import type { ServerOptions } from './server-options.ts';
import { Transactions } from './transaction.ts';

export interface StoreOptions {
  /**
   * `sqlite:/path/x.db`, `sqlite::memory:`, `postgres://user@host/database`, `mysql://user@host/database`. The
   * database is created when it is missing and the user may. Sockets: `?host=/folder`, `?socketPath=/file`.
   */
  url: string;
  /** The most connections to a database server. Default 10. */
  connections?: number;
  /** Told of errors in `afterCommit` functions, which have nobody else to tell. Default: a process warning. */
  onError?: (error: unknown) => void;
}

/** What does not depend on which tables there are. */
export interface AnyStore {
  readonly dialect: Dialect;
  /**
   * Runs `work` in a SERIALIZABLE transaction that every query of this store inside it joins, at any depth of calls.
   * A call inside another joins it. After a conflict with another transaction `work` runs again from its start, so
   * it must do nothing outside of the store (see `afterCommit`). Any error, of `work` or of the database, rolls
   * back; after an error of the database nothing more can be done inside.
   *
   * @throws what `work` throws; TransactionConflict when conflicts did not end
   */
  transaction<T>(work: () => Promise<T> | T): Promise<T>;
  /** Runs `hook` when the outermost transaction has committed, never when it rolled back; at once outside of one. */
  afterCommit(hook: () => unknown): void;
  /** True inside a transaction of this store. */
  readonly inTransaction: boolean;
  /** Runs SQL with the transaction rules and decoding of everything else. For this folder's own use. */
  run(query: Query): Promise<Result>;
  /** Waits for what is running on SQLite, then closes all connections. */
  close(): Promise<void>;
}

/** A service's database. */
export interface Store<T extends Tables = Tables> extends AnyStore {
  readonly db: Kysely<Database<T>>;
  readonly tables: T;
  /**
   * A query for hot paths, compiled once:
   *
   *     const flavorById = store.prepared((db, args: { id: string }) =>
   *       db.selectFrom('flavors').selectAll().where('id', '=', args.id));
   *     const flavor = await flavorById.first({ id });
   */
  prepared<Args extends object, Out>(
    build: (db: Kysely<Database<T>>, args: Args) => Compilable<Out>,
  ): PreparedQuery<Args, Out>;
}

/**
 * Opens a service's database and brings it to the schema's last migration.
 *
 * @throws Error when the database cannot be reached, is newer than the program, or a migration fails
 */
export async function openStore<T extends Tables>(
  schema: Schema<T>,
  options: StoreOptions,
): Promise<Store<T>> {
  const decoders = new Decoders(decodedColumns(Object.values(schema.tables)));
  const engine = await openEngine(schema, options, decoders);
  try {
    await migrate(engine, schema);
  } catch (error) {
    await engine.close();
    throw error;
  }
  const transactions = new Transactions(
    engine,
    options.onError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error))),
  );
  const run = (query: Query) => transactions.run(query);
  const db = kyselyOver<Database<T>>(engine.dialect, run);
  let closed: Promise<void> | undefined;
  return {
    dialect: engine.dialect,
    db,
    tables: schema.tables,
    run,
    transaction: (work) => transactions.transaction(work),
    afterCommit: (hook) => transactions.afterCommit(hook),
    get inTransaction() {
      return transactions.open;
    },
    prepared: (build) => preparedQuery(db, run, build),
    close() {
      closed ??= engine.close();
      return closed;
    },
  };
}

async function openEngine(schema: Schema, options: StoreOptions, decoders: Decoders): Promise<Engine> {
  const scheme = /^([a-z]+):/.exec(options.url)?.[1];
  // Drivers are loaded when they are needed: a cloud on SQLite has no use for 10 MB of others.
  switch (scheme) {
    case 'sqlite': {
      const { SqliteEngine } = await import('./sqlite.ts');
      return new SqliteEngine(options.url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, ''), decoders);
    }
    case 'postgres':
    case 'postgresql': {
      const { PostgresEngine } = await import('./postgres.ts');
      return PostgresEngine.open(serverOptions(schema, options, decoders));
    }
    case 'mysql':
    case 'mariadb': {
      const { MariadbEngine } = await import('./mariadb.ts');
      return MariadbEngine.open(serverOptions(schema, options, decoders));
    }
    default:
      throw new Error(
        `the store of ${schema.name} cannot be at "${scheme ?? ''}:": sqlite, postgres or mysql`,
      );
  }
}

function serverOptions(schema: Schema, options: StoreOptions, decoders: Decoders): ServerOptions {
  const { url, connections = 10 } = options;
  // Checked here because the error of `new URL` carries the whole of it, with the password.
  if (!URL.canParse(url)) throw new Error(`the store of ${schema.name} has a URL that is none`);
  return { name: schema.name, url, connections, decoders, keys: keyNames(Object.values(schema.tables)) };
}
