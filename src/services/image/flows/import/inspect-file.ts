import { open } from 'node:fs/promises';
import { detect } from '../../model/formats/detect.ts';
import { type Findings, headBytes, tailBytes } from '../../model/inspection.ts';

/** What a file is, by the parts of it that formats are known by. */
export async function inspectFile(path: string): Promise<Findings> {
  await using file = await open(path);
  const { size } = await file.stat();
  const part = async (length: number, at: number) => {
    const bytes = Buffer.alloc(Math.min(length, size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    return bytes.subarray(0, bytesRead);
  };
  const head = await part(headBytes, 0);
  const tail = await part(tailBytes, Math.max(0, size - tailBytes));
  return { ...detect({ head, tail, size }), size };
}
