import { Readable } from 'node:stream';
import { BadRequest } from '../../../../platform/errors/errors.ts';

/**
 * What a server sends, as a stream whose errors say what went wrong in words for whoever asked for it.
 *
 * @param from who sends it
 */
export function bodyOf({ body }: Response, from: string): Readable {
  if (!body) return Readable.from([]);
  return Readable.from(
    (async function* () {
      try {
        yield* body;
      } catch (cause) {
        const late = (cause as Error).name === 'TimeoutError';
        throw new BadRequest(late ? `${from} took too long.` : `${from} broke off.`, { cause });
      }
    })(),
    { objectMode: false },
  );
}
