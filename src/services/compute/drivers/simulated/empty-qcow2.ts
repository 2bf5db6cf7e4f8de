const clusterBits = 16;
const cluster = 2 ** clusterBits;

/**
 * A valid qcow2 image in which nothing has been written: a header, a table and block of reference counts, and an
 * empty first-level table. Source: QEMU's docs/interop/qcow2.txt, version 2.
 *
 * @param size bytes that a guest would see
 */
export function emptyQcow2(size: number): Uint8Array {
  const l1Entries = Math.ceil(size / (cluster * (cluster / 8)));
  const l1Clusters = Math.max(1, Math.ceil((l1Entries * 8) / cluster));
  const clusters = 3 + l1Clusters;
  const file = Buffer.alloc(clusters * cluster);
  file.write('QFI\xfb', 'latin1');
  file.writeUInt32BE(2, 4);
  file.writeUInt32BE(clusterBits, 20);
  file.writeBigUInt64BE(BigInt(size), 24);
  file.writeUInt32BE(l1Entries, 36);
  file.writeBigUInt64BE(BigInt(3 * cluster), 40);
  file.writeBigUInt64BE(BigInt(cluster), 48);
  file.writeUInt32BE(1, 56);
  file.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let at = 0; at < clusters; at++) file.writeUInt16BE(1, 2 * cluster + at * 2);
  return file;
}
