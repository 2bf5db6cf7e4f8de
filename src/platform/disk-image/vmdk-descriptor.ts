/** The kinds that are whole in one file. */
const selfContained = new Set(['monolithicsparse', 'streamoptimized']);

/**
 * What speaks against a descriptor. QEMU and VMware find words in it wherever they stand, in comments and within
 * other values too: so each line must be of a known form, and the words that lead elsewhere may not occur at all.
 */
export function descriptorDanger(bytes: Buffer): string | null {
  const all = bytes.toString('latin1');
  const text = all.split('\0')[0] ?? '';
  if (text === '') return 'it has no descriptor';
  if (/parentFileNameHint/i.test(text)) return 'it has a parent';
  const types = [...text.matchAll(/createType\s*=\s*"?([^"\r\n]{0,64})"?/gi)].map(([, type]) => type ?? '');
  const [type] = types;
  if (type === undefined || types.length !== 1) return `its kind is said ${types.length} times`;
  if (!selfContained.has(type.toLowerCase())) return `its kind is ${type}`;
  const lines = text.split('\n').map((line) => line.trim());
  const extents = lines.filter((line) => /^(?:RW|RDONLY|NOACCESS)(?:\s|$)/i.test(line));
  if (!lines.every((line) => extents.includes(line) || isPlain(line)))
    return 'its descriptor is not understood';
  if (extents.length !== 1) return `it has ${extents.length} extents`;
  // No folders, and no `nbd:…`: what has a colon is no file to QEMU.
  if (!/^(?:RW|RDONLY)\s+\d+\s+SPARSE\s+"[^"/\\:]*"(?:\s+\d+)?$/i.test(extents[0] ?? ''))
    return 'its extent names another file';
  return null;
}

/** Empty, a comment, or `name = value`. */
const isPlain = (line: string): boolean =>
  line === '' || line.startsWith('#') || /^ddb/i.test(line) || /^[^\s=]+\s*=/.test(line);
