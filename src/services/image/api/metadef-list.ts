import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Sort } from '../../../platform/store/list.ts';
import type { ColumnName, Table } from '../../../platform/store/table.ts';

const mostListed = 1000;
export const defaultLimit = 25;

/** @throws BadRequest */
export function limitOf(call: Call, byDefault: number | undefined): number | undefined {
  const text = call.queryValue('limit');
  if (text === undefined || text === '') return byDefault;
  if (!/^\s*[-+]?\d{1,15}\s*$/.test(text)) throw new BadRequest('limit param must be an integer');
  if (Number(text) < 0) throw new BadRequest('limit param must be positive');
  return Math.min(Number(text), mostListed);
}

/** @throws BadRequest */
export function visibilityOf(call: Call, allowed: readonly string[]): string | undefined {
  const visibility = call.queryValue('visibility');
  if (visibility && !allowed.includes(visibility))
    throw new BadRequest(`Invalid visibility value: ${visibility}`);
  return visibility || undefined;
}

/** @throws BadRequest */
export function directionOf(call: Call): 'asc' | 'desc' {
  const direction = call.queryValue('sort_dir') ?? 'desc';
  if (direction !== 'asc' && direction !== 'desc')
    throw new BadRequest(`Invalid sort direction: ${direction}`);
  return direction;
}

/**
 * The order that a query asks for; what is alike in it is in the order of its making.
 *
 * @throws BadRequest
 */
export function sortOf<T extends Table>(call: Call, table: T): Sort<T>[] {
  const direction = directionOf(call);
  const asked = call.queryValue('sort_key') ?? 'created_at';
  // Upstream's rows have a number each that grows; ours are told apart by their names.
  const key = asked === 'id' ? 'created_at' : asked;
  if (!Object.hasOwn(table.columns, key) || table.columns[key]?.kind === 'json')
    throw new BadRequest(`Invalid sort key: ${asked.slice(0, 80)}`);
  return [...new Set([key, 'created_at'])].map((column) => ({
    column: column as ColumnName<T>,
    direction,
  }));
}
