import { rm } from 'node:fs/promises';
import { BadRequest, PayloadTooLarge } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import type { Findings } from '../../model/inspection.ts';
import { inspectFile } from './inspect-file.ts';

export const conversionFormats = ['qcow2', 'raw', 'vmdk'] as const;
export type ConversionFormat = (typeof conversionFormats)[number];

/** qemu-img's names where they are others. */
const names: Record<string, string> = { vhd: 'vpc', ploop: 'parallels' };
const nameOf = (format: string): string => names[format] ?? format;

/** Crafted images can make qemu-img take endless time and memory: bytes of address space, seconds of processor. */
const limits = { info: ['--as=1073741824', '--cpu=30'], convert: ['--as=2147483648', '--cpu=3600'] } as const;

/**
 * Turns an image into another format. Nothing is opened by qemu-img before our own look at it has passed, and what it
 * makes is looked at again.
 *
 * @param diskFormat what the image says that it is
 * @param most bytes that a guest may see
 * @returns whether there was anything to do; if not, nothing is written
 * @throws BadRequest for what is not what it says or may not be opened, PayloadTooLarge
 */
export async function convert(
  path: string,
  target: string,
  options: { diskFormat: string; to: ConversionFormat; most: number; signal: AbortSignal },
): Promise<boolean> {
  const { diskFormat, to, most, signal } = options;
  const found = safe(await inspectFile(path));
  if (found.format === 'iso') {
    // An installation disk stays what it is; one that claims to be something else is refused.
    if (diskFormat === 'iso') return false;
    throw new BadRequest('Image has disallowed configuration');
  }
  if (found.format !== diskFormat) throw new BadRequest('Image format mismatch');
  const format = nameOf(diskFormat);
  const { stdout } = await run(
    ['prlimit', ...limits.info, '--', 'qemu-img', 'info', '-f', format, '--output=json', path],
    { deadline: 60_000, signal },
  );
  const info = JSON.parse(stdout) as {
    format?: string;
    'virtual-size'?: number;
    'backing-filename'?: string;
    'format-specific'?: { data?: { 'data-file'?: string } };
  };
  if (info.format !== format) throw new BadRequest('Image metadata disagrees about format');
  if (info['backing-filename'] !== undefined)
    throw new BadRequest('QCOW images with backing files are not allowed');
  if (info['format-specific']?.data?.['data-file'] !== undefined)
    throw new BadRequest('QCOW images with data-file set are not allowed');
  if ((info['virtual-size'] ?? 0) > most)
    throw new PayloadTooLarge('The incoming image is too large: The provided image is too large.');
  if (to === diskFormat) return false;
  await rm(target, { force: true });
  const limited = ['prlimit', ...limits.convert, `--fsize=${most + 2 ** 20}`, '--'] as const;
  await run([...limited, 'qemu-img', 'convert', '-f', format, '-O', nameOf(to), path, target], {
    deadline: 6 * 3_600_000,
    signal,
  });
  // One format hidden in another would come out here.
  if (safe(await inspectFile(target)).format !== to)
    throw new BadRequest('Converted image in unexpected format');
  return true;
}

function safe(found: Findings): Findings {
  if (found.danger !== null) throw new BadRequest('Image has disallowed configuration');
  return found;
}
