import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { cpuTraits } from '../cpu-traits.ts';
import type { HostFacts } from '../driver.ts';
import { type Emulator, hostProcessor } from './accelerator.ts';

/** What the driver can do, as upstream's capability traits name it. */
const capabilityTraits = [
  'COMPUTE_GRAPHICS_MODEL_VGA',
  'COMPUTE_IMAGE_TYPE_ISO',
  'COMPUTE_IMAGE_TYPE_QCOW2',
  'COMPUTE_IMAGE_TYPE_RAW',
  'COMPUTE_IMAGE_TYPE_VDI',
  'COMPUTE_IMAGE_TYPE_VHD',
  'COMPUTE_IMAGE_TYPE_VHDX',
  'COMPUTE_IMAGE_TYPE_VMDK',
  'COMPUTE_NET_ATTACH_INTERFACE',
  'COMPUTE_NET_VIF_MODEL_VIRTIO',
  'COMPUTE_NODE',
  'COMPUTE_STORAGE_BUS_VIRTIO',
  'COMPUTE_VOLUME_ATTACH',
];

/** What this host has, as placement and the hypervisors API want to know it. @param directory where guests lie */
export async function hostFacts(emulator: Emulator, directory: string): Promise<HostFacts> {
  const [processor, disk] = await Promise.all([hostProcessor(), statfs(directory)]);
  const [major, minor, micro] = emulator.version;
  const gib = (blocks: number) => Math.floor((blocks * disk.bsize) / 2 ** 30);
  return {
    hypervisorType: 'QEMU',
    hypervisorVersion: major * 1_000_000 + minor * 1_000 + micro,
    accelerator: emulator.accelerator,
    cpus: processor.count,
    memoryMib: Math.floor(totalmem() / 2 ** 20),
    diskGib: gib(disk.blocks),
    freeDiskGib: gib(disk.bavail),
    cpu: {
      arch: processor.arch,
      vendor: processor.vendor,
      model: processor.model,
      topology: processor.topology,
      features: emulator.features,
    },
    traits: [...capabilityTraits, ...cpuTraits(emulator.features)].toSorted(),
  };
}
