import { cachedGuestImage } from '../../../../../guest/cached.ts';
import { run } from '../../../../platform/exec/run.ts';

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
  try {
    return { path: await cachedGuestImage() };
  } catch (error) {
    return { missing: `no guest image: ${(error as Error).message}` };
  }
}
