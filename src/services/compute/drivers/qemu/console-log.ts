import { open, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { lastLines } from '../console-text.ts';
import { consoleLogLimit } from '../driver.ts';
import type { GuestFiles } from './files.ts';

/** A log that grew beyond this is cut; a guest that writes without end must not fill the disk. */
const trimAbove = 1 << 20;

/** The end of what the guest wrote: at most `consoleLogLimit` bytes, and at most `lines` lines. */
export async function readConsoleLog(files: GuestFiles, lines?: number): Promise<string> {
  const current = await tail(files.consoleLog, consoleLogLimit);
  const older = await tail(files.olderConsoleLog, consoleLogLimit - current.length);
  return lastLines(Buffer.concat([older, current]).toString(), lines);
}

/**
 * Cuts a log that has become too long: its last part moves to the older file. QEMU keeps the file open for
 * appending, so it is emptied in place; what is written in between is lost.
 */
export async function trimConsoleLog(files: GuestFiles): Promise<void> {
  const { size } = await stat(files.consoleLog).catch(() => ({ size: 0 }));
  if (size <= trimAbove) return;
  const fresh = `${files.olderConsoleLog}.new`;
  await writeFile(fresh, await tail(files.consoleLog, consoleLogLimit), { mode: 0o600 });
  await rename(fresh, files.olderConsoleLog);
  await truncate(files.consoleLog, 0);
}

async function tail(path: string, bytes: number): Promise<Buffer> {
  if (bytes <= 0) return Buffer.alloc(0);
  const file = await open(path).catch(() => undefined);
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
