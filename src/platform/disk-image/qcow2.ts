import { type Detected, type Sample, safeSize } from './format.ts';

/** Incompatible features of QEMU's docs/interop/qcow2: dirty, corrupt, external data, compression type, extended L2. */
const externalData = 1n << 2n;
const knownFeatures = 0b11111n;
const externalDataName = 0x44415441;

/** qcow2: docs/interop/qcow2.rst of QEMU. Refused: what makes QEMU open another file of the host. */
export function inspectQcow2({ head }: Sample): Detected | undefined {
  if (head.length < 4 || head.readUInt32BE(0) !== 0x514649fb) return undefined;
  if (head.length < 72) return { format: 'qcow2', virtualSize: null, danger: 'its header is cut off' };
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) {
    return { format: 'qcow2', virtualSize: null, danger: `its version is ${version}` };
  }
  // QEMU counts in sectors.
  const virtualSize = safeSize((head.readBigUInt64BE(24) / 512n) * 512n);
  const found = (danger: string | null): Detected => ({ format: 'qcow2', virtualSize, danger });
  if (virtualSize === null) return found('its size is impossible');
  if (head.readBigUInt64BE(8) !== 0n) return found('it has a backing file');
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) return found('its clusters are of an impossible size');
  const cluster = head.subarray(0, 2 ** clusterBits);
  if (version === 2) return found(extensionDanger(cluster, 72));
  if (head.length < 104) return found('its header is cut off');
  const features = head.readBigUInt64BE(72);
  if ((features & externalData) !== 0n) return found('it has an external data file');
  if ((features & ~knownFeatures) !== 0n) return found('it has unknown features');
  const headerLength = head.readUInt32BE(100);
  if (headerLength < 104 || headerLength > 2 ** clusterBits || headerLength % 8 !== 0)
    return found('its header is of an impossible length');
  return found(extensionDanger(cluster, headerLength));
}

/** Extensions lie behind the header in the first cluster, until one of type 0 or its end. */
function extensionDanger(cluster: Buffer, headerLength: number): string | null {
  let at = headerLength;
  while (at + 8 <= cluster.length) {
    const type = cluster.readUInt32BE(at);
    if (type === 0) return null;
    if (type === externalDataName) return 'it names an external data file';
    at += 8 + Math.ceil(cluster.readUInt32BE(at + 4) / 8) * 8;
  }
  return null;
}
