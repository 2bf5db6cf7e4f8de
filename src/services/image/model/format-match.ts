import type { Findings } from '../../../platform/disk-image/inspection.ts';
import { UnsupportedMediaType } from '../../../platform/errors/errors.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageRow } from './image.ts';

/** Disk formats whose bytes show what they are. */
const recognizable = new Set(['qcow2', 'vmdk', 'vhdx', 'vhd', 'vdi', 'iso', 'ploop']);
/** What a raw disk may be to its guest: it has partitions, is encrypted, or is that of a live CD. */
const alsoRaw = new Set(['gpt', 'luks', 'iso']);

/** What an operator says of inspection. */
export type FormatRules = Pick<ImageSettings, 'require_image_format_match' | 'gpt_safety_checks_nonfatal'>;

/** Why nobody may open data, unless the operator takes it all the same. */
export function fatalDanger(
  { danger, check }: Findings,
  { gpt_safety_checks_nonfatal: harmless }: Pick<FormatRules, 'gpt_safety_checks_nonfatal'>,
): string | null {
  return check !== undefined && harmless.includes(check) ? null : danger;
}

/**
 * Whether data is what its image says, and safe to be opened by those who boot it. Stricter than upstream: a raw image
 * that is really a qcow2 or the like is refused.
 *
 * Containers other than `bare` hold a disk rather than being one: they are not looked into.
 *
 * @returns the image's virtual size; `null` where it is not known
 * @throws UnsupportedMediaType, as newer versions of glance do
 */
export function assertFormat(
  { container_format, disk_format }: Pick<ImageRow, 'container_format' | 'disk_format'>,
  findings: Findings,
  rules: FormatRules,
): number | null {
  if (container_format !== 'bare' || disk_format === null) return null;
  const { format, virtualSize, size } = findings;
  const danger = fatalDanger(findings, rules);
  if (danger !== null && (format !== 'gpt' || disk_format === 'raw')) {
    throw new UnsupportedMediaType(`Image failed safety checks: as ${format}, ${danger}`);
  }
  if (format === disk_format) return virtualSize;
  const fits =
    disk_format === 'raw' ? alsoRaw.has(format) : format === 'raw' && !recognizable.has(disk_format);
  if (fits) return disk_format === 'raw' ? size : null;
  if (rules.require_image_format_match) {
    throw new UnsupportedMediaType(`Image disk_format ${disk_format} does not match stream data ${format}`);
  }
  return disk_format === 'raw' ? size : null;
}
