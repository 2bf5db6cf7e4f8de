/** Values that one statement names at most: databases take only so many (SQLite 32,766, PostgreSQL 65,535). */
const size = 500;

/** All of them in their order, as many at a time as a statement should name. */
export function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
