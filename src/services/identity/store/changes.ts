import { type Rows, rowsOf } from '../../../platform/resource/rows.ts';
import type { AnyStore } from '../../../platform/store/store.ts';
import type { Insertable, Row, Table } from '../../../platform/store/table.ts';

/**
 * Counts the writes of identity's store, so that what is remembered of it is never older than the last of them.
 * Listeners run when the write has committed and before its caller goes on, so before the client has its answer.
 */
export class Changes {
  readonly #store: AnyStore;
  readonly #forget = new Set<() => void>();
  readonly #wrote = new Set<() => void>();
  readonly #revoked = new Set<() => void>();
  #generation = 0;

  constructor(store: AnyStore) {
    this.#store = store;
  }

  /** What was read before this number changed may be stale. */
  get generation(): number {
    return this.#generation;
  }

  /** Something was written. */
  wrote(): void {
    this.#store.afterCommit(() => this.#written());
  }

  /** Something was written after which tokens mean less than before, or nothing. */
  revoked(): void {
    this.#store.afterCommit(() => {
      this.#written();
      for (const listener of this.#revoked) listener();
    });
  }

  /** Another process wrote. */
  forget(): void {
    this.#generation++;
    for (const listener of this.#forget) listener();
  }

  #written(): void {
    this.forget();
    for (const listener of this.#wrote) listener();
  }

  /** After a write by this process. */
  onWrite(listener: () => void): void {
    this.#wrote.add(listener);
  }

  onForget(listener: () => void): void {
    this.#forget.add(listener);
  }

  onRevoked(listener: () => void): void {
    this.#revoked.add(listener);
  }
}

/** The rows of a table whose writes are counted. */
export function countedRows<T extends Table>(
  store: AnyStore,
  table: T,
  changes: Changes,
): Rows<Row<T>, Insertable<T>> {
  const rows = rowsOf(store, table);
  const counted = async <R>(work: Promise<R>, count: () => void): Promise<R> => {
    const result = await work;
    count();
    return result;
  };
  return {
    ...rows,
    insert: (row) => counted(rows.insert(row), () => changes.wrote()),
    // Names and roles stand in what other services remember of a token, so they must look again.
    update: (where, changed) => counted(rows.update(where, changed), () => changes.revoked()),
    delete: (where) => counted(rows.delete(where), () => changes.revoked()),
  };
}
