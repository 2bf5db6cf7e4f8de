import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type Dialect as KyselyDialect,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { bindAll, type Dialect, type Query, type Result } from './engine.ts';

type Run = (query: Query) => Promise<Result>;

const named = (node: unknown): string | undefined => {
  const table = node as { table?: { identifier?: { name?: string } } } | undefined;
  return table?.table?.identifier?.name;
};

const refuse = async (): Promise<never> => {
  throw new Error('use store.transaction(): it runs again after conflicts');
};

/** Does a compiled query only read, and which table does it change? */
export function natureOf(query: RootOperationNode, sql: string): { reads: boolean; table?: string } {
  switch (query.kind) {
    case 'SelectQueryNode':
      return { reads: true };
    case 'InsertQueryNode':
      return { reads: false, table: named(query.into) };
    case 'UpdateQueryNode':
      return { reads: false, table: named(query.table) };
    case 'DeleteQueryNode':
      return { reads: false, table: named(query.from.froms[0]) };
    default:
      return { reads: /^\s*select\b/i.test(sql) };
  }
}

/** Kysely for one of the databases; each query goes to `run`, which knows of transactions. */
export function kyselyOver<DB>(dialect: Dialect, run: Run): Kysely<DB> {
  const connection: DatabaseConnection = {
    async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
      const { reads, table } = natureOf(compiled.query, compiled.sql);
      const { rows, affected } = await run({
        sql: compiled.sql,
        params: bindAll(compiled.parameters),
        reads,
        table,
      });
      return reads ? { rows: rows as R[] } : { rows: rows as R[], numAffectedRows: BigInt(affected) };
    },
    // oxlint-disable-next-line require-yield
    async *streamQuery(): AsyncGenerator<never> {
      throw new Error('results are not streamed: page with listRows()');
    },
  };
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    destroy: async () => {},
  };
  const parts: Record<Dialect, KyselyDialect> = {
    sqlite: {
      createDriver: () => driver,
      createAdapter: () => new SqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    },
    postgres: {
      createDriver: () => driver,
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
    mariadb: {
      createDriver: () => driver,
      createAdapter: () => new MysqlAdapter(),
      createQueryCompiler: () => new MysqlQueryCompiler(),
      createIntrospector: (db) => new MysqlIntrospector(db),
    },
  };
  return new Kysely<DB>({ dialect: parts[dialect] });
}
