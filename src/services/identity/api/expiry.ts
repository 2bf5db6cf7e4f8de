import { BadRequest } from '../../../platform/errors/errors.ts';
import { nowMicros, parseIsoTime, toIsoTime } from '../model/timestamps.ts';

/**
 * When something that is handed out shall end.
 * @returns ISO 8601 with microseconds; null for never
 * @throws BadRequest for what is no time or not to come
 */
export function expiry(asked: string | null | undefined): string | null {
  if (asked === undefined || asked === null || asked === '') return null;
  let micros: number;
  try {
    micros = parseIsoTime(asked);
  } catch {
    throw new BadRequest('The expires_at must be a valid ISO 8601 timestamp, such as 2030-01-31T12:00:00Z.');
  }
  if (micros <= nowMicros()) {
    throw new BadRequest(
      "The 'expires_at' must not be before now. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.",
    );
  }
  return toIsoTime(micros);
}
