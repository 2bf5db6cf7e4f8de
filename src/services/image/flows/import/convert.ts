import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inspectFile } from '../../../../platform/disk-image/inspect-file.ts';
import { BadRequest, PayloadTooLarge } from '../../../../platform/errors/errors.ts';
import { CommandFailed, run } from '../../../../platform/exec/run.ts';
import { type FormatRules, fatalDanger } from '../../model/format-match.ts';
import { assertRoom } from './room.ts';

export const conversionFormats = ['qcow2', 'raw', 'vmdk'] as const;
export type ConversionFormat = (typeof conversionFormats)[number];

/** qemu-img's names where they are others. */
const names: Record<string, string> = { vhd: 'vpc', ploop: 'parallels' };
const nameOf = (format: string): string => names[format] ?? format;

/** Crafted images can make qemu-img take endless time and memory: bytes of address space, seconds of processor. */
const limits = { look: ['--as=1073741824', '--cpu=30'], convert: ['--as=2147483648', '--cpu=3600'] } as const;
const longest = { look: 60_000, convert: 6 * 3_600_000 } as const;

export interface ConvertOptions {
  /** What the image says that it is. */
  diskFormat: string;
  to: ConversionFormat;
  /** Bytes that a guest may see. */
  most: number;
  rules: Pick<FormatRules, 'gpt_safety_checks_nonfatal'>;
  signal: AbortSignal;
}

/**
 * Turns an image into another format. Nothing is opened by qemu-img before our own look at it has passed, and what it
 * makes is looked at again. What fails leaves no file.
 *
 * @returns whether there was anything to do; if not, nothing is written
 * @throws BadRequest for what is not what it says or may not be opened, PayloadTooLarge
 */
export async function convert(path: string, target: string, options: ConvertOptions): Promise<boolean> {
  const { diskFormat, to, most, rules, signal } = options;
  const found = await safeFormat(path, rules);
  if (found === 'iso') {
    // An installation disk stays what it is; one that claims to be something else is refused.
    if (diskFormat === 'iso') return false;
    throw new BadRequest('Image has disallowed configuration');
  }
  if (found !== diskFormat) throw new BadRequest('Image format mismatch');
  const format = nameOf(diskFormat);
  const look = async (verb: 'info' | 'measure', ...words: string[]): Promise<unknown> =>
    JSON.parse(await qemuImg('look', [verb, '-f', format, '--output=json', ...words, path], signal));
  assertSingle(await look('info'), format, most);
  if (to === diskFormat) return false;
  // Many parts of a small file may be one and the same: it is counted before it is written how much comes out. As qcow2,
  // since of others qemu-img does not count what is not there.
  const measured = (await look('measure', '-O', 'qcow2')) as { required?: number };
  await assertRoom(dirname(target), measured.required ?? 0);
  await rm(target, { force: true });
  try {
    const words = ['convert', '-f', format, '-O', nameOf(to), path, target];
    await qemuImg('convert', words, signal, [`--fsize=${most + 2 ** 20}`]);
    // One format hidden in another would come out here.
    if ((await safeFormat(target, rules)) !== to)
      throw new BadRequest('Converted image in unexpected format');
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
  return true;
}

async function qemuImg(
  work: keyof typeof limits,
  words: readonly string[],
  signal: AbortSignal,
  more: readonly string[] = [],
): Promise<string> {
  const command = ['prlimit', ...limits[work], ...more, '--', 'qemu-img', ...words] as const;
  try {
    return (await run(command, { deadline: longest[work], signal })).stdout;
  } catch (cause) {
    signal.throwIfAborted();
    // What it says of the image names files of this host.
    if (cause instanceof CommandFailed && cause.status !== 127)
      throw new BadRequest('The image cannot be converted: it is damaged, or takes too much.', { cause });
    throw cause;
  }
}

/** That qemu-img sees one file, of the format that we see. @throws BadRequest, PayloadTooLarge */
function assertSingle(looked: unknown, format: string, most: number): void {
  const info = looked as {
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
}

/** What a file is; a disk with partitions is raw. @throws BadRequest for what is dangerous */
async function safeFormat(path: string, rules: ConvertOptions['rules']): Promise<string> {
  const found = await inspectFile(path);
  if (fatalDanger(found, rules) !== null) throw new BadRequest('Image has disallowed configuration');
  return found.format === 'gpt' ? 'raw' : found.format;
}
