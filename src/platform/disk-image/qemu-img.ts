import { statfs } from 'node:fs/promises';
import { run } from '../exec/run.ts';

/** Crafted images can make qemu-img take endless time and memory: bytes of address space, seconds of processor. */
const limits = { look: ['--as=1073741824', '--cpu=30'], write: ['--as=2147483648', '--cpu=3600'] } as const;
/**
 * Where this process is killed nobody waits for it any more: it goes too. The kernel asks the thread that began it,
 * which is the main one, and forgets it for no program that is started in its place.
 */
const withUs = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
/** Milliseconds. */
const longest = { look: 60_000, write: 6 * 3_600_000 } as const;
/** Bytes that are left on a disk that others write to as well. */
const reserve = 2 ** 30;

export interface QemuImgOptions {
  signal?: AbortSignal;
  /** The most bytes of a file that it writes. */
  most?: number;
}

/**
 * Runs qemu-img on an image of a stranger, which `inspectFile` has passed before: with limits of memory, time and what
 * it writes, and no longer than this process lives.
 *
 * @param words what it is to do, with the image's format: it must never guess
 * @returns what it printed
 * @throws CommandFailed
 */
export async function qemuImg(
  work: 'look' | 'write',
  words: readonly string[],
  { signal, most }: QemuImgOptions = {},
): Promise<string> {
  const more = most === undefined ? [] : [`--fsize=${most}`];
  const command = [...withUs, 'prlimit', ...limits[work], ...more, '--', 'qemu-img', ...words] as const;
  return (await run(command, { deadline: longest[work], ...(signal ? { signal } : {}) })).stdout;
}

/** What qemu-img sees of an image under a format of its own naming; undefined members are not there. */
export interface QemuImgInfo {
  format: string;
  'virtual-size': number;
  'backing-filename'?: string;
  'full-backing-filename'?: string;
  encrypted?: boolean;
  'format-specific'?: {
    data?: { 'data-file'?: string; 'create-type'?: string; extents?: { filename: string }[] };
  };
}

export async function imageInfo(path: string, format: string, signal?: AbortSignal): Promise<QemuImgInfo> {
  const words = ['info', '--output=json', '-f', format, path];
  return JSON.parse(await qemuImg('look', words, signal ? { signal } : {})) as QemuImgInfo;
}

/**
 * How many bytes of a disk there really are, whatever they take in the image: many of its parts may be one and the same
 * there, so that a small file becomes a large one. About, since it is counted as qcow2: of others qemu-img does not
 * count what is not there.
 */
export async function contentBytes(path: string, format: string, signal?: AbortSignal): Promise<number> {
  const words = ['measure', '--output=json', '-f', format, '-O', 'qcow2', path];
  const { required } = JSON.parse(await qemuImg('look', words, signal ? { signal } : {})) as {
    required?: number;
  };
  return required ?? 0;
}

/** Whether so many bytes more leave a folder's disk enough for everybody else: 1 GiB, or a twentieth of a small one. */
export async function hasRoom(folder: string, bytes: number): Promise<boolean> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return bavail * bsize - bytes >= Math.min(reserve, (blocks * bsize) / 20);
}
