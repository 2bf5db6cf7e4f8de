import { UnsupportedMediaType } from '../../../platform/errors/errors.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageRow } from './image.ts';
import type { Findings } from './inspection.ts';

/** Disk formats whose bytes show what they are. */
const recognizable = new Set(['qcow2', 'vmdk', 'vhdx', 'vhd', 'vdi', 'iso']);
/** What may stand in a raw disk without being anything else: the disk of a live CD is both. */
const alsoRaw = new Set(['iso']);

/**
 * Whether data is what its image says, and safe to be opened by those who boot it.
 *
 * Containers other than `bare` hold a disk rather than being one: they are not looked into.
 *
 * @returns the image's virtual size; `null` where it is not known
 * @throws UnsupportedMediaType, as newer versions of glance do
 */
export function assertFormat(
  { container_format, disk_format }: Pick<ImageRow, 'container_format' | 'disk_format'>,
  findings: Findings,
  { require_image_format_match: strict }: Pick<ImageSettings, 'require_image_format_match'>,
): number | null {
  if (container_format !== 'bare' || disk_format === null) return null;
  const { format, danger, virtualSize, size } = findings;
  if (danger !== null && (format === disk_format || !alsoRaw.has(format))) {
    throw new UnsupportedMediaType(`Image failed safety checks: as ${format}, ${danger}`);
  }
  if (format === disk_format) return virtualSize;
  const fits =
    disk_format === 'raw' ? alsoRaw.has(format) : format === 'raw' && !recognizable.has(disk_format);
  if (fits) return disk_format === 'raw' ? size : null;
  if (strict) {
    throw new UnsupportedMediaType(`Image disk_format ${disk_format} does not match stream data ${format}`);
  }
  return disk_format === 'raw' ? size : null;
}
