/** A process of its own that fetches a base image, for tests that kill it: `base-process.ts <folder> <image> <sha512> <stop>`. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { BaseImages } from '../qemu/base-images.ts';

const [folder = '', image = '', value = '', stop = ''] = process.argv.slice(2);

/** The half of it, and then nothing for ever. */
async function* half(): AsyncGenerator<Buffer> {
  yield await createReadStream(image, { end: 99_999 }).toArray().then(Buffer.concat);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}

await new BaseImages(folder).obtain({
  imageId: 'killed',
  format: 'qcow2',
  hash: { algorithm: 'sha512', value },
  open: async () => (stop === 'download' ? Readable.from(half()) : createReadStream(image)),
});
