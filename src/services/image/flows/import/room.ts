import { hasRoom } from '../../../../platform/disk-image/qemu-img.ts';
import { PayloadTooLarge } from '../../../../platform/errors/errors.ts';

/**
 * A small file can become a large one: it may not take the whole disk.
 *
 * @param needed bytes that are still to be written
 * @throws PayloadTooLarge
 */
export async function assertRoom(folder: string, needed: number): Promise<void> {
  if (!(await hasRoom(folder, needed)))
    throw new PayloadTooLarge('The incoming image is too large: there is no room for what it becomes.');
}
