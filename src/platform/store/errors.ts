/** What the database refused. These are the store's own words: an API turns them into its errors. */
export class StoreError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** A row with the same key is there already. */
export class UniqueViolation extends StoreError {
  readonly table: string;
  readonly columns: readonly string[];

  constructor(table: string, columns: readonly string[], cause?: unknown) {
    super(`${table} has a row with the same ${columns.join(', ') || 'key'}`, cause);
    this.table = table;
    this.columns = columns;
  }
}

/** A row refers to one that is not there, or one that is still referred to was to be deleted. */
export class ForeignKeyViolation extends StoreError {
  /** The table that the statement changed. */
  readonly table: string;

  constructor(table: string, cause?: unknown) {
    super(`${table}: a row would refer to one that is not there`, cause);
    this.table = table;
  }
}

/** Two transactions stood in each other's way. `store.transaction` runs again; seen only when that never helped. */
export class TransactionConflict extends StoreError {}

/** A value that no database can hold the same way: undefined, NaN, a function, text with a NUL. */
export class ValueRefused extends StoreError {}
