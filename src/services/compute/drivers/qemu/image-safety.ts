import { inspectFile } from '../../../../platform/disk-image/inspect-file.ts';
import { imageInfo } from '../../../../platform/disk-image/qemu-img.ts';
import { BadRequest } from '../../../../platform/errors/errors.ts';

/** Formats in which images may come. The names are the image service's. */
export type ImageFormat = 'raw' | 'iso' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx';

/** QEMU's names. */
export const qemuFormat = (format: ImageFormat): string =>
  ({ iso: 'raw', vhd: 'vpc' })[format as string] ?? format;

/** What a raw disk may be to its guest. */
const raw = new Set(['raw', 'gpt', 'luks', 'iso']);

/**
 * Refuses a stranger's file that is not of the format that it is said to be, or is known to be dangerous, as nova does;
 * whatever the image service thought of it. QEMU must not have seen it before.
 *
 * @throws BadRequest
 */
export async function assertImageSafe(path: string, format: ImageFormat): Promise<void> {
  const found = await inspectFile(path);
  if (format === 'raw' ? !raw.has(found.format) : found.format !== format)
    throw new BadRequest(`Image content does not match disk_format: it is ${found.format}, not ${format}.`);
  // To QEMU a raw disk is bytes, whatever partitions it seems to have.
  if (found.danger !== null && found.format !== 'gpt')
    throw new BadRequest(`Image does not pass safety check: ${found.danger}.`);
}

/** Refuses a raw file that came out of another format and is one again. @throws BadRequest */
export async function assertStaysRaw(path: string): Promise<void> {
  const { format } = await inspectFile(path);
  if (!raw.has(format)) throw new BadRequest(`Converted to raw, but format is now ${format}.`);
}

/**
 * Looks at an image under the format that is named, and refuses one that would make QEMU open other files: a
 * backing file, an external data file, a VMDK made of several extents. An uploader could name the host's own
 * files there (CVE-2024-32498 and its like).
 *
 * @param format as QEMU calls it
 * @returns bytes that a guest sees
 * @throws BadRequest
 */
export async function inspectImage(path: string, format: string): Promise<{ virtualSize: number }> {
  const info = await imageInfo(path, format).catch((cause: unknown) => {
    throw new BadRequest(`The image is not a valid ${format} image.`, { cause });
  });
  const specific = info['format-specific']?.data;
  if (info['backing-filename'] !== undefined || info['full-backing-filename'] !== undefined)
    throw new BadRequest('The image has a backing file, which is not allowed.');
  if (specific?.['data-file'] !== undefined)
    throw new BadRequest('The image has an external data file, which is not allowed.');
  if (format === 'vmdk' && !['monolithicSparse', 'streamOptimized'].includes(specific?.['create-type'] ?? ''))
    throw new BadRequest(`VMDK images of type ${specific?.['create-type']} are not allowed.`);
  if (info.encrypted === true) throw new BadRequest('The image is encrypted, and nobody here has its key.');
  return { virtualSize: info['virtual-size'] };
}
