interface Seen {
  powerState?: string;
  uptimeSeconds?: number;
  memoryMib?: number;
  residentMib?: number;
  cpus?: { id: number; timeNanoseconds: number }[];
  disks?: {
    id: string;
    readBytes: number;
    readRequests: number;
    writeBytes: number;
    writeRequests: number;
  }[];
  nics?: { mac: string; rxBytes: number; rxPackets: number; txBytes: number; txPackets: number }[];
}

const nanoseconds = 1e9;

/** Diagnostics as all drivers show them since 2.48. Source: nova/virt/fake and the API reference. */
export function diagnosticsView(
  seen: object,
  { configDrive, driver }: { configDrive: boolean; driver: string },
): object {
  const {
    powerState = 'unknown',
    uptimeSeconds = 0,
    memoryMib = 0,
    residentMib = 0,
    ...parts
  } = seen as Seen;
  const { cpus = [], disks = [], nics = [] } = parts;
  return {
    state: powerState,
    driver: driver === 'simulated' ? 'fake' : 'libvirt',
    hypervisor: driver,
    hypervisor_os: 'linux',
    uptime: uptimeSeconds,
    config_drive: configDrive,
    num_cpus: cpus.length,
    num_nics: nics.length,
    num_disks: disks.length,
    cpu_details: cpus.map(({ id, timeNanoseconds }) => ({
      id,
      time: timeNanoseconds,
      utilisation:
        uptimeSeconds > 0
          ? Math.min(100, Math.round((100 * timeNanoseconds) / (uptimeSeconds * nanoseconds)))
          : 0,
    })),
    nic_details: nics.map(({ mac, rxBytes, rxPackets, txBytes, txPackets }) => ({
      mac_address: mac,
      rx_octets: rxBytes,
      rx_errors: 0,
      rx_drop: 0,
      rx_packets: rxPackets,
      rx_rate: null,
      tx_octets: txBytes,
      tx_errors: 0,
      tx_drop: 0,
      tx_packets: txPackets,
      tx_rate: null,
    })),
    disk_details: disks.map(({ readBytes, readRequests, writeBytes, writeRequests }) => ({
      read_bytes: readBytes,
      read_requests: readRequests,
      write_bytes: writeBytes,
      write_requests: writeRequests,
      errors_count: 0,
    })),
    memory_details: { maximum: memoryMib, used: residentMib },
  };
}

/** Before 2.48: a flat list of numbers, whose names are libvirt's. */
export function oldDiagnosticsView(seen: object): Record<string, number> {
  const { memoryMib = 0, residentMib = 0, cpus = [], disks = [], nics = [] } = seen as Seen;
  const view: Record<string, number> = { memory: memoryMib * 1024, 'memory-rss': residentMib * 1024 };
  for (const { id, timeNanoseconds } of cpus) view[`cpu${id}_time`] = timeNanoseconds;
  for (const [index, disk] of disks.entries()) {
    const name = `vd${String.fromCharCode(97 + (index % 26))}`;
    view[`${name}_read`] = disk.readBytes;
    view[`${name}_read_req`] = disk.readRequests;
    view[`${name}_write`] = disk.writeBytes;
    view[`${name}_write_req`] = disk.writeRequests;
    view[`${name}_errors`] = -1;
  }
  for (const [index, nic] of nics.entries()) {
    view[`vnet${index}_rx`] = nic.rxBytes;
    view[`vnet${index}_rx_packets`] = nic.rxPackets;
    view[`vnet${index}_tx`] = nic.txBytes;
    view[`vnet${index}_tx_packets`] = nic.txPackets;
  }
  return view;
}
