/** One entry of a cpio archive; a directory has no content. */
export interface CpioEntry {
  path: string;
  /** Type and permission bits, e.g. 0o040755 for a directory, 0o100755 for a program. */
  mode: number;
  content?: Uint8Array;
}

/**
 * A cpio archive in the "newc" form that Linux takes as an initial RAM file system (kernel
 * Documentation/driver-api/early-userspace/buffer-format.rst). Everything belongs to root.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  let inode = 1;
  const push = (path: string, mode: number, content: Uint8Array) => {
    const fields = [inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(path) + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
    parts.push(padded(Buffer.from(header)), padded(content));
  };
  for (const { path, mode, content } of entries) push(path, mode, content ?? new Uint8Array());
  push('TRAILER!!!', 0, new Uint8Array());
  return Buffer.concat(parts);
}

function padded(bytes: Uint8Array): Uint8Array {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
