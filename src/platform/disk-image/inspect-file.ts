import { open } from 'node:fs/promises';
import { detect } from './detect.ts';
import { type Findings, headBytes, laterPart, tailBytes } from './inspection.ts';

/** What a file is, by the parts of it that formats are known by: all that may be known before QEMU opens it. */
export async function inspectFile(path: string): Promise<Findings> {
  await using file = await open(path);
  const { size } = await file.stat();
  const part = async (length: number, at: number) => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - at)));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  };
  const head = await part(headBytes, 0);
  const tail = await part(tailBytes, Math.max(0, size - tailBytes));
  const more = laterPart(head);
  const later = more ? await part(more.length, more.at) : null;
  return { ...detect({ head, tail, size, later }), size };
}
