import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inspectFile } from '../../../../platform/disk-image/inspect-file.ts';
import {
  contentBytes,
  imageInfo,
  type QemuImgInfo,
  qemuImg,
} from '../../../../platform/disk-image/qemu-img.ts';
import { BadRequest, PayloadTooLarge } from '../../../../platform/errors/errors.ts';
import { CommandFailed } from '../../../../platform/exec/run.ts';
import { type FormatRules, fatalDanger } from '../../model/format-match.ts';
import { assertRoom } from './room.ts';

export const conversionFormats = ['qcow2', 'raw', 'vmdk'] as const;
export type ConversionFormat = (typeof conversionFormats)[number];

/** qemu-img's names where they are others. */
const names: Record<string, string> = { vhd: 'vpc', ploop: 'parallels' };
const nameOf = (format: string): string => names[format] ?? format;

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
  assertSingle(await orRefused(imageInfo(path, format, signal), signal), format, most);
  if (to === diskFormat) return false;
  await assertRoom(dirname(target), await orRefused(contentBytes(path, format, signal), signal));
  await rm(target, { force: true });
  try {
    const words = ['convert', '-f', format, '-O', nameOf(to), path, target];
    await orRefused(qemuImg('write', words, { signal, most: most + 2 ** 20 }), signal);
    // One format hidden in another would come out here.
    if ((await safeFormat(target, rules)) !== to)
      throw new BadRequest('Converted image in unexpected format');
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
  return true;
}

/** What qemu-img says of an image names files of this host: nobody is told. */
async function orRefused<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof CommandFailed && cause.status !== 127)
      throw new BadRequest('The image cannot be converted: it is damaged, or takes too much.', { cause });
    throw cause;
  }
}

/** That qemu-img sees one file, of the format that we see. @throws BadRequest, PayloadTooLarge */
function assertSingle(info: QemuImgInfo, format: string, most: number): void {
  if (info.format !== format) throw new BadRequest('Image metadata disagrees about format');
  if (info['backing-filename'] !== undefined)
    throw new BadRequest('QCOW images with backing files are not allowed');
  if (info['format-specific']?.data?.['data-file'] !== undefined)
    throw new BadRequest('QCOW images with data-file set are not allowed');
  if (info['virtual-size'] > most)
    throw new PayloadTooLarge('The incoming image is too large: The provided image is too large.');
}

/** What a file is; a disk with partitions is raw. @throws BadRequest for what is dangerous */
async function safeFormat(path: string, rules: ConvertOptions['rules']): Promise<string> {
  const found = await inspectFile(path);
  if (fatalDanger(found, rules) !== null) throw new BadRequest('Image has disallowed configuration');
  return found.format === 'gpt' ? 'raw' : found.format;
}
