/** One test of one column; `anyOf` holds when all the tests of one of its groups do. */
export type Condition =
  | { column: string; op: ComparisonOp; value: unknown }
  | { column: string; op: 'null' | 'notnull' }
  | { anyOf: readonly (readonly Condition[])[] };

export type ComparisonOp =
  | 'eq'
  | 'ne'
  | 'lt'
  | 'lte'
  | 'gt'
  | 'gte'
  | 'in'
  | 'nin'
  | 'like'
  | 'contains'
  | 'icontains'
  | 'startswith'
  | 'istartswith'
  | 'endswith'
  | 'iendswith'
  | 'iexact'
  | 'regex';

export interface SortKey {
  column: string;
  direction: 'asc' | 'desc';
}

export interface RowQuery<Row> {
  where?: readonly Condition[];
  sort?: readonly SortKey[];
  /** The row after which the page begins. */
  after?: Row;
  limit?: number;
}

/** The everyday verbs of one table, as `platform/store`'s repository has them; a resource asks for no more. */
export interface Rows<Row extends object> {
  find(where: readonly Condition[]): Promise<Row | undefined>;
  list(query: RowQuery<Row>): Promise<Row[]>;
  insert(row: Row): Promise<Row>;
  /** @returns how many rows were changed, so that a generation in `where` makes it a compare-and-swap */
  update(where: readonly Condition[], changes: Partial<Row>): Promise<number>;
  delete(where: readonly Condition[]): Promise<number>;
}
