import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

const root = join(import.meta.dirname, '..');

/**
 * The tiny guest image of this checkout, built when it is not there or no longer what it should be. What was built
 * once needs no network again. Programs that ask at the same time build it once.
 *
 * @returns the path of the qcow2 file
 * @throws CommandFailed where it cannot be built
 */
export async function cachedGuestImage(): Promise<string> {
  const directory = join(root, '.cache', 'guest');
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const output = join(directory, 'cumulet-guest.qcow2');
  const build = [
    process.execPath,
    join(root, 'guest', 'build.ts'),
    '--output',
    output,
    '--work-dir',
    directory,
  ];
  await run(['flock', join(directory, 'lock'), ...build], { deadline: 600_000 });
  return output;
}

if (import.meta.main) console.log(await cachedGuestImage());
