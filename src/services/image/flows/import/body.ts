import { Readable } from 'node:stream';
import { BadRequest } from '../../../../platform/errors/errors.ts';

/**
 * What a server sends, as a stream whose errors say what went wrong in words for whoever asked for it.
 *
 * @param from who sends it
 */
export function bodyOf(response: Response, from: string): Readable {
  const { body, headers } = response;
  if (!body) return Readable.from([]);
  const said = headers.has('content-encoding') ? null : headers.get('content-length');
  // Taken at once: fetch ends the body of an answer that is collected before anybody reads it, as if there were no more.
  const bytes = Readable.fromWeb(body as never) as Readable;
  // Before it is read nobody hears of errors; reading tells them.
  bytes.on('error', () => {});
  const told = Readable.from(
    (async function* () {
      let size = 0;
      try {
        for await (const chunk of bytes as AsyncIterable<Buffer>) {
          size += chunk.length;
          yield chunk;
        }
      } catch (cause) {
        const late = (cause as Error).name === 'TimeoutError';
        throw new BadRequest(late ? `${from} took too long.` : `${from} broke off.`, { cause });
      }
      if (said !== null && size !== Number(said)) throw new BadRequest(`${from} broke off.`);
    })(),
    { objectMode: false },
  );
  // One that is never read has not begun its generator.
  told.once('close', () => bytes.destroy());
  return told;
}
