import { Readable } from 'node:stream';
import type { Bus } from '../../../../platform/bus/bus.ts';
import { contract } from '../../../../platform/bus/contract.ts';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import type { Staging } from '../../drivers/staging.ts';

/** What the image services of one cloud ask of each other's staging folders. */
export interface StagedImages {
  /** Bytes; `null` where nothing is staged. */
  size(args: { id: string }): Promise<{ size: number | null }>;
  /** A piece of them in base64, at most 4 MiB. */
  read(args: { id: string; offset: number; length: number }): Promise<{ bytes: string }>;
  /** Safe to repeat. */
  remove(args: { id: string }): Promise<void>;
}

export const stagedImages = contract<StagedImages>('image-staging');

const piece = 4 * 1024 * 1024;
const urlOf = (id: string): string => `file:${id}`;

export function stagedHandlers({ store, remove }: Staging): StagedImages {
  return {
    size: async ({ id }) => ({ size: await store.size(urlOf(id)).catch(() => null) }),
    async read({ id, offset, length }) {
      if (!(offset >= 0 && length >= 0 && length <= piece))
        throw new BadRequest(`At most ${piece} bytes of a staged image are read at once.`);
      return { bytes: (await store.readAt(urlOf(id), offset, length)).toString('base64') };
    },
    remove: ({ id }) => remove(id),
  };
}

/** Bytes that were staged on another host of the image service. */
export interface StagedElsewhere {
  /** Whether that host answers, and has them. */
  has(host: string, id: string): Promise<boolean>;
  /** @throws BadRequest where it does not */
  open(host: string, id: string): Promise<Readable>;
  /** A host that does not answer removes them at its next start. */
  remove(host: string, id: string): Promise<void>;
}

export function stagedElsewhere(bus: Pick<Bus, 'client'>): StagedElsewhere {
  const at = (host: string) => bus.client(stagedImages, { host });
  const sizeAt = async (host: string, id: string): Promise<number | null> =>
    (
      await at(host)
        .size({ id })
        .catch(() => null)
    )?.size ?? null;
  return {
    has: async (host, id) => (await sizeAt(host, id)) !== null,
    async open(host, id) {
      const size = await sizeAt(host, id);
      if (size === null) throw new BadRequest('The host that the image was staged on is unavailable.');
      return Readable.from(
        (async function* () {
          for (let offset = 0; offset < size; ) {
            const { bytes } = await at(host).read({ id, offset, length: Math.min(piece, size - offset) });
            const read = Buffer.from(bytes, 'base64');
            if (read.length === 0) throw new BadRequest('The staged data of the image has become shorter.');
            offset += read.length;
            yield read;
          }
        })(),
        { objectMode: false },
      );
    },
    remove: (host, id) =>
      at(host)
        .remove({ id })
        .catch(() => {}),
  };
}
