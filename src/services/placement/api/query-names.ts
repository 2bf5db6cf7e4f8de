import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { failed } from '../model/query-values.ts';

/** @throws BadRequest for a query parameter that the operation does not have */
export function assertOnly(call: Call, names: readonly string[]): void {
  const others = Object.keys(call.query).filter((name) => !names.includes(name));
  if (others.length === 0) return;
  const list = others.map((name) => `'${name}'`).join(', ');
  throw invalidQuery(
    `Additional properties are not allowed (${list} ${others.length === 1 ? 'was' : 'were'} unexpected)${failed('additionalProperties', call.query)}`,
  );
}

export const invalidQuery = (what: string): BadRequest =>
  new BadRequest(`Invalid query string parameters: ${what}`);
