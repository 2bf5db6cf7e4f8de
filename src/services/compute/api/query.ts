import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';

/**
 * Refuses query parameters that an operation does not have, which it ignored before 2.75.
 *
 * @param known the parameters at the microversion of the call
 * @throws BadRequest
 */
export function assertQuery(call: Call, known: readonly string[], since = '2.75'): void {
  if (!call.since(since)) return;
  const unknown = Object.keys(call.query).find((param) => !known.includes(param));
  if (unknown !== undefined)
    throw new BadRequest(`Additional properties are not allowed ('${unknown}' was unexpected)`);
}

/** A time as old parts of the API show it: `2026-01-31T12:34:56.000000`. */
export const shownTime = (stored: string | null): string | null => stored?.slice(0, 26) ?? null;

export const isUuid = (text: string): boolean => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text);
