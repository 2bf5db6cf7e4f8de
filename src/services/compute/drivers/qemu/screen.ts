import { readFile, rm } from 'node:fs/promises';
import type { QemuGuest } from './guest.ts';
import { QmpError } from './qmp.ts';

/** A picture of the guest's screen: PNG, or PPM of a QEMU older than 7.1. */
export async function readScreen({ monitor, files }: QemuGuest) {
  try {
    const type = await monitor.execute('screendump', { filename: files.screen, format: 'png' }).then(
      () => 'image/png' as const,
      async (error: unknown) => {
        if (!(error instanceof QmpError)) throw error;
        await monitor.execute('screendump', { filename: files.screen });
        return 'image/x-portable-pixmap' as const;
      },
    );
    return { type, bytes: new Uint8Array(await readFile(files.screen)) };
  } finally {
    await rm(files.screen, { force: true });
  }
}
