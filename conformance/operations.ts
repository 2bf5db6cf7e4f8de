import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A documented operation of an API. */
export interface Operation {
  method: string;
  /** With placeholders: `/v3/users/{user_id}`. */
  path: string;
  /** Why upstream does not answer it as documented, where it does not. */
  unanswered?: string;
}

/** The operations of `operations-<service>.txt`: a path, its methods, and perhaps `#` with why upstream has none. */
export function readOperations(service: string): Operation[] {
  const lines = readFileSync(join(import.meta.dirname, `operations-${service}.txt`), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('/'))
    .flatMap((line) => {
      const [operations = '', why] = line.split('#').map((part) => part.trim());
      const [path = '', ...methods] = operations.split(/\s+/);
      return methods.map((method) => ({ method, path, ...(why ? { unanswered: why } : {}) }));
    });
}

/** Whether two paths differ in nothing but the names of their placeholders: `{id}`, or `:id` in a route. */
export const samePath = (one: string, other: string): boolean => shape(one) === shape(other);

const shape = (path: string): string =>
  path
    .split('?')[0]
    ?.split('/')
    .map((part) => (/^(\{\w+\}|:\w+)$/.test(part) ? '*' : part))
    .join('/') ?? '';

/** Whether a path of the one can stand where the other has a placeholder: `/a/{id}/c` is asked for by `/a/mapped/c`. */
export function isAsked(operation: string, asked: string): boolean {
  const [wanted, given] = [shape(operation).split('/'), shape(asked).split('/')];
  return wanted.length === given.length && wanted.every((part, n) => part === '*' || part === given[n]);
}
