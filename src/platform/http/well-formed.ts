/** Escapes by which JSON may carry what is no text: NUL, and halves of surrogate pairs. */
const suspicious = /\\u(?:0000|d[89a-f])/i;

/**
 * Whether every text in a JSON document is one that every database can hold and every client can read: no NUL
 * (PostgreSQL has none), no half of a surrogate pair (UTF-8 has none).
 *
 * @param document as it was sent
 * @param value what it means
 */
export const isWellFormed = (document: string, value: unknown): boolean =>
  !suspicious.test(document) || allWellFormed(value);

function allWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, each]) => allWellFormed(name) && allWellFormed(each));
}
