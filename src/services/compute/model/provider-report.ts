import type { ProviderReport } from '../../placement/contract.ts';

/** How much more than there is may be promised. */
export interface Ratios {
  cpu: number;
  ram: number;
  disk: number;
}

interface HostCapacity {
  host: string;
  cpus: number;
  memoryMib: number;
  diskGib: number;
  traits: string[];
}

/** MiB that are never given to guests: nova's `reserved_host_memory_mb`. */
const reservedMemory = 512;

/** A host's resource provider as placement is to have it. */
export function providerReport(
  uuid: string,
  { host, cpus, memoryMib, diskGib, traits }: HostCapacity,
  ratios: Ratios,
): ProviderReport {
  const inventory = (total: number, allocationRatio: number, reserved = 0) => ({
    total,
    reserved,
    minUnit: 1,
    maxUnit: total,
    stepSize: 1,
    allocationRatio,
  });
  return {
    uuid,
    name: host,
    inventories: {
      VCPU: inventory(cpus, ratios.cpu),
      MEMORY_MB: inventory(memoryMib, ratios.ram, Math.min(reservedMemory, memoryMib - 1)),
      ...(diskGib > 0 ? { DISK_GB: inventory(diskGib, ratios.disk) } : {}),
    },
    traits,
  };
}
