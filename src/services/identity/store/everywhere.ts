import type { Condition, RowQuery, Rows } from '../../../platform/resource/rows.ts';
import { matches } from './matching.ts';

interface Others<R extends object> {
  find(id: string): Promise<R | undefined>;
  list(domainId: string | undefined, query: RowQuery<R>): Promise<R[]>;
}

/**
 * The rows of a table, and those of the same kind that are elsewhere: found by id, and listed by domain. Those of the
 * table come first, so that somebody who is in it stays who he is whatever a directory says.
 */
export function everywhere<R extends { id: string; domain_id: string }, New extends object>(
  rows: Rows<R, New>,
  others: Others<R> | undefined,
): Rows<R, New> {
  if (!others) return rows;
  return {
    ...rows,
    async find(where) {
      const found = await rows.find(where);
      const id = valueOf(where, 'id');
      if (found || id === undefined) return found;
      const other = await others.find(id);
      return other && matches(other, where) ? other : undefined;
    },
    async list(query) {
      const { where = [], after, limit } = query;
      const domainId = valueOf(where, 'domain_id');
      const inTable = after && (await rows.find([{ column: 'id', op: 'eq', value: after.id }]));
      const first = after && !inTable ? [] : await rows.list(query);
      const room = limit === undefined ? undefined : limit - first.length;
      if (room === 0) return first;
      const { after: _after, limit: _limit, ...rest } = query;
      const then = await others.list(domainId, {
        ...rest,
        ...(after && !inTable ? { after } : {}),
        ...(room === undefined ? {} : { limit: room }),
      });
      return [...first, ...then];
    },
  };
}

function valueOf(where: readonly Condition[], column: string): string | undefined {
  for (const each of where) {
    if ('column' in each && each.column === column && each.op === 'eq') return String(each.value);
  }
  return undefined;
}
