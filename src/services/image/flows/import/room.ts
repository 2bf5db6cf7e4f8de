import { statfs } from 'node:fs/promises';
import { PayloadTooLarge } from '../../../../platform/errors/errors.ts';

/** Bytes that what is unpacked or converted leaves on the disk: the database and all others write there too. */
const reserve = 2 ** 30;

/**
 * A small file can become a large one: it may not take the whole disk.
 *
 * @param needed bytes that are still to be written
 * @throws PayloadTooLarge
 */
export async function assertRoom(folder: string, needed: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(folder);
  if (bavail * bsize - needed < Math.min(reserve, (blocks * bsize) / 20))
    throw new PayloadTooLarge('The incoming image is too large: there is no room for what it becomes.');
}
