import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../../platform/exec/run.ts';

const builder = join(import.meta.dirname, '../../../../../guest/build.ts');

/**
 * The tiny guest image for tests, built once for all of them; or why it cannot be had, or run, here.
 * `CUMULET_GUEST_IMAGE` names one that is there already.
 */
export async function guestImageForTests(): Promise<{ path: string } | { missing: string }> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return { missing: 'needs root on Linux' };
  for (const tool of ['qemu-system-x86_64', 'qemu-img', 'genisoimage'])
    if (
      await run([tool, '--version'])
        .catch(() => undefined)
        .then((result) => result === undefined)
    )
      return { missing: `needs ${tool}` };
  const given = process.env['CUMULET_GUEST_IMAGE'];
  if (given) return { path: given };
  const workDir = join(tmpdir(), 'cumulet-test-guest');
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  try {
    const output = join(workDir, 'guest.qcow2');
    // Test files run side by side: one of them builds, the others wait and find it built.
    const build = [process.execPath, builder, '--output', output, '--work-dir', workDir];
    await run(['flock', join(workDir, 'lock'), ...build], { deadline: 600_000 });
    return { path: output };
  } catch (error) {
    return { missing: `no guest image: ${(error as Error).message}` };
  }
}
