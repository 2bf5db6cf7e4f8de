import { rename, rm } from 'node:fs/promises';
import { run } from '../../../../platform/exec/run.ts';
import type { QemuGuest } from './guest.ts';

/**
 * Writes a disk of a guest as one qcow2 file that refers to no other. A guest that runs stands still meanwhile:
 * QEMU flushes all of its disks when it pauses, so what is copied is what the guest had written.
 */
export async function exportDisk(guest: QemuGuest, diskId: string, path: string): Promise<void> {
  const fresh = `${path}.new`;
  const running = guest.powerState === 'running';
  if (running) await guest.pause();
  try {
    await rm(fresh, { force: true });
    // -U: the paused emulator holds the disk's lock.
    const source = guest.files.disk(diskId);
    await run(['qemu-img', 'convert', '-U', '-f', 'qcow2', '-O', 'qcow2', source, fresh], {
      deadline: 1_800_000,
    });
    await rename(fresh, path);
  } finally {
    if (running) await guest.unpause();
    await rm(fresh, { force: true });
  }
}
