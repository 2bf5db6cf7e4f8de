import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import { type Bound, bind, type Query, type Result } from './engine.ts';
import { natureOf } from './kysely.ts';

/** A query that was compiled once; each call costs binding and reading only. */
export interface PreparedQuery<Args, Out> {
  all(args: Args): Promise<Out[]>;
  first(args: Args): Promise<Out | undefined>;
  /** For writes: how many rows were matched. */
  run(args: Args): Promise<number>;
}

/** Stands for a value that is given later, while the query is built. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Compiles `build` at the first use.
 *
 * Arguments stand where values stand (`where('id', '=', args.id)`, `limit(args.limit)`, `set`, `values`): they are
 * not there yet while the query is built, so code cannot branch on them, and a list for `in` cannot be one of them.
 */
export function preparedQuery<DB, Args extends object, Out>(
  db: Kysely<DB>,
  run: (query: Query) => Promise<Result>,
  build: (db: Kysely<DB>, args: Args) => Compilable<Out>,
): PreparedQuery<Args, Out> {
  let compiled:
    | { sql: string; reads: boolean; table?: string; params: readonly (Bound | Placeholder)[] }
    | undefined;
  const compile = () => {
    const args = new Proxy({} as Args, {
      get: (_, name) => new Placeholder(String(name)),
    });
    const query: CompiledQuery = build(db, args).compile();
    const params = query.parameters.map((each) => (each instanceof Placeholder ? each : bind(each)));
    compiled = { sql: query.sql, params, ...natureOf(query.query, query.sql) };
    return compiled;
  };
  const execute = (args: Args): Promise<Result> => {
    const { sql, reads, table, params } = compiled ?? compile();
    const bound = Array<Bound>(params.length);
    for (let i = 0; i < params.length; i++) {
      const param = params[i];
      bound[i] = param instanceof Placeholder ? bind(args[param.name as keyof Args]) : (param as Bound);
    }
    return run({ sql, reads, table, params: bound, lasting: true });
  };
  return {
    all: async (args) => (await execute(args)).rows as Out[],
    first: async (args) => (await execute(args)).rows[0] as Out | undefined,
    run: async (args) => (await execute(args)).affected,
  };
}
