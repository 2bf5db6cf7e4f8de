import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes plain data as JSON so that a reader, or a restart after a crash, sees the old or the new, never half.
 * Readable by the owner only.
 */
export async function writeRecord(path: string, record: unknown): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const directory = await open(dirname(path));
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The record, or `undefined` where there is none or it is no JSON. */
export async function readRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
