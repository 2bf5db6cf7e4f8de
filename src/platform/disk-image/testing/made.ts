import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../exec/run.ts';
import { type Findings, Inspection } from '../inspection.ts';

/** What is seen of bytes that come in pieces of this length. */
export function inspect(bytes: Uint8Array, piece = 1024 * 1024): Findings {
  const inspection = new Inspection();
  for (let at = 0; at < bytes.length; at += piece) inspection.add(bytes.subarray(at, at + piece));
  return inspection.finish();
}

/** A folder for the files of a test, and what QEMU makes in it. */
export async function imageFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'cumulet-disk-image-'));
  return {
    path: (name: string) => join(folder, name),
    qemuImg: (...words: string[]) => run(['qemu-img', ...words], { cwd: folder }),
    /** An image as QEMU makes it, in its words; without a size where that is said by something else. */
    async made(
      format: string,
      options: readonly string[] = [],
      size = '8M',
      name = `made.${format}`,
    ): Promise<Buffer> {
      await run(['qemu-img', 'create', '-q', '-f', format, ...options, name, ...(size ? [size] : [])], {
        cwd: folder,
      });
      return readFile(join(folder, name));
    },
    /** How large QEMU says that a file is to a guest, in bytes. */
    async virtualSize(format: string, name: string): Promise<number> {
      const { stdout } = await run(['qemu-img', 'info', '-f', format, '--output=json', name], {
        cwd: folder,
      });
      return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'];
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
export type ImageFolder = Awaited<ReturnType<typeof imageFolder>>;
